import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BasicAuth, removeCookie, writeCookie } from "../../src/core/api/cookie.ts";
import { serveApi } from "../../src/core/api/http-server.ts";
import { systemEntropy } from "../../src/core/node/system.ts";
import { CREDENTIALS, TestNode } from "./test-node.ts";

const basic = (credentials: string) => ({ authorization: `Basic ${Buffer.from(credentials).toString("base64")}` });
const COUNT = JSON.stringify({ id: 1, method: "getblockcount" });
let node: TestNode;
let url: string;

beforeAll(async () => {
  node = await TestNode.open();
  url = await node.url();
});
afterAll(() => node[Symbol.asyncDispose]());

const post = (body: string, headers: Record<string, string>) => fetch(url, { method: "POST", body, headers });

test("a cookie is one line that only its owner reads, and new each time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chaincore-cookie-"));
  const path = join(folder, ".cookie");
  const first = await writeCookie(path, systemEntropy);
  const second = await writeCookie(path, systemEntropy);
  expect(first).toMatch(/^__cookie__:[0-9a-f]{64}$/);
  expect(second).not.toBe(first);
  expect(await readFile(path, "utf8")).toBe(second);
  expect(((await stat(path)).mode & 0o777).toString(8)).toBe("600");
  expect(await readdir(folder)).toEqual([".cookie"]);
  await removeCookie(path);
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

test("credentials are admitted whole or not at all", () => {
  const auth = new BasicAuth(CREDENTIALS);
  expect(auth.admits(basic(CREDENTIALS).authorization)).toBe(true);
  for (const wrong of ["", ":", CREDENTIALS.slice(0, -1), `${CREDENTIALS}7`, CREDENTIALS.toUpperCase()]) {
    expect(auth.admits(basic(wrong).authorization), wrong).toBe(false);
  }
  for (const header of [undefined, "", "Basic", "Bearer x", CREDENTIALS]) expect(auth.admits(header), header).toBe(false);
});

test("methods need credentials, figures do not", async () => {
  expect(await (await post(COUNT, basic(CREDENTIALS))).json()).toEqual({ result: 0, error: null, id: 1 });
  const refused = await post(COUNT, basic("__cookie__:wrong"));
  expect([refused.status, refused.headers.get("www-authenticate"), await refused.text()]).toEqual([
    401,
    'Basic realm="jsonrpc"',
    "",
  ]);
  for (const path of ["/status", "/stats", "/metrics"]) expect((await fetch(url + path)).status, path).toBe(200);
});

test("every answer is of exactly the type application/json", async () => {
  const answer = await post(COUNT, { ...basic(CREDENTIALS), "content-type": "text/plain" });
  expect(answer.headers.get("content-type")).toBe("application/json");
});

test("other paths and other methods are refused as Bitcoin Core refuses them", async () => {
  const get = await fetch(url);
  expect([get.status, await get.text()]).toEqual([405, "JSONRPC server handles only POST requests"]);
  const wallet = await fetch(`${url}/wallet/x`, { method: "POST", body: COUNT, headers: basic(CREDENTIALS) });
  expect([wallet.status, await wallet.text()]).toEqual([404, ""]);
});

test("a body above 9 MB is refused", async () => {
  expect((await post("x".repeat(9_000_001), basic(CREDENTIALS))).status).toBe(413);
});

test("a page of another origin is refused even with credentials", async () => {
  expect((await post(COUNT, { ...basic(CREDENTIALS), origin: "http://evil.example" })).status).toBe(403);
});

test("beyond the depth of the queue calls are refused with 503", async () => {
  const server = await serveApi(node.api, { port: 0, credentials: CREDENTIALS, workQueueDepth: 2 });
  const wait = JSON.stringify({ id: 1, method: "waitforblockheight", params: [999, 60_000] });
  const leaving = new AbortController();
  const waiting = [1, 2].map(() =>
    fetch(server.url, { method: "POST", body: wait, headers: basic(CREDENTIALS), signal: leaving.signal }).catch(() => undefined),
  );
  const ask = () => fetch(server.url, { method: "POST", body: COUNT, headers: basic(CREDENTIALS) });
  let answer = await ask();
  while (answer.status === 200) answer = await ask(); // Until both that wait have come in.
  expect([answer.status, await answer.text()]).toEqual([503, "Work queue depth exceeded"]);
  leaving.abort();
  await Promise.all(waiting);
  while ((await ask()).status !== 200); // Who leaves makes room.
  await server.close();
});

test("a port that was asked for and is taken is an error with the way out", async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  const { port } = squatter.address() as { port: number };
  await expect(serveApi(node.api, { port, credentials: CREDENTIALS })).rejects.toThrow(
    expect.objectContaining({ code: "port-in-use", message: expect.stringContaining("--api-port") }),
  );
  squatter.close();
});

test("the default port moves to the next free one", async () => {
  const first = await serveApi(node.api, { credentials: CREDENTIALS });
  const second = await serveApi(node.api, { credentials: CREDENTIALS });
  expect(second.port).toBeGreaterThan(first.port);
  await Promise.all([first.close(), second.close()]);
});

test("status and figures have the shapes that others build on", async () => {
  const status = (await (await fetch(`${url}/status`)).json()) as object;
  expect(status).toMatchObject({ node: "core0", network: "regtest", height: 0, mempool: { transactions: 0, bytes: 0 } });
  const stats = (await (await fetch(`${url}/stats`)).json()) as Record<string, object>;
  expect(Object.keys(stats)).toEqual(["lock_stats", "deadlock_stats", "kpis", "load", "uptime_seconds"]);
  expect(Object.keys(stats["kpis"]!)).toEqual([
    "lock_contention_ratio",
    "average_wait_time",
    "deadlocks_per_hour",
    "utxo_conflict_ratio",
    "connection_hit_rate",
  ]);
  expect(Object.keys(stats["deadlock_stats"]!)).toEqual(["cycles_detected", "prevented_deadlocks"]);
});

test("metrics count calls by method", async () => {
  await post(COUNT, basic(CREDENTIALS));
  await post(JSON.stringify({ id: 1, method: "made-up" }), basic(CREDENTIALS));
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toMatch(/^chaincore_rpc_calls\{method="getblockcount",outcome="ok"\} [1-9]/m);
  expect(text).toMatch(/^chaincore_rpc_calls\{method="unknown",outcome="error"\} 1$/m);
  expect(text).not.toContain("made-up");
});
