import { expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import { UnitOfWork } from "../../src/core/locks/unit-of-work.ts";

test("locks are taken by level then name, whatever the order of declaration, and all are free afterwards", async () => {
  const manager = new LockManager();
  const a = manager.getLock("a", "MEMPOOL");
  const b = manager.getLock("b", "MEMPOOL");
  const chain = manager.getLock("chain", "BLOCKCHAIN");
  let inside = 0;
  const unit = (order: readonly (typeof a | typeof chain)[]) => {
    const work = new UnitOfWork(manager, "opposite orders");
    for (const lock of order) work.lock(lock as typeof a, "write");
    return work.step("count", async () => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    });
  };
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => unit(n % 2 === 0 ? [chain, a, b] : [b, a, chain]).commit({ timeoutMs: 20_000 })),
  );
  expect(outcomes.every(({ kind }) => kind === "committed")).toBe(true);
  await manager.task("afterwards", (at) => {
    for (const lock of [a, b, chain]) lock.tryAcquire(at, "write")!.release();
  });
});

test("only steps that ran are undone, last first, all of them, and failures of undos are collected", async () => {
  const manager = new LockManager();
  const log: string[] = [];
  const failure = new Error("step 3");
  const undoFailure = new Error("undo 2");
  const outcome = await new UnitOfWork(manager, "fails")
    .lock(manager.getLock("pool", "MEMPOOL"), "write")
    .step(
      "one",
      () => void log.push("+1"),
      () => void log.push("-1"),
    )
    .step(
      "two",
      () => void log.push("+2"),
      () => Promise.reject(undoFailure),
    )
    .step(
      "three",
      () => Promise.reject(failure),
      () => void log.push("-3"),
    )
    .step(
      "four",
      () => void log.push("+4"),
      () => void log.push("-4"),
    )
    .commit();
  expect(log).toEqual(["+1", "+2", "-1"]);
  expect(outcome).toEqual({
    kind: "rolled-back",
    cause: failure,
    undone: ["one"],
    undoFailures: [{ label: "two", cause: undoFailure }],
  });
});

test("a unit that does not get its locks in time runs nothing and leaves nothing behind", async () => {
  const manager = new LockManager();
  const chain = manager.getLock("chain", "BLOCKCHAIN");
  const pool = manager.getLock("pool", "MEMPOOL");
  await manager.task("holder", (at) =>
    pool.withWrite(at, async () => {
      const outcome = await new UnitOfWork(manager, "impatient")
        .lock(pool, "read")
        .lock(chain, "write")
        .step("never", () => expect.fail("ran"))
        .commit({ timeoutMs: 5 });
      expect(outcome.kind).toBe("rolled-back");
      expect(outcome.kind === "rolled-back" && (outcome.cause as { code: string }).code).toBe("lock-timeout");
      await manager.task("other", (at) => chain.tryAcquire(at, "write")!.release());
    }),
  );
});
