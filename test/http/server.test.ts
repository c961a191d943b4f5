import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { NdjsonStream } from "../../src/core/http/ndjson.ts";
import { Router } from "../../src/core/http/router.ts";
import { HttpServer, type HttpServerOptions } from "../../src/core/http/server.ts";
import type { Log } from "../../src/core/ports.ts";

const errors: object[] = [];
const log: Log = { debug() {}, info() {}, warn() {}, error: (fields) => errors.push(fields) };
const open: HttpServer[] = [];

afterEach(async () => {
  errors.length = 0;
  for (const server of open.splice(0)) await server.close(0);
});

async function start(router: Router, options: HttpServerOptions = {}): Promise<number> {
  const server = new HttpServer(options, { router, log });
  await server.listen({ host: "127.0.0.1", port: 0 });
  open.push(server);
  return server.port!;
}

const echo = () => new Router().on("POST", "/", async (exchange) => exchange.answer(200, await exchange.body(), "text/plain"));

/** Everything that the server sends until it closes. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

test("a request is answered, an unknown path and a wrong method are not", async () => {
  const url = `http://127.0.0.1:${await start(echo())}`;
  expect(await (await fetch(url, { method: "POST", body: "hello" })).text()).toBe("hello");
  const unknown = await fetch(`${url}/nosuch`);
  expect([unknown.status, await unknown.json()]).toEqual([
    404,
    { error: { code: "not-found", message: "nothing answers at /nosuch" } },
  ]);
  const wrong = await fetch(url);
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
});

test("a body that is announced too large is refused before it is read", async () => {
  const socket = connect(await start(echo(), { limits: { bodyBytesMax: 10 } }), "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n");
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 413 .*body-too-large/s);
});

test("a body that grows too large is refused while it comes", async () => {
  const socket = connect(await start(echo(), { limits: { bodyBytesMax: 10 } }), "127.0.0.1");
  socket.write(
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n0123456789012345678901234567890\r\n",
  );
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 413 /);
});

test("a body of exactly the limit is taken", async () => {
  const url = `http://127.0.0.1:${await start(echo(), { limits: { bodyBytesMax: 10 } })}`;
  expect((await fetch(url, { method: "POST", body: "0123456789" })).status).toBe(200);
  expect((await fetch(url, { method: "POST", body: "01234567890" })).status).toBe(413);
});

test("a client that never ends its headers is cut off", async () => {
  const socket = connect(await start(echo(), { limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } }), "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nHost: loc");
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 408 /);
});

test("a client that never ends its body is cut off", async () => {
  const socket = connect(await start(echo(), { limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } }), "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n01234");
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 408 /);
});

test("an idle connection is closed", async () => {
  const socket = connect(await start(echo(), { limits: { keepAliveMs: 50 } }), "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi");
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 200 .*hi$/s);
});

test("a client that takes nothing of its answer is cut off", async () => {
  const left = Promise.withResolvers<void>();
  const router = new Router().on("GET", "/", (exchange) => {
    exchange.response.once("close", () => left.resolve());
    exchange.answer(200, new Uint8Array(50_000_000), "application/octet-stream");
  });
  const socket = connect(await start(router, { limits: { writeStallMs: 100 } }), "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await left.promise;
  socket.destroy();
});

test("a stream cuts off a reader that is too far behind", async () => {
  const counted = Promise.withResolvers<number>();
  const router = new Router().on("GET", "/", async (exchange) => {
    const stream = new NdjsonStream(exchange, 100_000);
    let lines = 0;
    while (stream.write({ filler: "x".repeat(10_000) })) {
      lines++;
      await new Promise(setImmediate);
    }
    counted.resolve(lines);
  });
  const socket = connect(await start(router), "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await counted.promise).toBeGreaterThan(9);
  socket.destroy();
});

test("names and pages from elsewhere are refused", async () => {
  const port = await start(echo());
  const rebound = connect(port, "127.0.0.1");
  rebound.write("POST / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  expect(await readAll(rebound)).toMatch(/^HTTP\/1.1 403 .*host-refused/s);
  const foreign = connect(port, "127.0.0.1");
  foreign.write(
    "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
  );
  expect(await readAll(foreign)).toMatch(/^HTTP\/1.1 403 .*origin-refused/s);
});

test("a handler that fails answers 500 and tells the log, not the client, why", async () => {
  const router = new Router().on("GET", "/", () => {
    throw new Error("a secret");
  });
  const answer = await fetch(`http://127.0.0.1:${await start(router)}`);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("secret");
  expect(errors).toHaveLength(1);
});

test("closing lets an answer under way end and takes no new connections", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const router = new Router().on("GET", "/", async (exchange) => {
    begun.resolve();
    await release.promise;
    exchange.answer(200, "late", "text/plain");
  });
  const port = await start(router);
  const pending = fetch(`http://127.0.0.1:${port}`);
  await begun.promise;
  const closed = open.pop()!.close();
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
  release.resolve();
  expect(await (await pending).text()).toBe("late");
  await closed;
});
