import { ChainCoreError } from "../errors.ts";
import type { FailureAnswer } from "./answers.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "./unix-http.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Asks one node over its admin socket. Holds no connection: every call has its own. */
export class AdminClient {
  readonly socketPath: string;
  /** How errors name the node: `node core0 of session "default"`. */
  readonly #name: string;

  constructor(socketPath: string, name: string) {
    this.socketPath = socketPath;
    this.#name = name;
  }

  /** @throws ChainCoreError no-node-running, or the code with which the node refused */
  async get<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
    return (await this.#json({ method: "GET", path, ...options })) as Answer;
  }

  /** Sends `value` as JSON, or bytes as they are. @throws as `get` */
  async post<Answer>(path: string, value: object, options: CallOptions = {}): Promise<Answer> {
    const body =
      value instanceof Uint8Array
        ? { type: "application/octet-stream", bytes: value }
        : { type: "application/json", bytes: Buffer.from(JSON.stringify(value)) };
    return (await this.#json({ method: "POST", path, body, ...options })) as Answer;
  }

  /** The objects of an NDJSON stream, until the node or the caller ends it. @throws as `get` */
  async *lines<Line>(path: string, options: CallOptions = {}): AsyncGenerator<Line> {
    const answer = await this.#exchange({ method: "GET", path, ...options });
    if (answer.status !== 200) throw await this.#refusal(answer);
    for await (const line of linesOf(answer.body)) yield JSON.parse(line) as Line;
  }

  async #json(request: HttpRequest): Promise<unknown> {
    const answer = await this.#exchange(request);
    if (answer.status < 200 || answer.status > 299) throw await this.#refusal(answer);
    const text = await this.#text(answer);
    return text === "" ? undefined : JSON.parse(text);
  }

  async #exchange(request: HttpRequest): Promise<HttpAnswer> {
    try {
      return await exchange(this.socketPath, request);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ECONNREFUSED") throw noNodeRunning(this.#name, error);
      if (code === "EACCES" || code === "EPERM") {
        throw new ChainCoreError(
          "bad-environment",
          `you may not talk to ${this.#name}: its socket ${this.socketPath} belongs to another user`,
          {
            cause: error,
          },
        );
      }
      if (code === "ECONNRESET" || code === "EPIPE") throw this.#wentAway(error);
      throw error;
    }
  }

  async #text(answer: HttpAnswer): Promise<string> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of answer.body) chunks.push(chunk);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "ECONNRESET" ? this.#wentAway(error) : error;
    }
    const bytes = Buffer.concat(chunks);
    const announced = answer.headers.get("content-length");
    if (announced !== undefined && Number(announced) !== bytes.length) throw this.#wentAway(undefined);
    return bytes.toString("utf8");
  }

  async #refusal(answer: HttpAnswer): Promise<ChainCoreError> {
    const text = await this.#text(answer);
    let failure: Partial<FailureAnswer>;
    try {
      failure = JSON.parse(text) as Partial<FailureAnswer>;
    } catch {
      failure = {};
    }
    const { code = "refused", message = `${this.#name} answered with status ${answer.status}`, detail } = failure.error ?? {};
    return new ChainCoreError(code, message, { detail: { status: answer.status, ...detail } });
  }

  #wentAway(cause: unknown): ChainCoreError {
    return new ChainCoreError(
      "node-went-away",
      `${this.#name} went away before it had answered; start it again with "chaincore node"`,
      { cause },
    );
  }
}

export function noNodeRunning(name: string, cause?: unknown): ChainCoreError {
  return new ChainCoreError("no-node-running", `${name} is not running; start one with "chaincore node" or "chaincore mine"`, {
    cause,
  });
}

/** Splits a body at line feeds; a line without one at the end was cut off and is not given. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield line;
  }
}
