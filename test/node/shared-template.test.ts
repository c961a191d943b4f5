import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BENCH_NETWORK, BENCH_START, BlockSupply } from "../../src/core/bench/block-supply.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import { acceptBlock } from "../../src/core/node/accept-block.ts";
import { acceptTransaction } from "../../src/core/node/accept-transaction.ts";
import { openParts } from "../../src/core/node/open-parts.ts";
import type { NodeParts } from "../../src/core/node/parts.ts";
import { SharedTemplate } from "../../src/core/node/shared-template.ts";
import { SystemClock } from "../../src/core/node/system.ts";
import type { Log } from "../../src/core/ports.ts";

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Both times in the test's hand; every look at the clock takes `stepMs`. */
class TestClock extends SystemClock {
  stepMs = 0;
  #ms = 0;

  override monotonicMs(): number {
    this.#ms += this.stepMs;
    return this.#ms;
  }

  pass(ms: number): void {
    this.#ms += ms;
  }
}

let directory: string;
let clock: TestClock;
let supply: BlockSupply;
let parts: NodeParts;
let close: () => Promise<void>;
let shared: SharedTemplate;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "shared-template-"));
  clock = new TestClock();
  clock.setMock(BENCH_START + 1_000);
  supply = new BlockSupply();
  const options = { directory, params: BENCH_NETWORK, verifiers: 0, reindex: false };
  const fatal = (error: unknown) => console.error(error);
  ({ parts, close } = await openParts(options, { clock, locks: new LockManager(), log: () => QUIET, fatal }));
  const funding = supply.fund(20);
  await parts.locks.task("fund", (at) => acceptBlock(at, parts, funding));
  shared = new SharedTemplate(parts);
});
afterEach(async () => {
  parts.journal.close();
  await close();
  await rm(directory, { recursive: true, force: true });
});

const get = () => parts.locks.task("template", (at) => shared.get(at));
const acquisitions = () => {
  const all = parts.locks.getAllStats();
  return Object.values(all).reduce((sum, stats) => sum + stats.acquisitions, 0);
};

async function pool(count = 1): Promise<readonly string[]> {
  const txs = supply.loose(count);
  for (const tx of txs) {
    const outcome = await parts.locks.task("send", (at) => acceptTransaction(at, parts, tx));
    expect(outcome.kind).toBe("accepted");
  }
  return txs.map(({ txid }) => txid);
}

const txidsOf = ({ entries }: Awaited<ReturnType<typeof get>>) => entries.map(({ tx }) => tx.txid);

test("nobody takes a lock or chooses again while neither tip nor pool has changed", async () => {
  const txids = await pool(3);
  const first = await get();
  expect(txidsOf(first).toSorted()).toEqual(txids.toSorted());
  const before = acquisitions();
  const others = await Promise.all(Array.from({ length: 50 }, get));
  expect(acquisitions()).toBe(before);
  expect(others.every(({ entries }) => entries === first.entries)).toBe(true);
});

test("a new transaction and a new tip are in the next template", async () => {
  const [a] = await pool();
  expect(txidsOf(await get())).toEqual([a]);
  const [b] = await pool();
  expect(txidsOf(await get()).toSorted()).toEqual([a, b].toSorted());
  const block = supply.spend(2);
  await parts.locks.task("block", (at) => acceptBlock(at, parts, block));
  const after = await get();
  expect(after.prevHash).toBe(block.hash);
  expect(after.height).toBe(3);
});

test("the time is that of the call", async () => {
  expect((await get()).time).toBe(BENCH_START + 1_000);
  clock.setMock(BENCH_START + 1_060);
  expect((await get()).time).toBe(BENCH_START + 1_060);
  clock.setMock(1);
  const { time, minTime } = await get();
  expect(time, "and never earlier than the rules allow").toBe(minTime);
});

test("all who ask while the pool is being changed wait for one choice, which has the change", async () => {
  const before = parts.locks.getAllStats()["mempool"]!.reads;
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const holder = parts.locks.task("holder", (at) => parts.mempoolLock.withWrite(at, () => held));
  const asking = Array.from({ length: 20 }, get);
  letGo();
  await holder;
  const templates = await Promise.all(asking);
  expect(parts.locks.getAllStats()["mempool"]!.reads).toBe(before + 1);
  expect(new Set(templates.map(({ entries }) => entries)).size).toBe(1);
  const [txid] = await pool();
  expect(txidsOf(await get()), "and later ones choose anew").toEqual([txid]);
});

test("an expensive template outlives a change of the pool for twenty times its cost, never a new tip", async () => {
  await pool();
  clock.stepMs = 10; // Two looks while it is made: it costs 10 ms.
  const first = await get();
  clock.stepMs = 0;
  await pool();
  expect((await get()).entries).toBe(first.entries);
  clock.pass(199);
  expect((await get()).entries).toBe(first.entries);
  clock.pass(1);
  expect((await get()).entries).toHaveLength(2);
  clock.stepMs = 10;
  await pool();
  clock.pass(1_000);
  await get();
  clock.stepMs = 0;
  const block = supply.spend(1);
  await parts.locks.task("block", (at) => acceptBlock(at, parts, block));
  expect((await get()).prevHash).toBe(block.hash);
});
