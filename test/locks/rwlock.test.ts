import { expect, test } from "vitest";
import { DeadlockError, LockOrderError, LockTimeoutError } from "../../src/core/locks/errors.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { RwLock } from "../../src/core/locks/rwlock.ts";
import { LockSpace } from "../../src/core/locks/space.ts";

const manager = () => new LockManager(LockSpace.create({ locks: 16, owners: 64, threads: 4 }));
/** As if the compiler had not been asked. */
const untyped = (lock: unknown) =>
  lock as RwLock & { withWrite(at: unknown, fn: (at: never) => unknown, options?: object): Promise<unknown> };

test("a writer is alone", async () => {
  const locks = manager();
  const lock = locks.getLock("chain", "BLOCKCHAIN");
  let inside = 0;
  let count = 0;
  const one = () =>
    locks.task("writer", (at) =>
      lock.withWrite(at, async () => {
        expect(++inside).toBe(1);
        await null;
        count++;
        inside--;
      }),
    );
  await Promise.all(Array.from({ length: 20 }, one));
  expect(count).toBe(20);
});

test("readers are inside together, and a writer that waits bars new ones", async () => {
  const locks = manager();
  const lock = locks.getLock("chain", "BLOCKCHAIN");
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reader = (name: string) =>
    locks.task(name, (at) =>
      lock.withRead(at, async () => {
        order.push(`+${name}`);
        await gate.promise;
        order.push(`-${name}`);
      }),
    );
  const first = [reader("a"), reader("b")];
  const writer = locks.task("w", (at) => lock.withWrite(at, () => void order.push("w")));
  const late = reader("c");
  gate.resolve();
  await Promise.all([...first, writer, late]);
  expect(order).toEqual(["+a", "+b", "-a", "-b", "w", "+c", "-c"]);
});

test("a lock that does not come free in time throws, and leaves nothing in the queue", async () => {
  const locks = manager();
  const lock = locks.getLock("chain", "BLOCKCHAIN");
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => lock.withWrite(at, () => gate.promise, { site: "hold" }));
  const late = locks.task("late", (at) => lock.withWrite(at, () => 1, { timeoutMs: 5, site: "try" }));
  await expect(late).rejects.toThrow(LockTimeoutError);
  await expect(late).rejects.toThrow(/"chain" \(write, at try\).*within 5 ms; held by holder #0 \(write, at hold\)/);
  gate.resolve();
  await holder;
  expect(await locks.task("after", (at) => lock.withWrite(at, () => "free"))).toBe("free");
});

test("a wrong order is refused although nothing contends, and names both sites", async () => {
  const locks = manager();
  const chain = untyped(locks.getLock("chain", "BLOCKCHAIN"));
  const mempool = locks.getLock("mempool", "MEMPOOL");
  const wrong = locks.task("t", (at) =>
    mempool.withWrite(at, (at) => chain.withWrite(at, () => 1, { site: "inner" }), { site: "outer" }),
  );
  await expect(wrong).rejects.toThrow(LockOrderError);
  await expect(wrong).rejects.toThrow(/^Deadlock detected: "chain" \(level 1, at inner\) .* "mempool" \(level 3, at outer\)/);
});

test("a cycle is refused before it blocks: one victim, the whole cycle in the message, the others go on", async () => {
  const locks = new LockManager(LockSpace.create({ locks: 16, owners: 64, threads: 4 }), { enforceOrder: false });
  const a = untyped(locks.getLock("a", "MEMPOOL"));
  const b = untyped(locks.getLock("b", "PEERS"));
  const gate = Promise.withResolvers<void>();
  let inside = 0;
  const both = () => (++inside === 2 ? gate.resolve() : gate.promise);
  const strand = (name: string, first: typeof a, second: typeof a) =>
    locks.task(name, (at) =>
      first.withWrite(at, async (at) => {
        await both();
        return second.withWrite(at, () => name, { site: `${name}-inner` });
      }),
    );
  const results = await Promise.allSettled([strand("one", a, b), strand("two", b, a)]);
  expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
  const { reason } = results.find((result) => result.status === "rejected")!;
  expect(reason).toBeInstanceOf(DeadlockError);
  expect(reason.message).toMatch(
    /^Deadlock detected: (one|two) #\d waits for "[ab]" \(write, at \w+-inner\); (one|two) #\d waits for "[ab]" \(write, at \w+-inner\); the first was refused$/,
  );
  expect(await strand("alone", a, b)).toBe("alone");
});
