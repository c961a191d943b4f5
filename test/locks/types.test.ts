import { expect, test } from "vitest";
import type { Holds, MayTake } from "../../src/core/locks/context.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import { LockSpace } from "../../src/core/locks/space.ts";

const locks = new LockManager(LockSpace.create({ locks: 16, owners: 16, threads: 4 }));
const chain = locks.getLock("chain", "BLOCKCHAIN");
const coins = locks.getLock("coins", "UTXO_SET");
const mempool = locks.getLock("mempool", "MEMPOOL");

/** Needs the coins for writing. */
function applyCoins(at: Holds<"UTXO_SET", "write">): string {
  return `applied ${typeof at}`;
}
function readTip(at: Holds<"BLOCKCHAIN">): string {
  return `tip ${typeof at}`;
}
/** Takes the mempool itself. */
function addTransaction(at: MayTake<"MEMPOOL">): Promise<string> {
  return mempool.withWrite(at, () => "added");
}

test("what the types allow works: upwards, with the proofs of all that is held", async () => {
  const results = await locks.task("good", async (root) => {
    using c = await chain.acquire(root, "write");
    using u = await coins.acquire(c, "write");
    const inner = await addTransaction(u);
    using branch = u.fork("branch");
    return [readTip(u), applyCoins(u), inner, await addTransaction(branch), readTip(branch)];
  });
  expect(results).toEqual(["tip object", "applied object", "added", "added", "tip object"]);
});

test("six forbidden uses are compile errors", () => {
  // Never run: the compiler is the test (tsc checks this folder).
  const forbidden = () =>
    locks.task("bad", async (root) => {
      const m = await mempool.acquire(root, "write");
      // @ts-expect-error the mempool (3) is held: the chain (1) may not follow
      await chain.acquire(m, "write");
      // @ts-expect-error the same lock twice
      await mempool.acquire(m, "write");
      // @ts-expect-error the coins are not held
      applyCoins(m);
      // @ts-expect-error would take the mempool again
      await addTransaction(m);
      const u = await coins.acquire(root, "read");
      // @ts-expect-error held for reading only
      applyCoins(u);
      // @ts-expect-error inside withWrite the shadowing context holds the mempool
      await mempool.withWrite(root, (at) => chain.withWrite(at, () => 1));
    });
  expect(forbidden).toBeTypeOf("function");
});
