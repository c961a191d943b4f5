import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createPlainServer, type Server as PlainServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminClient } from "../../src/core/client/admin-client.ts";

let folder: string;
let server: Server | PlainServer | undefined;
let client: AdminClient;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-client-"));
  client = new AdminClient(join(folder, "s"), "the node");
});
afterEach(async () => {
  if (server && "closeAllConnections" in server) server.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<void> {
  server = createServer(listener);
  await new Promise<void>((resolve) => (server as Server).listen(join(folder, "s"), resolve));
}

/** A server that says exactly this and closes. */
async function serveRaw(text: string): Promise<void> {
  server = createPlainServer((socket) => {
    socket.once("data", () => socket.end(text));
  });
  await new Promise<void>((resolve) => (server as PlainServer).listen(join(folder, "s"), resolve));
}

test("objects go as JSON, bytes go as they are", async () => {
  const seen: unknown[] = [];
  await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push([
        request.method,
        request.url,
        request.headers["content-type"],
        request.headers.host,
        Buffer.concat(chunks).toString("latin1"),
      ]);
      response.end('{"ok":true}');
    });
  });
  expect(await client.post("/v1/send", { to: "ä" })).toEqual({ ok: true });
  expect(await client.post("/v1/blocks", new Uint8Array([1, 2, 0xff]))).toEqual({ ok: true });
  expect(seen).toEqual([
    ["POST", "/v1/send", "application/json", "localhost", '{"to":"\xc3\xa4"}'],
    ["POST", "/v1/blocks", "application/octet-stream", "localhost", "\x01\x02\xff"],
  ]);
});

test("an answer of many megabytes arrives whole", async () => {
  const value = "x".repeat(20_000_000);
  await serve((_request, response) => response.end(JSON.stringify({ value })));
  expect((await client.get<{ value: string }>("/v1/x")).value).toHaveLength(value.length);
});

test("an empty answer is undefined", async () => {
  await serve((_request, response) => response.writeHead(204).end());
  expect(await client.get("/v1/x")).toBeUndefined();
});

test("a refusal keeps the node's code, message and detail", async () => {
  await serve((_request, response) =>
    response.writeHead(409).end('{"error":{"code":"insufficient-funds","message":"you have 1","detail":{"have":1}}}'),
  );
  await expect(client.get("/v1/x")).rejects.toMatchObject({
    code: "insufficient-funds",
    message: "you have 1",
    detail: { have: 1, status: 409 },
  });
});

test("a refusal without words is told by its status", async () => {
  await serve((_request, response) => response.writeHead(503).end("<html>"));
  await expect(client.get("/v1/x")).rejects.toMatchObject({ code: "refused", message: "the node answered with status 503" });
});

test("a stream gives objects as they come, cut at any byte", async () => {
  await serve((_request, response) => {
    const text = Buffer.from('{"n":1,"s":"ä"}\n{"n":2}\n\n{"n":3}\n{"n":4');
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    for (const byte of text) response.write(Buffer.of(byte));
    response.end();
  });
  const lines: unknown[] = [];
  for await (const line of client.lines("/v1/events")) lines.push(line);
  expect(lines).toEqual([{ n: 1, s: "ä" }, { n: 2 }, { n: 3 }]);
});

test("a reader that stops reading a stream closes its connection", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  await serve((_request, response) => {
    response.once("close", resolve);
    response.writeHead(200).write('{"n":1}\n');
  });
  for await (const _line of client.lines("/v1/events")) break;
  await closed;
});

test("an aborted call ends at once, before an answer and in a stream", async () => {
  await serve((request, response) => {
    if (request.url === "/v1/events") response.writeHead(200).write('{"n":1}\n');
  });
  const cancel = new AbortController();
  const asked = expect(client.get("/v1/never", { signal: cancel.signal })).rejects.toMatchObject({ name: "AbortError" });
  cancel.abort();
  await asked;
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _line of client.lines("/v1/events", { signal: stop.signal })) stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ name: "AbortError" });
});

test("no socket, and a socket whose server was killed, both mean that no node runs", async () => {
  await expect(client.get("/v1/x")).rejects.toMatchObject({ code: "no-node-running" });
  const script = `require("node:net").createServer().listen(${JSON.stringify(join(folder, "s"))}, () => process.kill(process.pid, "SIGKILL"))`;
  await new Promise((resolve) => spawn(process.execPath, ["-e", script]).once("exit", resolve));
  expect(existsSync(join(folder, "s"))).toBe(true);
  await expect(client.get("/v1/x")).rejects.toMatchObject({ code: "no-node-running" });
});

test.each([
  ["closes at once", "", "closed the connection"],
  ["speaks another protocol", "SSH-2.0-x\r\n\r\n", "does not speak HTTP"],
  ["sends a head without end", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, "sent a head without end"],
])("a program that %s is told apart from a node", async (_what, text, words) => {
  await serveRaw(text);
  await expect(client.get("/v1/x")).rejects.toMatchObject({ code: "bad-answer", message: expect.stringContaining(words) });
});

test("an answer that is shorter than it said is not taken for whole", async () => {
  await serveRaw('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"ok":true}');
  await expect(client.get("/v1/x")).rejects.toMatchObject({ code: "node-went-away" });
});
