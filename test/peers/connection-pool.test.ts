import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import { systemEntropy } from "../../src/core/node/system.ts";
import { ConnectionPool, type ConnectionPoolOptions, type PoolRequest } from "../../src/core/peers/connection-pool.ts";
import { CountingServer } from "./misbehaving-server.ts";
import { until } from "./sync/sync-node.ts";

/** Every promise of the pool against real sockets: what a server counts, not what the pool says of itself. */

class TestPool extends ConnectionPool {
  readonly #locks: LockManager;

  constructor(options: Partial<ConnectionPoolOptions> = {}, monotonicMs = () => performance.now()) {
    const locks = new LockManager();
    super(options, { locks, clock: { nowMs: () => Date.now(), monotonicMs }, entropy: systemEntropy });
    this.#locks = locks;
  }

  get(server: { origin: string }, more: Partial<PoolRequest> = {}) {
    return this.request({ origin: server.origin, path: "/", method: "GET", bytesMax: 1_000, ...more });
  }

  /** The code that a request fails with; "answered" when it does not. */
  failure(server: { origin: string }, more: Partial<PoolRequest> = {}): Promise<string> {
    return this.get(server, more).then(
      () => "answered",
      (error: { code?: unknown; name?: unknown }) => (typeof error.code === "string" ? error.code : String(error.name)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.#locks.close();
  }
}

const ok = (response: ServerResponse) => void response.end("ok");

/** A server that answers only when it is told. */
async function holding() {
  const held: ServerResponse[] = [];
  const server = await CountingServer.http((response) => held.push(response));
  return { server, held, release: () => held.splice(0).forEach(ok) };
}

test("the eleventh request to a host waits, and is served by a connection of the ten", async () => {
  const { server, held, release } = await holding();
  await using _server = server;
  await using pool = new TestPool();
  const answers = Array.from({ length: 25 }, () => pool.get(server));
  await until("ten have arrived", () => held.length === 10);
  expect(pool.statistics()[0]).toMatchObject({ busy: 10, open: 10, waiting: 15 });
  ok(held.shift()!);
  await until("the eleventh has arrived", () => server.requests === 11);
  expect(server.busyMost).toBe(10);
  const releasing = setInterval(release, 5);
  await Promise.all(answers);
  clearInterval(releasing);
  expect([server.requests, server.busyMost, server.connections]).toEqual([25, 10, 10]);
});

test("no more connections are open than maxConnections, over all hosts, busy and idle", async () => {
  await using a = await CountingServer.http(ok);
  await using b = await CountingServer.http(ok);
  await using c = await CountingServer.http(ok);
  await using pool = new TestPool({ maxConnections: 4, maxPerHost: 3 });
  const openMost: number[] = [];
  for (let round = 0; round < 20; round++) {
    const answers = [a, b, c, a, b, c, a, b, c].slice(0, 1 + (round % 9)).map((server) => pool.get(server));
    for (const answer of answers) {
      await answer;
      openMost.push(pool.statistics().reduce((sum, { open }) => sum + open, 0));
    }
  }
  expect(Math.max(...openMost)).toBe(4);
  await until("servers see no more", () => a.sockets.size + b.sockets.size + c.sockets.size <= 4);
});

test("an answer that goes on has a connection to itself; the one that stood stays for requests", async () => {
  await using server = await CountingServer.http((response, _nth, { url }) =>
    url === "/stream" ? response.writeHead(200).write("!") : ok(response),
  );
  await using pool = new TestPool({ maxPerHost: 2 });
  await pool.get(server);
  const stream = await pool.stream({ origin: server.origin, path: "/stream", method: "GET" }, 10_000);
  for (let i = 0; i < 5; i++) await pool.get(server);
  expect([server.connections, pool.statistics()[0]]).toMatchObject([2, { open: 2, busy: 1, reused: 5 }]);
  stream.body.destroy();
  await until("its place is free again", () => pool.statistics()[0]!.busy === 0);
  expect(pool.statistics()[0]!.open).toBe(1);
});

test("a host that is full holds up no other host", async () => {
  const { server, held, release } = await holding();
  await using full = server;
  await using free = await CountingServer.http(ok);
  await using pool = new TestPool({ maxPerHost: 2, maxConnections: 3 });
  const waiting = Array.from({ length: 5 }, () => pool.get(full));
  await until("two are under way", () => held.length === 2);
  expect((await pool.get(free)).status).toBe(200);
  const releasing = setInterval(release, 5);
  await Promise.all(waiting);
  clearInterval(releasing);
});

test("a place is given back by whoever fails: aborted, too large, cut off", async () => {
  await using silent = await CountingServer.http(() => undefined);
  await using large = await CountingServer.http((response) => response.end("x".repeat(2_000)));
  await using cut = await CountingServer.tcp((socket) => socket.destroy());
  await using pool = new TestPool({ maxPerHost: 1, maxConnections: 1 });
  for (let round = 0; round < 3; round++) {
    const abort = new AbortController();
    const aborted = pool.failure(silent, { signal: abort.signal });
    const queued = pool.failure(silent, { signal: abort.signal });
    await until("it is under way", () => silent.requests === round + 1);
    abort.abort();
    expect([await aborted, await queued]).toEqual(["AbortError", "AbortError"].map(() => expect.any(String)));
    expect(await pool.failure(large)).toBe("answer-too-large");
    expect(await pool.failure(cut)).toBe("no-connection");
  }
  expect(pool.statistics().map(({ busy, waiting }) => [busy, waiting])).toEqual([0, 1, 2].map(() => [0, 0]));
  expect(silent.requests).toBe(3);
});

test("connectionTimeoutMs: a server that accepts nobody is given up", async () => {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once("message", resolve));
  const filling: Socket[] = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  await until("its queue is full", () => filling.filter(({ readyState }) => readyState === "open").length >= 2);
  await using pool = new TestPool({ connectionTimeoutMs: 150, totalTimeoutMs: 60_000 });
  expect(await pool.failure({ origin: `http://127.0.0.1:${port}` })).toBe("no-connection");
  for (const socket of filling) socket.destroy();
  await worker.terminate();
});

test("readTimeoutMs: a server that never answers is given up, and one that stops in the middle of an answer", async () => {
  await using silent = await CountingServer.http(() => undefined);
  await using halting = await CountingServer.http((response) => response.writeHead(200, { "content-length": 10 }).write("half"));
  await using pool = new TestPool({ readTimeoutMs: 150 });
  expect(await Promise.all([pool.failure(silent), pool.failure(halting)])).toEqual(["no-connection", "no-connection"]);
});

test("totalTimeoutMs: a server that never stops, byte by byte, is given up, and so is waiting for a place", async () => {
  await using dripping = await CountingServer.http((response) => {
    const drip = setInterval(() => response.write("."), 20);
    response.once("close", () => clearInterval(drip));
  });
  await using pool = new TestPool({ readTimeoutMs: 10_000, totalTimeoutMs: 300, maxPerHost: 1 });
  expect(await Promise.all([pool.failure(dripping), pool.failure(dripping)])).toEqual(["TimeoutError", "TimeoutError"]);
  expect(dripping.requests).toBe(1);
});

test("retryAttempts: a request that may be sent twice outlives two failures; any other is sent once", async () => {
  const failing = (times: number) =>
    CountingServer.tcp((socket, nth) =>
      nth <= times ? socket.destroy() : socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
  await using twice = await failing(2);
  await using always = await failing(Infinity);
  await using once = await failing(1);
  await using pool = new TestPool({ retryAttempts: 3 });
  expect((await pool.get(twice, { isIdempotent: true })).body.toString()).toBe("ok");
  expect(twice.requests).toBe(3);
  expect(await pool.failure(always, { isIdempotent: true })).toBe("no-connection");
  expect(always.requests).toBe(4);
  expect(await pool.failure(once, { method: "POST", body: "pay" })).toBe("no-connection");
  expect(once.requests).toBe(1);
});

test("an answer that says no is an answer: it is not asked again", async () => {
  await using busy = await CountingServer.http((response) => response.writeHead(503).end());
  await using pool = new TestPool({ retryAttempts: 3 });
  expect((await pool.get(busy, { isIdempotent: true })).status).toBe(503);
  expect(busy.requests).toBe(1);
});

test("retries end with the total time", async () => {
  await using always = await CountingServer.tcp((socket) => socket.destroy());
  await using pool = new TestPool({ retryAttempts: 1_000, totalTimeoutMs: 250 });
  expect(await pool.failure(always, { isIdempotent: true })).toBe("TimeoutError");
  expect(always.requests).toBeLessThan(10);
});

test("idle connections are closed, and a host that nobody asks is forgotten with its limiter", async () => {
  await using server = await CountingServer.http(ok);
  await using pool = new TestPool({ idleMs: 100 });
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 10 }, () => pool.get(server)));
    await until("no socket is left", () => server.sockets.size === 0);
    await until("the host is forgotten", () => pool.statistics().length === 0);
  }
  expect(server.connections).toBe(30);
});

test("the hit rate is what the server sees: requests that came over a connection which had served one", async () => {
  await using server = await CountingServer.http(ok);
  await using pool = new TestPool();
  await using other = new TestPool();
  expect(pool.hitRate).toBe(null); // Nor is there one before there are enough requests to tell.
  for (let i = 0; i < 100; i++) await pool.get(server);
  expect([server.connections, pool.hitRate]).toEqual([1, 0.99]);
  for (let i = 0; i < 50; i++) await other.get(server); // Another pool of the same process: its own connection, its own rate.
  expect([server.connections, pool.hitRate, other.hitRate]).toEqual([2, 0.99, 0.98]);
  await Promise.all(Array.from({ length: 100 }, () => pool.get(server)));
  const { requests, reused } = pool.statistics()[0]!;
  expect([requests, requests - reused]).toEqual([200, server.connections - 1]);
  expect(pool.hitRate).toBeGreaterThan(0.9);
});

test("a server that closes after each answer makes a hit rate of nothing", async () => {
  await using server = await CountingServer.http((response) => response.setHeader("connection", "close").end("ok"));
  await using pool = new TestPool();
  for (let i = 0; i < 20; i++) await pool.get(server);
  expect([server.connections, pool.hitRate]).toEqual([20, 0]);
});

test("each host has its own tokens, from its first request on", async () => {
  await using a = await CountingServer.http(ok);
  await using b = await CountingServer.http(ok);
  await using pool = new TestPool({ rate: { requestsPerSecond: 1, burstSize: 5 } }, () => 0); // A clock that stands: no token comes back.
  const abort = new AbortController();
  const all = Array.from({ length: 8 }, () => pool.failure(a, { signal: abort.signal }));
  await until("five are answered", () => a.requests === 5);
  expect((await pool.get(b)).status).toBe(200);
  abort.abort();
  const results = await Promise.all(all);
  expect([a.requests, results.filter((result) => result === "answered").length]).toEqual([5, 5]);
});

test("closing ends what is under way and what waits, and leaves no socket", async () => {
  const { server, held } = await holding();
  await using _server = server;
  await using pool = new TestPool({ maxPerHost: 2 });
  const all = Array.from({ length: 4 }, () => pool.failure(server));
  await until("two are under way", () => held.length === 2);
  await pool.close();
  expect(await Promise.all(all)).toEqual(["no-connection", "no-connection", "no-connection", "no-connection"]);
  await until("no socket is left", () => server.sockets.size === 0);
  expect(await pool.failure(server)).toBe("no-connection");
});
