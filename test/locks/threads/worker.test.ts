import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { LockPoisonedError } from "../../../src/core/locks/errors.ts";
import { LockManager } from "../../../src/core/locks/manager.ts";
import { LockSpace } from "../../../src/core/locks/space.ts";

function start(act: "hold" | "wait") {
  const space = LockSpace.create({ locks: 8, owners: 32, threads: 4 });
  const locks = new LockManager(space);
  const lock = locks.getLock("mining", "MINING");
  const worker = new Worker(new URL("./holder-worker.ts", import.meta.url), { workerData: { handle: space.handle(), act } });
  space.watch(worker);
  return { space, locks, lock, worker };
}

test("a lock that a worker held for writing when it died is told to be torn, repaired, and usable", async () => {
  const { locks, lock, worker } = start("hold");
  await once(worker, "message");
  expect(locks.getAllStats()["mining"]).toMatchObject({ state: "write", holders: [{ mode: "write", site: "worker-hold" }] });
  const queued = locks.task("reader", (at) => lock.withRead(at, () => 1));
  const refused = expect(queued).rejects.toThrow(LockPoisonedError);
  await worker.terminate();
  await refused;
  await expect(locks.task("writer", (at) => lock.withWrite(at, () => 1))).rejects.toThrow(/its last writer died inside/);
  expect(locks.getAllStats()["mining"]).toMatchObject({ state: "free", poisoned: true, poisonings: 1 });
  await locks.task("repair", async (at) => {
    using guard = await lock.acquire(at, "write", { poisoned: "accept" });
    expect(guard.poisoned).toBe(true);
    guard.clearPoison();
    expect(guard.poisoned).toBe(false);
  });
  expect(await locks.task("reader", (at) => lock.withRead(at, () => "whole"))).toBe("whole");
});

test("the next writer runs the lock's own repair", async () => {
  const { space, worker } = start("hold");
  const repaired: string[] = [];
  const locks = new LockManager(space);
  const lock = locks.getLock("mining", "MINING", {
    repair: (at) => void repaired.push(...locks.locksHeld(at).map((held) => held.lock)),
  });
  await once(worker, "message");
  await worker.terminate();
  expect(await locks.task("writer", (at) => lock.withWrite(at, () => "done"))).toBe("done");
  expect(repaired).toEqual(["mining"]);
  expect(lock.isPoisoned).toBe(false);
});

test("a worker that ends by itself leaves whole what it gave back", async () => {
  const { locks, lock, worker } = start("hold");
  await once(worker, "message");
  const gone = once(worker, "exit");
  worker.postMessage("end");
  await gone;
  expect(await locks.task("writer", (at) => lock.withWrite(at, () => lock.isPoisoned))).toBe(false);
});

test("a worker that blocks in acquireSync is woken by the main thread's release", async () => {
  const { locks, lock, worker } = start("wait");
  // Both may come in one turn: listen before.
  const gone = once(worker, "exit");
  const held = once(worker, "message").then(() => once(worker, "message"));
  await locks.task("main", (at) =>
    lock.withWrite(at, async () => {
      await once(worker, "message");
      while (locks.getAllStats()["mining"]!.waitingWriters === 0) await new Promise(setImmediate);
      expect(locks.graph().edges).toMatchObject([{ lock: "mining" }]);
    }),
  );
  await gone;
  expect((await held)[0]).toBe("held");
});

test("the main thread does not wait synchronously", async () => {
  const { locks, lock, worker } = start("hold");
  await once(worker, "message");
  await locks.task("main", (at) => expect(() => lock.acquireSync(at, "read")).toThrow(/main thread cannot wait/));
  await worker.terminate();
});
