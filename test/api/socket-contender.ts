import { createInterface } from "node:readline";
import { listenOnSocket } from "../../src/core/api/admin-socket.ts";
import { Router } from "../../src/core/http/router.ts";
import { HttpServer } from "../../src/core/http/server.ts";

/*
 * One of several processes that want the same socket file: says "ready", waits for a line, tries, says "owner" or the code of its
 * refusal, and keeps what it got until the next line or until it is killed.
 */
const log = { debug() {}, info() {}, warn() {}, error() {} };
const router = new Router().on("GET", "/", (exchange) => exchange.answer(200, String(process.pid), "text/plain"));
const server = new HttpServer({ checkBrowser: false }, { router, log });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

console.log("ready");
await lines.next();
try {
  await listenOnSocket(server, process.argv[2]!);
  console.log("owner");
} catch (error) {
  console.log((error as { code?: string }).code);
}
await lines.next();
await server.close(0);
process.exit(0);
