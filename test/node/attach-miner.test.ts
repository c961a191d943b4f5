import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectToNode } from "../../src/core/client/index.ts";
import { type RunningNode, startNode } from "../../src/core/index.ts";
import type { MinerEvent } from "../../src/core/mining/job-cycle.ts";
import { attachMiner } from "../../src/core/node/attach-miner.ts";
import type { MiningRun } from "../../src/core/node/mining-run.ts";
import { SystemClock, systemEntropy } from "../../src/core/node/system.ts";
import { QuietLog } from "../fakes/quiet-log.ts";

let home: string;
let node: RunningNode | undefined;
let run: MiningRun | undefined;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "attach-"));
  run = undefined;
});
afterEach(async () => {
  await run?.stop();
  await node?.stop();
  await rm(home, { recursive: true, force: true });
});

const start = async () => {
  node = await startNode({ home, nodeId: "core0", apiPort: 0, p2pPort: 0, verifiers: 0 });
  return node;
};

/** A miner as `chaincore mine` attaches it, and its events as they come. */
async function attach(options: Parameters<typeof attachMiner>[0]) {
  const connect = () => connectToNode({ home, session: "default", node: "core0" });
  const deps = { connect, clock: new SystemClock(), entropy: systemEntropy, log: new QuietLog() };
  run = await attachMiner(options, deps);
  const events = run.events[Symbol.asyncIterator]();
  const until = async (wanted: (event: MinerEvent) => boolean): Promise<MinerEvent> => {
    for (;;) {
      const { value, done } = await events.next();
      if (done) throw new Error("the run ended before that");
      if (wanted(value)) return value;
    }
  };
  return { run, until };
}

const isBlock = (event: MinerEvent) => event.kind === "block" && event.accepted;

test("a miner beside the node goes on when the node comes back, at the height where it stands then", async () => {
  await start();
  const { until } = await attach({ id: "m", threads: 1, blockTimeSeconds: 0.05, fastUntilHeight: 0 });
  await until(isBlock);
  await node!.stop();
  await until(({ kind }) => kind === "waiting");
  const { height, mining } = (await start()).status();
  expect(mining.hashesPerSecond).toBe(0);
  expect(await until(isBlock)).toMatchObject({ height: height + 1 });
  while (node!.status().mining.hashesPerSecond === 0) await setImmediate(); // Told within seconds.
  await run!.stop();
  await run!.finished;
  while (node!.status().mining.miners > 0) await setImmediate();
  expect(node!.status().mining.hashesPerSecond).toBe(0);
});

test("a node's status tells the kernel of its own miners while there are any", async () => {
  const { mine } = await start();
  expect(node!.status()).toMatchObject({ kernel: null, mining: { miners: 0 } });
  const own = mine({ threads: 1, kernel: "node-crypto", blockTimeSeconds: 1e9 });
  expect(node!.status()).toMatchObject({ kernel: "node-crypto", mining: { miners: 1 } });
  await own.stop();
  await own.finished;
  expect(node!.status()).toMatchObject({ kernel: null, mining: { miners: 0 } });
});

test("a miner that has a block in hand while the node is away can be stopped at once", async () => {
  await start();
  const { until } = await attach({ id: "m", threads: 1, blockTimeSeconds: 0.05, fastUntilHeight: 0 });
  await until(isBlock);
  await node!.stop();
  await until((event) => event.kind === "waiting" && event.reason.includes("a block waits"));
  const started = performance.now();
  await run!.stop();
  await run!.finished;
  expect(performance.now() - started).toBeLessThan(5_000); // It would be kept for a minute.
});

test.each([
  ["a block that somebody else found", (hash: string) => ({ connects: true, hash })],
  ["a tip that was taken back", (hash: string) => ({ connects: false, hash })],
])("follows %s", async (_what, change) => {
  const { parts, mining } = await start();
  const mineOne = () => parts.locks.task("test", (at) => mining.mineNow(at, { script: Uint8Array.of(0x51) }));
  await mineOne();
  const { run, until } = await attach({ id: "m", threads: 1, blockTimeSeconds: 1e9, fastUntilHeight: 0 });
  await until((event) => event.kind === "job" && event.height === 2);
  const { connects, hash } = change(parts.chain.tip.hash);
  const started = performance.now();
  if (connects) await mineOne();
  else await invalidate(hash);
  const height = connects ? 3 : 1;
  await until((event) => event.kind === "job" && event.height === height);
  console.log(`the new job was there ${(performance.now() - started).toFixed(1)} ms after the call that moved the tip`);
  expect(run.statistics()).toMatchObject({ accepted: 0, stale: 0, height });
});

async function invalidate(hash: string): Promise<void> {
  const { api } = node!.status().urls;
  const { cookie } = node!.status();
  const { readFile } = await import("node:fs/promises");
  const auth = `Basic ${Buffer.from(await readFile(cookie, "utf8")).toString("base64")}`;
  const body = JSON.stringify({ method: "invalidateblock", params: [hash] });
  const answer = await fetch(api!, { method: "POST", body, headers: { authorization: auth } });
  expect(answer.status).toBe(200);
}
