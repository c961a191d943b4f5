import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { MinerEvent } from "../../src/core/mining/job-cycle.ts";
import { Miner, type MinerOptions } from "../../src/core/mining/miner.ts";
import type { MiningDeps } from "../../src/core/mining/pool.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { QuietLog } from "../fakes/quiet-log.ts";

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };

function mineOn(chain: FakeChain, options: Omit<MinerOptions, "id">, deps: Partial<MiningDeps> = {}) {
  const log = new QuietLog();
  const events: MinerEvent[] = [];
  const waiting = new Set<() => void>();
  const miner = new Miner(
    { id: "core0", ...options },
    {
      source: async () => chain.candidate(),
      submit: async (block) => {
        const reason = chain.submit(block);
        return reason === undefined ? { accepted: true } : { accepted: false, reason };
      },
      clock,
      entropy,
      log,
      onEvent: (event) => {
        events.push(event);
        for (const look of waiting) look();
      },
      ...deps,
    },
  );
  /** Resolves with the first event, past or future, that `wanted` accepts. */
  const event = (wanted: (event: MinerEvent) => boolean) =>
    new Promise<MinerEvent>((resolve) => {
      const look = () => {
        const found = events.find(wanted);
        if (found) resolve(found);
        if (found) waiting.delete(look);
      };
      waiting.add(look);
      look();
    });
  return { miner, events, event, log };
}

test("mines a hundred blocks in sequence with the same workers, each of them valid, and ends", async () => {
  const chain = new FakeChain();
  const { miner, events, log } = mineOn(chain, { threads: 2, blocks: 100 });
  miner.start();
  expect(miner.statistics().miners[0]!.workers.map(({ name }) => name)).toEqual(["core0_worker_0", "core0_worker_1"]);
  await miner.finished();
  expect(chain.tip.height).toBe(100);
  expect(miner.statistics()).toMatchObject({ accepted: 100, rejected: 0 });
  expect(events.filter(({ kind }) => kind === "block").map((event) => "height" in event && event.height)).toEqual(
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  expect(miner.isMining).toBe(false);
  expect(miner.statistics().miners[0]!.workers).toEqual([]);
  expect(log.lines).toEqual([]);
});

test("stops in the middle of a job that it cannot solve, and its workers are gone", async () => {
  const chain = new FakeChain();
  const { miner, event } = mineOn(chain, { threads: 2, blockTimeSeconds: 1e9, fastUntilHeight: 0 });
  miner.start();
  await event(({ kind }) => kind === "rate");
  expect(miner.statistics().hashesPerSecond).toBeGreaterThan(0);
  const before = performance.now();
  await miner.stop();
  expect(performance.now() - before).toBeLessThan(1_000); // A watchdog at ten times what is promised.
  expect(miner.statistics().miners[0]!.workers).toEqual([]);
  const { issued, finished, stale } = miner.statistics().work;
  expect(issued - finished - stale).toBeLessThanOrEqual(2 * 16); // What the two workers held when they stopped.
});

test("follows a new tip: the next job is on it", async () => {
  const chain = new FakeChain();
  const { miner, event } = mineOn(chain, { threads: 1, blockTimeSeconds: 1e9, fastUntilHeight: 0 });
  miner.start();
  await event((seen) => seen.kind === "job" && seen.height === 1);
  const rival = mineOn(chain, { threads: 1, blocks: 1, blockTimeSeconds: 0 });
  rival.miner.start();
  await rival.miner.finished();
  miner.tipChanged();
  await event((seen) => seen.kind === "job" && seen.height === 2);
  await miner.stop();
  expect(miner.statistics()).toMatchObject({ accepted: 0, height: 2 });
});

test("a new tip ends work on the old one's job at once, though its template is long in coming", async () => {
  const chain = new FakeChain();
  const template = Promise.withResolvers<void>();
  let asked = 0;
  const { miner, event } = mineOn(
    chain,
    { threads: 2, blockTimeSeconds: 1e9, fastUntilHeight: 0 },
    { source: async () => (++asked > 1 ? template.promise.then(() => chain.candidate()) : chain.candidate()) },
  );
  miner.start();
  await event(({ kind }) => kind === "rate");
  const hashes = () => miner.statistics().miners[0]!.hashes;
  const { issued } = miner.statistics().work;
  chain.extend();
  miner.tipChanged(chain.tip.hash);
  const isIdle = () => {
    const { work } = miner.statistics();
    return work.finished + work.stale === work.issued;
  };
  while (!isIdle()) await setImmediate();
  const idle = hashes();
  expect(miner.statistics().work.issued - issued).toBeLessThanOrEqual(2 * 64); // Some units that were claimed meanwhile.
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  expect(hashes()).toBe(idle);
  template.resolve();
  await event((seen) => seen.kind === "job" && seen.height === 2);
  while (hashes() === idle) await setImmediate();
  miner.tipChanged(chain.tip.hash); // Known already: the job is on it.
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  expect(miner.statistics().work.job).toBe(2);
  await miner.stop();
});

test("a tip that comes and goes while a template is made leaves the miner on the one that stands", async () => {
  const chain = new FakeChain();
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const before = chain.candidate();
  const { miner, event } = mineOn(
    chain,
    { threads: 1, blockTimeSeconds: 1e9, fastUntilHeight: 0 },
    {
      source: async () => {
        if (++asked !== 2) return before;
        const gone = chain.candidate(); // On a tip that is taken back before this template is handed over.
        await gate.promise;
        return gone;
      },
    },
  );
  miner.start();
  await event((seen) => seen.kind === "job" && seen.number === 1);
  chain.extend();
  miner.tipChanged(chain.tip.hash);
  while (asked < 2) await setImmediate();
  miner.tipChanged(before.template.prevHash);
  gate.resolve();
  await event((seen) => seen.kind === "job" && seen.number === 2 && seen.height === 2);
  for (let turn = 0; turn < 20; turn++) await setImmediate(); // At once, not when the pace is looked at again.
  expect(miner.statistics()).toMatchObject({ height: 1, work: { job: 3 } });
  await miner.stop();
});

test("a refused block is reported, and mining goes on", async () => {
  const chain = new FakeChain();
  let refusals = 2;
  const { miner, events, log } = mineOn(
    chain,
    { threads: 1, blocks: 1 },
    {
      submit: async (block) => {
        if (refusals-- > 0) return { accepted: false, reason: "bad-cb-amount" };
        const reason = chain.submit(block);
        return reason === undefined ? { accepted: true } : { accepted: false, reason };
      },
    },
  );
  miner.start();
  await miner.finished();
  expect(events.filter(({ kind }) => kind === "block").map((event) => "accepted" in event && event.accepted)).toEqual([
    false,
    false,
    true,
  ]);
  expect(miner.statistics()).toMatchObject({ accepted: 1, rejected: 2 });
  expect(log.lines.map(({ message }) => message)).toEqual(["a mined block was refused", "a mined block was refused"]);
});

test("a source that fails is asked again", async () => {
  const chain = new FakeChain();
  let failures = 1;
  const { miner, events } = mineOn(
    chain,
    { threads: 1, blocks: 1 },
    {
      source: async () => {
        if (failures-- > 0) throw new Error("the node is away");
        return chain.candidate();
      },
    },
  );
  miner.start();
  await miner.finished();
  expect(events).toContainEqual({ kind: "waiting", reason: "the node is away" });
  expect(chain.tip.height).toBe(1);
});

test("an error of whoever takes blocks ends mining with it, and no worker is left", async () => {
  const chain = new FakeChain();
  const { miner, log } = mineOn(
    chain,
    { threads: 1 },
    {
      submit: async () => {
        throw new Error("disk full");
      },
    },
  );
  miner.start();
  await expect(miner.finished()).rejects.toThrow("disk full");
  expect(miner.statistics().miners[0]!.workers).toEqual([]);
  expect(log.lines).toContainEqual({ level: "error", fields: { error: "disk full" }, message: "mining ended by an error" });
});

test("the slow kernel mines as well", async () => {
  const chain = new FakeChain();
  const { miner } = mineOn(chain, { threads: 1, blocks: 5, kernel: "node-crypto" });
  miner.start();
  await miner.finished();
  expect(chain.tip.height).toBe(5);
  expect(miner.statistics().miners[0]!.kernel).toBe("node-crypto");
});
