import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { WorkCoordinator } from "../../src/core/mining/coordinator.ts";
import { MiningPool } from "../../src/core/mining/pool.ts";
import { defaultThreads } from "../../src/core/mining/worker-team.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { draft, HOLDING } from "../mining/drafts.ts";

// The guide's examples on mining, in its order. Names as src/core/README.md maps them.

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

function coordinate(): WorkCoordinator {
  const coordinator = new WorkCoordinator({}, { clock });
  coordinator.publish(HOLDING, draft());
  return coordinator;
}

test("work_coordinator.assign_work(miner_id, nonce_range=100000) -> MiningWork", () => {
  const coordinator = coordinate();
  const work = coordinator.assignWork("miner1", 100_000)!;
  expect(work).toMatchObject({ minerId: "miner1", startNonce: 0, blockTemplate: coordinator.job, target: 0n });
  expect(work.endNonce).toBeGreaterThanOrEqual(100_000);
  expect(coordinator.assignWork("miner2", 100_000)!.startNonce).toBe(work.endNonce);
});

test("statistics: how much of the work that was given out was done", () => {
  const coordinator = coordinate();
  const [first] = [coordinator.assignWork("miner1", 1), coordinator.assignWork("miner2", 1)];
  expect(coordinator.completeWork(first!)).toBe(true);
  expect(coordinator.statistics()).toMatchObject({ issued: 2, finished: 1, efficiency: 0.5 });
});

test("mining_pool: two miners with 4 and 8 worker threads, then start_pool_mining", async () => {
  const chain = new FakeChain();
  const pool = new MiningPool(
    { blocks: 20 },
    {
      source: async () => chain.candidate(),
      submit: async (block) => ({ accepted: chain.submit(block) === undefined }),
      clock,
      entropy: { bytes: (count) => new Uint8Array(count) },
      log: new QuietLog(),
    },
  );
  pool.addMiner("miner1", { threads: 4 });
  pool.addMiner("miner2", { threads: 8 });
  expect(pool.start()).toBe(2);
  const names = pool.statistics().miners.map(({ workers }) => workers.map(({ name }) => name));
  expect(names[0]).toEqual(["miner1_worker_0", "miner1_worker_1", "miner1_worker_2", "miner1_worker_3"]);
  expect(names[1]).toHaveLength(8);
  await pool.finished();
  expect(chain.tip.height).toBe(20);
  expect(pool.statistics()).toMatchObject({ accepted: 20, rejected: 0 });
});

test("work_coordinator.set_nonce_range(50000) and set_overlap_prevention(True)", () => {
  const coordinator = coordinate();
  coordinator.setNonceRange(50_000);
  coordinator.setOverlapPrevention(true);
  const work = coordinator.assignWork("miner1")!;
  expect(work.endNonce - work.startNonce).toBe(65_536); // Whole units of 16,384.
});

test("optimal_threads = min(8, os.cpu_count())", () => {
  expect(defaultThreads()).toBe(Math.min(8, availableParallelism()));
});
