import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { LockManager } from "../../src/core/locks/manager.ts";
import { synchronizedBy } from "../../src/core/locks/synchronized.ts";
import { UnitOfWork } from "../../src/core/locks/unit-of-work.ts";

/** The guide's examples on locks, in its order, with our names. */

test("test_deadlock_prevention: the wrong order is told to one, the other goes on, the locks are usable afterwards", async () => {
  const manager = new LockManager();
  const detected: string[] = [];
  const thread = (name: string, first: "lock1" | "lock2", second: "lock1" | "lock2") =>
    manager
      .task(name, (at) => {
        const lock1 = manager.getLock("lock1", "BLOCKCHAIN");
        const lock2 = manager.getLock("lock2", "UTXO_SET");
        const [outer, inner] = first === "lock1" ? [lock1, lock2] : [lock2, lock1];
        expect(inner.name).toBe(second);
        return outer.withWrite(at as never, async (inside) => {
          await sleep(100);
          await inner.withWrite(inside as never, () => undefined);
        });
      })
      .catch((error: Error) => {
        expect(error.message).toContain("Deadlock detected");
        detected.push(name);
      });
  await Promise.all([thread("thread1", "lock1", "lock2"), thread("thread2", "lock2", "lock1")]);
  expect(detected).toEqual(["thread2"]);
  await manager.task("afterwards", (at) =>
    manager
      .getLock("lock1", "BLOCKCHAIN")
      .withWrite(at, (at) => manager.getLock("lock2", "UTXO_SET").withWrite(at, () => undefined)),
  );
});

test("a custom lock, with a context and as a decorator of a plain function", async () => {
  const manager = new LockManager();
  const customLock = manager.getLock("my_operation", "NETWORK");
  expect(await manager.task("critical section", (at) => customLock.withWrite(at, () => 42))).toBe(42);
  const myFunction = synchronizedBy(manager)("my_lock", "BLOCKCHAIN", "read")(() => 43);
  expect(await myFunction()).toBe(43);
});

test("a transaction context: add_lock, add_operation with a rollback, commit", async () => {
  const manager = new LockManager();
  const chain = ["genesis"];
  const replace = (fails: boolean) =>
    new UnitOfWork(manager, "replace_chain")
      .lock(manager.getLock("blockchain_chain", "BLOCKCHAIN"), "write")
      .step(
        "replace",
        () => void chain.push("block 1"),
        () => void chain.pop(),
      )
      .step("check", () => {
        if (fails) throw new Error("bad block");
      })
      .commit();
  expect([(await replace(true)).kind, chain]).toEqual(["rolled-back", ["genesis"]]);
  expect([(await replace(false)).kind, chain]).toEqual(["committed", ["genesis", "block 1"]]);
});

test("a timeout is caught as one and leaves the lock to its holder", async () => {
  const manager = new LockManager();
  manager.setDefaultTimeout(10);
  const lock = manager.getLock("operation", "UTXO_SET");
  await manager.task("holder", (at) =>
    lock.withWrite(at, async () => {
      await expect(manager.task("waits", (at) => lock.withWrite(at, () => undefined))).rejects.toMatchObject({
        code: "lock-timeout",
      });
    }),
  );
  await manager.task("after", (at) => lock.withWrite(at, () => undefined));
});
