import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { MinerEvent } from "../../src/core/mining/job-cycle.ts";
import { NATIVE_KERNELS, nativeKernelNames } from "../../src/core/mining/native-kernel.ts";
import { type MiningDeps, MiningPool } from "../../src/core/mining/pool.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { QuietLog } from "../fakes/quiet-log.ts";

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };

function poolOn(chain: FakeChain, options: ConstructorParameters<typeof MiningPool>[0], deps: Partial<MiningDeps> = {}) {
  const events: MinerEvent[] = [];
  const pool = new MiningPool(options, {
    source: async () => chain.candidate(),
    submit: async (block) => ({ accepted: chain.submit(block) === undefined }),
    clock,
    entropy,
    log: new QuietLog(),
    onEvent: (event) => events.push(event),
    ...deps,
  });
  return { pool, events };
}

test("a miner that leaves a running pool takes nothing with it, and one that joins starts at once", async () => {
  const chain = new FakeChain();
  const { pool } = poolOn(chain, { blockTimeSeconds: 1e9, fastUntilHeight: 0 });
  pool.addMiner("a", { threads: 1 });
  expect(pool.start()).toBe(1);
  expect(pool.start()).toBe(0);
  pool.addMiner("b", { threads: 2 });
  expect(() => pool.addMiner("b")).toThrow(expect.objectContaining({ code: "miner-exists" }));
  const hashesOf = (id: string) => pool.statistics().miners.find((miner) => miner.id === id)?.hashes ?? 0;
  while (hashesOf("a") === 0 || hashesOf("b") === 0) await setImmediate();
  expect(await pool.removeMiner("a")).toBe(true);
  expect(await pool.removeMiner("a")).toBe(false);
  const { workers } = pool.statistics().miners[0]!;
  expect(workers.map(({ name }) => name)).toEqual(["b_worker_0", "b_worker_1"]);
  await pool.stop();
});

test("a hit on a parent that is no longer the tip is not handed in", async () => {
  const chain = new FakeChain();
  const submitted: number[] = [];
  const { pool, events } = poolOn(
    chain,
    { blocks: 1 },
    {
      submit: async (block) => {
        const reason = chain.submit(block);
        submitted.push(chain.tip.height);
        return { accepted: reason === undefined };
      },
      onEvent: (event) => {
        events.push(event);
        if (event.kind !== "job" || event.number !== 1) return;
        // The worker solves the first job while we do not listen, and somebody else's block is there before.
        const never = new Int32Array(new SharedArrayBuffer(4));
        while (pool.coordinator.isJobOpen) Atomics.wait(never, 0, 0, 1);
        chain.extend();
        pool.tipChanged(chain.tip.hash);
      },
    },
  );
  pool.addMiner("a", { threads: 1 });
  pool.start();
  await pool.finished();
  expect(events).toContainEqual({ kind: "stale", height: 1 });
  expect(submitted).toEqual([2]);
  expect(pool.statistics()).toMatchObject({ accepted: 1, rejected: 0, stale: 1 });
});

test("a pool can be started again after it has ended", async () => {
  const chain = new FakeChain();
  const { pool } = poolOn(chain, { blocks: 3 });
  pool.addMiner("a", { threads: 1 });
  pool.start();
  await pool.finished();
  expect(pool.isMining).toBe(false);
  pool.start();
  await pool.finished();
  expect(chain.tip.height).toBe(6);
});

test("a kernel that does not run here is refused by name, with what there is", () => {
  const { pool } = poolOn(new FakeChain(), {});
  const missing = NATIVE_KERNELS.find((name) => !nativeKernelNames().includes(name))!;
  expect(() => pool.addMiner("a", { kernel: missing })).toThrow(
    expect.objectContaining({ code: "no-such-kernel", message: expect.stringContaining("wasm-simd, node-crypto") }),
  );
});

test("more threads than there are slots are refused, and none is left running", async () => {
  const { pool } = poolOn(new FakeChain(), {});
  pool.addMiner("a", { threads: 40 });
  pool.addMiner("b", { threads: 40 });
  expect(() => pool.start()).toThrow(expect.objectContaining({ code: "too-many-workers" }));
  expect(pool.isMining).toBe(false);
  await pool.stop();
  expect(pool.statistics().miners.flatMap(({ workers }) => workers)).toEqual([]);
});

test("a job is replaced only while nobody reads the current one", async () => {
  const locks = new LockManager();
  const { pool, events } = poolOn(new FakeChain(), { blocks: 1 }, { locks });
  pool.addMiner("a", { threads: 1 });
  await locks.task("reader", (at) =>
    locks.getLock("mining", "MINING").withRead(at, async () => {
      pool.start();
      for (let turn = 0; turn < 50; turn++) await setImmediate();
      expect(pool.coordinator.jobNumber).toBe(0);
    }),
  );
  await pool.finished();
  expect(events.filter(({ kind }) => kind === "block")).toHaveLength(1);
});
