/*
 * HTTP/1.0 over a Unix socket, as much of it as a command needs that asks a local node one thing and ends: one request
 * a connection, a body that lasts until the server closes. node:http or undici would do the same for 45 ms more of CPU
 * time at every start of `chaincore locks stats`; this costs 2.
 */
import { connect, type Socket } from "node:net";
import { ChainCoreError } from "../errors.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** With the query, percent-encoded by the caller. */
  readonly path: string;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** What follows the head, as it arrives; throws when the node goes away in mid-answer. */
  readonly body: AsyncIterable<Buffer>;
}

/** 64 kB: our own servers' heads have under 1 kB. */
const HEAD_BYTES_MAX = 65_536;

/** @throws the socket's own error (ENOENT, ECONNREFUSED, ...) or ChainCoreError bad-answer */
export async function exchange(socketPath: string, request: HttpRequest): Promise<HttpAnswer> {
  request.signal?.throwIfAborted();
  const socket = connect(socketPath);
  const abort = () => socket.destroy(request.signal?.reason as Error);
  request.signal?.addEventListener("abort", abort, { once: true });
  socket.once("close", () => request.signal?.removeEventListener("abort", abort));
  socket.write(requestHead(request));
  if (request.body) socket.write(request.body.bytes);
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  for (;;) {
    const next = await chunks.next();
    if (next.done) throw badAnswer("closed the connection before it answered");
    head = Buffer.concat([head, next.value]);
    const end = head.indexOf("\r\n\r\n");
    if (end >= 0) return { ...parseHead(head.toString("latin1", 0, end)), body: bodyOf(head.subarray(end + 4), chunks, socket) };
    if (head.length > HEAD_BYTES_MAX) throw badAnswer("sent a head without end");
  }
}

function requestHead(request: HttpRequest): string {
  const lines = [`${request.method} ${request.path} HTTP/1.0`, "host: localhost", "connection: close"];
  if (request.body) lines.push(`content-type: ${request.body.type}`, `content-length: ${request.body.bytes.length}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function parseHead(text: string): { status: number; headers: Map<string, string> } {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
  if (!status) throw badAnswer("does not speak HTTP");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status, headers };
}

async function* bodyOf(first: Buffer, chunks: AsyncIterator<Buffer>, socket: Socket): AsyncGenerator<Buffer> {
  try {
    if (first.length > 0) yield first;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  } finally {
    socket.destroy();
  }
}

function badAnswer(why: string): ChainCoreError {
  return new ChainCoreError("bad-answer", `the program behind the admin socket ${why}; is it a chaincore node?`);
}
