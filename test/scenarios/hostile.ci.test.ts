import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import type { CrowdPlace, CrowdReport } from "../../src/core/bench/hostile-crowd.ts";
import { quantile } from "../../src/core/bench/report.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { encodeAnnouncement } from "../../src/core/peers/announcement.ts";
import { encodeBodies } from "../../src/core/peers/bodies-message.ts";
import type { BlockHash } from "../../src/core/primitives/units.ts";
import { RandomTree } from "../chain/random-tree.ts";
import { bodiesOf, headersOf } from "../peers/hostile/stranger.ts";
import { intrude, say, villains } from "../peers/hostile/villains.ts";
import { Station } from "../peers/transport-pair.ts";
import { fakeTxid } from "../support/build-block.ts";
import { NodeProcess, until } from "./network.ts";

const CROWD_FILE = new URL("../../src/core/bench/hostile-crowd.ts", import.meta.url);
/** Every process may open 1,024 files where nobody has said otherwise; here that is two addresses' worth of what one gets. */
const SOCKETS = 1_000;
const CALLS_MIN = 200;
/** 512 connections with 8 KiB of headers each, a few links with 16 MB of answers, and what a heap grows by between collections. */
const MEMORY_GROWTH_MAX = 300_000_000;

/** Sockets from an address of their own: what they take away is what one address has, and others still come in. */
function crowdAt(stack: AsyncDisposableStack, port: number): () => Promise<CrowdReport> {
  const workerData: CrowdPlace = { port, sockets: SOCKETS, localAddress: "127.0.0.2" };
  const worker = stack.adopt(new Worker(CROWD_FILE, { workerData }), async (worker) => void (await worker.terminate()));
  return async () => {
    worker.postMessage("report");
    const [report] = (await once(worker, "message")) as [CrowdReport];
    return report;
  };
}

/** Calls without pause until it is told to end; gives the milliseconds of each. */
async function callAllTheTime(node: NodeProcess, hasEnded: () => boolean): Promise<readonly number[]> {
  const calls: number[] = [];
  while (!hasEnded()) {
    for (const method of ["getblockcount", "getpeerinfo", "getmempoolinfo"]) {
      const from = performance.now();
      await node.rpc(method);
      calls.push(performance.now() - from);
    }
  }
  return calls;
}

/** It announces without end what it never sends. */
async function flood(stack: AsyncDisposableStack, url: string, blocks: Parameters<typeof intrude>[4]) {
  const honest = { "get-headers": headersOf(blocks), "get-blocks": bodiesOf(blocks) };
  const link = await intrude(stack, url, "flood", { ...honest, "get-transactions": () => encodeBodies([]) }, blocks);
  return async () => {
    const news = encodeAnnouncement({ txids: Array.from({ length: 2_000 }, (_, number) => fakeTxid(number + 1)) });
    for (let round = 0; round < 60; round++) await link.request("announce", news).catch(() => undefined);
    await link.closed;
  };
}

test("a node in a process of its own under every attack at once: its API answers, an honest node joins, each villain is out by name", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = async () =>
    stack.adopt(await mkdtemp(join(tmpdir(), "hostile-")), (home) => rm(home, { recursive: true, force: true }));
  const start = async (flags: readonly string[]) =>
    stack.adopt(await NodeProcess.start(await folder(), "core0", flags), (node) => node.kill());
  const node = await start(["--log-level", "warn"]);
  const { p2p } = node.ready;
  const memory = async () => (await node.admin.get<{ memory: { rssBytes: number } }>("/status")).memory.rssBytes;
  const before = await memory();
  let most = before;
  let isOver = false;
  const calls = callAllTheTime(node, () => isOver);
  calls.catch(() => undefined); // Awaited below.

  const tree = new RandomTree(5, REGTEST);
  const sound = Array.from({ length: 9 }, () => tree.extend(tree.branches.at(-1)!, false, 0).block);
  const bad = tree.extend(tree.branches.at(-1)!, true, 0).block;
  const crowd = crowdAt(stack, Number(new URL(p2p).port));
  await until("the crowd is there", async () => (await crowd()).cut > SOCKETS / 2);

  await using attack = new AsyncDisposableStack();
  const strange = attack.use(new Station("strange"));
  strange.self = { ...strange.self, genesis: "ee".repeat(32) as BlockHash };
  const all = villains(sound, bad);
  const misbehaving = Object.entries(all).map(
    async ([reason, answers]) => (await intrude(attack, p2p, reason, answers, [...sound, bad])).closed,
  );
  const huge = "POST /p2p/v1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\nchaincore-peer: 1\r\nContent-Length: 900000000\r\n\r\n{";
  const slow = say(p2p, huge.replace("900000000", "900")); // And then not a byte more.
  const [answers, refused] = await Promise.all([
    Promise.all([say(p2p, "\0\xff\x16\x03garbage\r\n\r\n"), say(p2p, huge), say(p2p, `GET /${"x".repeat(20_000)}`)]),
    strange.transport.dial(p2p).catch(({ message }: Error) => message),
    ...misbehaving,
    flood(attack, p2p, sound).then((go) => go()),
  ]);
  expect(answers.map((text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]))).toEqual([400, 413, 431]);
  expect(refused).toContain("another network");

  const friend = await start(["--connect", p2p]); // While the crowd goes on.
  await until("in step with an honest node", async () => (await friend.tip()) === sound.at(-1)!.hash);
  expect(await node.tip()).toBe(sound.at(-1)!.hash);
  expect(await slow).toMatch(/^HTTP\/1\.1 408/); // Twenty seconds after its start.
  most = Math.max(most, await memory());
  const { bans, peers } = await node.peers();
  isOver = true;
  const ms = await calls;
  const { connections, cut } = await crowd();
  console.log(
    `under attack: ${ms.length} calls, median ${quantile(ms, 0.5).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms; ${connections} hostile connections, ${cut} of them cut; ${((most - before) / 1e6).toFixed(0)} MB more memory`,
  );
  expect(ms.length).toBeGreaterThan(CALLS_MIN);
  expect(quantile(ms, 0.99)).toBeLessThan(1_000); // A watchdog; what it is stands in bench peers.
  expect(bans.map(({ reason }) => reason).sort()).toEqual([...Object.keys(all), "flood"].sort());
  expect(peers).toHaveLength(1); // The honest one.
  expect(cut).toBeGreaterThan(SOCKETS - 256); // All but what one address may have, and the slow ones of those.
  expect(most - before).toBeLessThan(MEMORY_GROWTH_MAX);
});
