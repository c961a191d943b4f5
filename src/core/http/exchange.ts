import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError } from "./http-error.ts";
import type { HttpLimits } from "./limits.ts";

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly limits: HttpLimits;
  /** The path without query, as sent. */
  readonly path: string;
  /** What stood in the place of `:name` in the route's pattern. */
  parameter = "";
  readonly #search: string;
  #left: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, limits: HttpLimits) {
    this.request = request;
    this.response = response;
    this.limits = limits;
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.#search = mark < 0 ? "" : url.slice(mark + 1);
  }

  get method(): string {
    return this.request.method ?? "GET";
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search);
  }

  /** Aborted when the client leaves before it has its answer. */
  get signal(): AbortSignal {
    if (this.#left === undefined) {
      const left = new AbortController();
      this.#left = left;
      this.response.once("close", () => {
        if (!this.response.writableFinished) left.abort();
      });
    }
    return this.#left.signal;
  }

  /** The whole body. @throws HttpError 413 as soon as it is known to be larger than `bytesMax`, 400 when it is cut short. */
  body(bytesMax = this.limits.bodyBytesMax): Promise<Buffer> {
    const { request } = this;
    if (Number(request.headers["content-length"] ?? 0) > bytesMax) return Promise.reject(tooLarge(bytesMax));
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    let length = 0;
    // Listeners, not an async iterator: that costs as much as all the rest of a small request.
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) {
        request.pause();
        reject(tooLarge(bytesMax));
      } else {
        chunks.push(chunk);
      }
    });
    request.once("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    request.once("error", (cause) => reject(new HttpError(400, "the request ended before its body did", { cause })));
    return promise;
  }

  /** Sends the whole answer. `type` is the Content-Type, none where there is no body. */
  answer(status: number, body: string | Uint8Array, type: string | undefined, headers: Record<string, string> = {}): void {
    const { response } = this;
    if (response.destroyed || response.headersSent) return;
    if (type !== undefined) response.setHeader("Content-Type", type);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (status !== 204) response.setHeader("Content-Length", Buffer.byteLength(body));
    if (!this.request.complete) response.setHeader("Connection", "close"); // Whatever is still to come is not read.
    response.statusCode = status;
    this.guardStall();
    response.end(body); // A text goes out in one write with the headers.
  }

  answerJson(value: unknown, status = 200): void {
    this.answer(status, `${JSON.stringify(value)}\n`, "application/json");
  }

  /** Cuts the connection when the client takes no byte for `writeStallMs` while an answer is on its way. */
  guardStall(): void {
    this.response.socket?.setTimeout(this.limits.writeStallMs); // node:http destroys it then, and sets its own time once all is out.
  }
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, `the body is larger than ${bytesMax} bytes`, {
    code: "body-too-large",
    headers: { Connection: "close" },
  });
}
