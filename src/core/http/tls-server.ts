import type { RequestListener, Server } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

const SENTENCE = "this port speaks https: write https://, and the pin of its certificate behind #sha256=";
const BODY = `${JSON.stringify({ error: { code: "https-only", message: SENTENCE } })}\n`;
const ANSWER = [
  "HTTP/1.1 400 Bad Request",
  "Content-Type: application/json",
  `Content-Length: ${BODY.length}`,
  "Connection: close",
  "",
  BODY,
].join("\r\n");

/** node:https, which also tells whoever comes with plain HTTP what to write instead. */
export function createTlsServer(options: ServerOptions, serve: RequestListener): Server {
  const server = createServer(options, serve);
  /** By the other end: those whose handshake is not done. */
  const greeting = new Map<string, Socket>();
  server.on("connection", (socket) => {
    const key = keyOf(socket);
    greeting.set(key, socket);
    socket.once("close", () => greeting.delete(key));
  });
  server.on("secureConnection", (socket) => greeting.delete(keyOf(socket)));
  server.on("tlsClientError", (error, socket: TLSSocket) => {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SSL_HTTP_REQUEST") return;
    // It fits in the socket's buffer, so it is out before node:tls cuts the connection.
    greeting
      .get(keyOf(socket))
      ?.once("error", () => {})
      .write(ANSWER);
  });
  return server;
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
