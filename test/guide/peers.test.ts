import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startNode } from "../../src/core/index.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import { systemEntropy } from "../../src/core/node/system.ts";
import { ConnectionPool } from "../../src/core/peers/connection-pool.ts";
import { LinkError } from "../../src/core/peers/link.ts";
import { RateLimiter } from "../../src/core/peers/rate-limiter.ts";
import type { ActiveLink } from "../../src/core/peers/table/active-link.ts";
import { broadcast } from "../../src/core/peers/table/broadcast.ts";
import { checkHealth } from "../../src/core/peers/table/health.ts";
import { encodeTip } from "../../src/core/peers/tip-message.ts";
import { CountingServer } from "../peers/misbehaving-server.ts";
import { until } from "../peers/sync/sync-node.ts";
import { Station } from "../peers/transport-pair.ts";

// The guide's examples on peers, in its order. Names as src/core/README.md maps them.

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

async function usePool<R>(options: ConstructorParameters<typeof ConnectionPool>[0], use: (pool: ConnectionPool) => Promise<R>) {
  const locks = new LockManager();
  const pool = new ConnectionPool(options, { locks, clock, entropy: systemEntropy });
  try {
    return await use(pool);
  } finally {
    await pool.close();
    locks.close();
  }
}

test("ConnectionPool(max_connections=100, max_per_host=10): request(url) takes a session and gives it back, whatever happens", async () => {
  await using server = await CountingServer.http((response) => response.end("ok"));
  await usePool({}, async (pool) => {
    expect(pool.options).toMatchObject({ maxConnections: 100, maxPerHost: 10 });
    const request = { origin: server.origin, path: "/", method: "GET", bytesMax: 10 } as const;
    for (let i = 0; i < 3; i++) expect((await pool.request(request)).body.toString()).toBe("ok");
    await expect(pool.request({ ...request, bytesMax: 1 })).rejects.toMatchObject({ code: "answer-too-large" });
    expect(pool.statistics()).toMatchObject([{ origin: server.origin, busy: 0, waiting: 0, requests: 4, reused: 3 }]);
    expect(server.connections).toBe(1);
  });
});

test("ConnectionPool(max_connections=50, max_per_host=10, connection_timeout=30, read_timeout=60)", async () => {
  const options = { maxConnections: 50, maxPerHost: 10, connectionTimeoutMs: 30_000, readTimeoutMs: 60_000 };
  await usePool(options, async (pool) => expect(pool.options).toMatchObject(options));
});

test("ConnectionPool(max_connections=100, max_per_host=20, timeout=5.0, retry_attempts=3): twenty at a time, three retries", async () => {
  const held: (() => void)[] = [];
  await using server = await CountingServer.http((response) => held.push(() => response.end()));
  await using failing = await CountingServer.tcp((socket) => socket.destroy());
  await usePool({ maxConnections: 100, maxPerHost: 20, totalTimeoutMs: 5_000, retryAttempts: 3 }, async (pool) => {
    const request = { path: "/", method: "GET", bytesMax: 10, isIdempotent: true } as const;
    await expect(pool.request({ ...request, origin: failing.origin })).rejects.toMatchObject({ code: "no-connection" });
    expect(failing.requests).toBe(4);
    const answers = Promise.allSettled(Array.from({ length: 30 }, () => pool.request({ ...request, origin: server.origin })));
    await until("twenty are under way", () => held.length === 20);
    expect(pool.statistics().find(({ origin }) => origin === server.origin)).toMatchObject({ busy: 20, waiting: 10 });
    for (const end of held) end();
    await pool.close();
    await answers;
  });
});

test("RateLimiter(requests_per_second=20, burst_size=50).acquire(timeout=5.0): a burst of fifty, then false where time runs out", async () => {
  const limiter = new RateLimiter({ requestsPerSecond: 20, burstSize: 50 }, { monotonicMs: () => 0 });
  const first = await Promise.all(Array.from({ length: 50 }, () => limiter.acquire(5_000)));
  expect([first.every(Boolean), await limiter.acquire(0)]).toEqual([true, false]);
});

test("_health_check: all peers at the same time, whoever is dead leaves the active set, and nobody else", async () => {
  await using here = new Station("here");
  await using alive = await new Station("alive").listen();
  await using dead = await new Station("dead").listen();
  const tip = here.self.tip;
  alive.handler = () => encodeTip(tip);
  dead.handler = () => new Promise(() => undefined);
  const links = await Promise.all([alive, dead].map(({ url }) => here.transport.dial(url)));
  const known = { tip, latencyMs: undefined, latencyMinMs: undefined, missed: 2, score: 0, lastUseful: 0 };
  const active: ActiveLink[] = links.map((link) => ({ ...known, link }));
  await checkHealth({ links: () => active, tip: () => tip, clock, heard: () => undefined });
  expect(await links[1]!.closed).toBe("it does not answer");
  expect([active[0]!.missed, active[0]!.latencyMs]).toEqual([0, expect.any(Number)]);
});

test("broadcast_to_peers(endpoint, data, timeout) -> a result for each peer; those who answer do not wait for one who does not", async () => {
  await using here = new Station("here");
  const stations = await Promise.all(["a", "b", "pit"].map((name) => new Station(name).listen()));
  const links = await Promise.all(stations.map(({ url }) => here.transport.dial(url)));
  stations[2]!.handler = () => new Promise(() => undefined);
  const told: string[] = [];
  const results = await broadcast(
    links,
    { kind: "announce", body: new Uint8Array(8) },
    { timeoutMs: 500, told: ({ peer }) => told.push(peer) },
  );
  expect(results.map(({ peer, ok }) => [peer, ok])).toEqual(stations.map(({ url }, at) => [url, at < 2]));
  expect(told.at(-1)).toBe(stations[2]!.url);
  expect(results[2]!.error).toEqual(expect.any(String));
  await Promise.all(stations.map((station) => station[Symbol.asyncDispose]()));
});

test("a request to a place where nobody listens is a sentence, not a stack", async () => {
  await using here = new Station("here");
  const error = await here.transport.dial("http://127.0.0.1:1").catch((error: unknown) => error);
  expect(error).toBeInstanceOf(LinkError);
  expect((error as LinkError).message).toBe("http://127.0.0.1:1 cannot be reached: nothing listens there");
});

test("peer_manager.discover_peers(): nodes of one session find each other, and a third that comes later, with no address typed", async () => {
  const home = await mkdtemp(join(tmpdir(), "guide-peers-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const options = { home, apiPort: 0, p2pPort: 0, verifiers: 0, log: { level: "warn" } } as const;
  const start = async () => stack.adopt(await startNode(options), (node) => node.stop());
  const nodes = [await start(), await start()];
  await until("two find each other", () => nodes.every((node) => node.status().peers === 1));
  nodes.push(await start());
  await until("all know all", () => nodes.every((node) => node.status().peers === 2));
});
