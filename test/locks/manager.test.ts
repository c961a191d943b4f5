import { expect, test } from "vitest";
import { DeadlockError, LockCapacityError, LockOrderError } from "../../src/core/locks/errors.ts";
import { LOCK_ORDER } from "../../src/core/locks/levels.ts";
import { LockManager, type ManagerOptions } from "../../src/core/locks/manager.ts";
import type { LockWarning } from "../../src/core/locks/policy.ts";
import type { RwLock } from "../../src/core/locks/rwlock.ts";
import { LockSpace } from "../../src/core/locks/space.ts";

const manager = (options: ManagerOptions = {}) =>
  new LockManager(LockSpace.create({ locks: 16, owners: 64, threads: 4 }), options);

/** As if the compiler had not been asked. */
interface AnyLock {
  withRead(at: unknown, fn: (at: never) => unknown, options?: object): Promise<unknown>;
  withWrite(at: unknown, fn: (at: never) => unknown, options?: object): Promise<unknown>;
}
const untyped = (lock: unknown) => lock as AnyLock;

test("the levels have the numbers that everybody knows", () => {
  expect(LOCK_ORDER).toEqual({ BLOCKCHAIN: 1, UTXO_SET: 2, MEMPOOL: 3, PEERS: 4, SESSION: 5, MINING: 6, NETWORK: 7 });
});

test("one name is one lock, and keeps its level", () => {
  const locks = manager();
  expect(locks.getLock("a", "PEERS")).toBe(locks.getLock("a", "PEERS"));
  expect(() => locks.getLock("a", "MINING")).toThrow(/"a" is of level PEERS/);
});

test("what is used up says so", async () => {
  const locks = new LockManager(LockSpace.create({ locks: 2, owners: 2, threads: 1 }));
  locks.getLock("a", "PEERS");
  locks.getLock("b", "PEERS");
  expect(() => locks.getLock("c", "PEERS")).toThrow(LockCapacityError);
  await locks.task("one", () => locks.task("two", () => expect(locks.task("three", () => 0)).rejects.toThrow(LockCapacityError)));
  expect(() => LockSpace.attach(locks.space.handle())).toThrow(/All 1 threads/);
});

test("a strand reads a lock that it holds once more without waiting, though a writer queues", async () => {
  const locks = manager();
  const lock = untyped(locks.getLock("a", "PEERS"));
  let writer: Promise<unknown> = Promise.resolve();
  const order: string[] = [];
  await locks.task("reader", (at) =>
    lock.withRead(at, async (at) => {
      writer = locks.task("writer", (at) => lock.withWrite(at, () => order.push("writer")));
      await lock.withRead(at, () => order.push("nested"));
      order.push("outer");
    }),
  );
  await writer;
  expect(order).toEqual(["nested", "outer", "writer"]);
});

test("a strand that would write what it reads, or write twice, is refused: it would wait for itself", async () => {
  const locks = manager();
  const lock = untyped(locks.getLock("a", "PEERS"));
  const twice = (first: "withRead" | "withWrite") =>
    locks.task("t", (at) => lock[first](at, (at) => lock.withWrite(at, () => 1)));
  await expect(twice("withRead")).rejects.toThrow(LockOrderError);
  await expect(twice("withWrite")).rejects.toThrow(/^Deadlock detected: .*a strand cannot wait for itself/);
  expect(locks.getAllStats()["a"]).toMatchObject({ state: "free", orderViolations: 2 });
});

test("an order of two locks of one level is remembered, and its inversion refused before it ever deadlocks", async () => {
  const locks = manager();
  const [a, b, c] = ["a", "b", "c"].map((name) => untyped(locks.getLock(name, "PEERS"))) as [AnyLock, AnyLock, AnyLock];
  const both = (first: AnyLock, second: AnyLock, site: string) =>
    locks.task(site, (at) =>
      first.withWrite(at, (at) => second.withRead(at, () => site, { site: `${site}-inner` }), { site: `${site}-outer` }),
    );
  expect(await both(b, a, "one")).toBe("one");
  expect(await both(c, b, "two")).toBe("two");
  await expect(both(a, b, "three")).rejects.toThrow(
    /^Deadlock detected: "b".*three-inner.*"a".*three-outer.*the other way round at one-outer, then one-inner/,
  );
  await expect(both(a, c, "four")).rejects.toThrow(LockOrderError);
  expect(await both(b, a, "five")).toBe("five");
});

test("a branch may not take what the strand that it branched from holds above", async () => {
  const locks = manager();
  const lock = untyped(locks.getLock("peers", "PEERS"));
  const chain = untyped(locks.getLock("chain", "BLOCKCHAIN"));
  await locks.task("parent", (at) =>
    lock.withWrite(at, async (at: { fork(): Disposable }) => {
      using branch = at.fork();
      await expect(chain.withRead(branch, () => 1)).rejects.toThrow(LockOrderError);
      await expect(lock.withRead(branch, () => 1)).rejects.toThrow(LockOrderError);
    }),
  );
});

test("a parent waits for its branches: a cycle through one is refused", async () => {
  const locks = manager({ enforceOrder: false });
  const a = untyped(locks.getLock("a", "MEMPOOL"));
  const b = untyped(locks.getLock("b", "PEERS"));
  const gate = Promise.withResolvers<void>();
  const parent = locks.task("parent", (at) =>
    a.withWrite(at, async (at: { fork(label: string): Disposable }) => {
      using branch = at.fork("branch");
      await gate.promise;
      return await b.withWrite(branch, () => "branch done", { site: "branch" });
    }),
  );
  const other = locks.task("other", (at) =>
    b.withWrite(at, async (at) => {
      gate.resolve();
      await new Promise(setImmediate);
      return await a.withWrite(at, () => "other done", { site: "other" });
    }),
  );
  const [first, second] = await Promise.allSettled([parent, other]);
  expect(first).toEqual({ status: "fulfilled", value: "branch done" });
  expect(second).toMatchObject({ status: "rejected", reason: expect.any(DeadlockError) });
  expect(second.status === "rejected" && second.reason.message).toMatch(/parent #\d+ waits for its branches/);
});

test("figures say what happened: acquisitions, contentions, waits, timeouts, by site, and add up", async () => {
  const locks = manager();
  const lock = locks.getLock("a", "PEERS");
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => lock.withWrite(at, () => gate.promise, { site: "hold" }));
  const waiters = [1, 2].map(() => locks.task("reader", (at) => lock.withRead(at, () => 0, { site: "read" })));
  await expect(locks.task("late", (at) => lock.withRead(at, () => 0, { site: "late", timeoutMs: 1 }))).rejects.toThrow();
  const during = locks.getAllStats()["a"]!;
  expect(during).toMatchObject({ state: "write", writers: 1, waitingReaders: 2, acquisitions: 1, contentions: 3, timeouts: 1 });
  expect(during.holders).toMatchObject([{ owner: "holder #0", mode: "write", site: "hold" }]);
  expect(locks.graph().edges).toEqual([1, 2].map((n) => ({ from: `reader #${n}`, to: "holder #0", lock: "a" })));
  gate.resolve();
  await Promise.all([holder, ...waiters]);
  const after = locks.getAllStats()["a"]!;
  expect(after).toMatchObject({ state: "free", acquisitions: 3, reads: 2, writes: 1, waits: 3, holders: [], waiters: [] });
  expect(after.waitMaxMs).toBeGreaterThan(0);
  expect(after.waitP99Ms).toBeLessThanOrEqual(after.waitMaxMs);
  expect(after.sites.reduce((sum, site) => sum + site.acquisitions, 0)).toBe(3);
  expect(locks.contentionReport().map(({ name }) => name)).toEqual(["a"]);
  locks.resetStats();
  expect(locks.getAllStats()["a"]).toMatchObject({ acquisitions: 0, contentions: 0, waitMaxMs: 0, sites: [] });
});

test("one hold in 64 is timed", async () => {
  const locks = manager();
  const lock = locks.getLock("a", "PEERS");
  await locks.task("t", (at) => {
    for (let i = 0; i < 640; i++) lock.tryAcquire(at, "write")!.release();
  });
  expect(locks.getAllStats()["a"]!.holdMaxMs).toBeGreaterThan(0);
});

test("the default limit is that of the manager, and a call's own goes before it", async () => {
  const locks = manager();
  locks.setDefaultTimeout(3);
  const lock = locks.getLock("a", "PEERS");
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => lock.withWrite(at, () => gate.promise));
  await expect(locks.task("a", (at) => lock.withRead(at, () => 0))).rejects.toThrow(/within 3 ms/);
  const patient = locks.task("b", (at) => lock.withRead(at, () => "in", { timeoutMs: 10_000 }));
  gate.resolve();
  expect(await patient).toBe("in");
  await holder;
});

test("a signal ends a wait with its reason, before, while and never after the grant", async () => {
  const locks = manager();
  const lock = locks.getLock("a", "PEERS");
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => lock.withWrite(at, () => gate.promise));
  const controller = new AbortController();
  const waiting = locks.task("a", (at) => lock.withRead(at, () => 0, { signal: controller.signal }));
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(locks.task("b", (at) => lock.withRead(at, () => 0, { signal: controller.signal }))).rejects.toThrow("enough");
  const late = new AbortController();
  const granted = locks.task("c", (at) => lock.withRead(at, () => late.abort(), { signal: late.signal }));
  gate.resolve();
  await Promise.all([holder, granted]);
  expect(locks.getAllStats()["a"]).toMatchObject({ state: "free", aborts: 1, waiters: [] });
});

test("without statistics acquisitions are not counted, and holders are still seen with their site", async () => {
  const locks = manager({ statistics: false });
  const lock = locks.getLock("a", "PEERS");
  await locks.task("quiet", (at) =>
    lock.withWrite(
      at,
      () => expect(locks.getAllStats()["a"]!.holders).toMatchObject([{ owner: expect.stringMatching(/^quiet/), site: "here" }]),
      {
        site: "here",
      },
    ),
  );
  expect(locks.getAllStats()["a"]).toMatchObject({ acquisitions: 0, state: "free" });
});

test("without the search before a wait the periodic check finds the cycle and refuses one of it", async () => {
  const warnings: LockWarning[] = [];
  const locks = manager({ enforceOrder: false, detect: false, onWarning: (warning) => warnings.push(warning) });
  locks.setCycleCheckInterval(2);
  const a = untyped(locks.getLock("a", "MEMPOOL"));
  const b = untyped(locks.getLock("b", "PEERS"));
  const gate = Promise.withResolvers<void>();
  let inside = 0;
  const strand = (first: AnyLock, second: AnyLock) =>
    locks.task("t", (at) =>
      first.withWrite(at, async (at) => {
        if (++inside === 2) gate.resolve();
        await gate.promise;
        return second.withWrite(at, () => "done");
      }),
    );
  const results = await Promise.allSettled([strand(a, b), strand(b, a)]);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(results.find(({ status }) => status === "rejected")).toMatchObject({ reason: expect.any(DeadlockError) });
  expect(locks.deadlockStats()).toEqual({ prevented: 0, found: 1 });
  expect(warnings).toMatchObject([{ kind: "cycle" }]);
  locks.close();
});

test("debug mode warns of three nested locks and of input and output under a lock, once", async () => {
  const warnings: LockWarning[] = [];
  const locks = manager({ debug: true, onWarning: (warning) => warnings.push(warning) });
  const [a, b, c] = [locks.getLock("a", "MEMPOOL"), locks.getLock("b", "PEERS"), locks.getLock("c", "MINING")];
  for (let i = 0; i < 2; i++) {
    await locks.task("deep", (at) =>
      a.withRead(at, (at) => b.withRead(at, (at) => c.withRead(at, (at) => locks.noteInputOutput(at, "fsync")), { site: "two" })),
    );
  }
  expect(warnings).toEqual([
    { kind: "deep-nesting", owner: "deep", locks: ["a at ", "b at two", "c at "] },
    { kind: "input-output", owner: "deep", what: "fsync", locks: ["a at ", "b at two", "c at "] },
  ]);
});

test("a lock made to span input and output is not warned of; what else is held is", async () => {
  const warnings: LockWarning[] = [];
  const locks = manager({ debug: true, onWarning: (warning) => warnings.push(warning) });
  const spans = locks.getLock("chain", "BLOCKCHAIN", { spansInputOutput: true });
  const other = locks.getLock("pool", "MEMPOOL");
  await locks.task("commit", (at) =>
    spans.withWrite(at, (at) => {
      locks.noteInputOutput(at, "fsync");
      return other.withRead(at, (at) => locks.noteInputOutput(at, "fsync"), { site: "look" });
    }),
  );
  expect(warnings).toEqual([{ kind: "input-output", owner: "commit", what: "fsync", locks: ["pool at look"] }]);
});

test("a hold of more than five seconds warns once, with its site", async () => {
  const warnings: LockWarning[] = [];
  const locks = manager({ onWarning: (warning) => warnings.push(warning) });
  const lock = locks.getLock("a", "PEERS");
  await locks.task("slow", async (at) => {
    using _guard = await lock.acquire(at, "write", { site: "import" });
    locks.tick(locks.space.tick() + 5_100);
    locks.tick(locks.space.tick() + 5_200);
  });
  expect(warnings).toMatchObject([{ kind: "long-hold", lock: "a", mode: "write", owner: "slow #0", site: "import" }]);
});

test("assertLockOrder and locksHeld tell what a strand has", async () => {
  const locks = manager();
  const lock = locks.getLock("a", "PEERS");
  await locks.task("t", (at) =>
    lock.withRead(
      at,
      (at) => {
        expect(locks.locksHeld(at)).toMatchObject([{ lock: "a", level: 4, mode: "read", site: "here" }]);
        expect(() => locks.assertLockOrder(at, "NETWORK")).not.toThrow();
        expect(() => locks.assertLockOrder(at, "MEMPOOL")).toThrow(/^Deadlock detected/);
      },
      { site: "here" },
    ),
  );
});

test("a guard left behind is given back with its task, and warned of; the context is refused afterwards", async () => {
  const warnings: LockWarning[] = [];
  const locks = manager({ onWarning: (warning) => warnings.push(warning) });
  const lock = locks.getLock("a", "PEERS");
  const leaked = await locks.task("leaky", async (at) => {
    await lock.acquire(at, "write");
    return at;
  });
  expect(warnings).toEqual([{ kind: "leaked", owner: "leaky", locks: ["a"] }]);
  expect(locks.getAllStats()["a"]).toMatchObject({ state: "free" });
  await expect(lock.withRead(leaked, () => 0)).rejects.toThrow(/used after its task had ended/);
});

test("with writer priority readers come in only when no writer waits", async () => {
  const order = async (writerPriority: boolean) => {
    const locks = manager();
    const lock = locks.getLock("a", "PEERS", { writerPriority });
    expect(lock.writerPriority).toBe(writerPriority);
    const seen: string[] = [];
    const run = (name: string, mode: "withRead" | "withWrite") =>
      locks.task(name, (at) =>
        lock[mode](at, async () => {
          await null;
          seen.push(name);
        }),
      );
    await Promise.all([run("w1", "withWrite"), run("r1", "withRead"), run("w2", "withWrite"), run("r2", "withRead")]);
    return seen;
  };
  expect(await order(false)).toEqual(["w1", "r1", "r2", "w2"]);
  expect(await order(true)).toEqual(["w1", "w2", "r1", "r2"]);
});

test("several locks are taken by level and name, whatever order they are asked for in, and all or none", async () => {
  const locks = manager();
  const lock = (name: string, level: "PEERS" | "MINING") => locks.getLock(name, level) as unknown as RwLock;
  const [a, b, c] = [lock("a", "PEERS"), lock("b", "PEERS"), lock("c", "MINING")];
  const unit = (...wanted: RwLock[]) =>
    locks.task("unit", async (at) => {
      using _held = await locks.acquireAll(
        at,
        [...wanted, a].map((lock) => ({ lock, mode: "write" as const })),
      );
      await null;
      return locks.locksHeld(at).map((held) => held.lock);
    });
  expect(await Promise.all([unit(c, b, a), unit(a, c, b), unit(b, c)])).toEqual([
    ["a", "b", "c"],
    ["a", "b", "c"],
    ["a", "b", "c"],
  ]);
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", async (at) => {
    using _held = await locks.acquireAll(at, [{ lock: c, mode: "read" }]);
    await gate.promise;
  });
  const late = locks.task("late", (at) =>
    locks.acquireAll(
      at,
      [a, c].map((lock) => ({ lock, mode: "write" })),
      { timeoutMs: 1 },
    ),
  );
  await expect(late).rejects.toThrow(/"c".*within 1 ms/);
  expect(locks.getAllStats()["a"]).toMatchObject({ state: "free" });
  gate.resolve();
  await holder;
});

test("a context has one wait at a time, and takes nothing meanwhile; a guard of a task that has ended gives nothing back", async () => {
  const locks = manager();
  const [a, b] = [locks.getLock("a", "PEERS"), untyped(locks.getLock("b", "MINING"))];
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => a.withWrite(at, () => gate.promise));
  let leaked: { release(): void } | undefined;
  await locks.task("two at once", async (at) => {
    const first = a.acquire(at, "write");
    await expect(b.withRead(at, () => 1)).rejects.toThrow(/waits already/);
    await expect(a.withRead(at, () => 1)).rejects.toThrow(/waits already/);
    gate.resolve();
    leaked = await first;
    expect(await b.withRead(at, () => locks.locksHeld(at).map((held) => held.lock))).toEqual(["a", "b"]);
  });
  await holder;
  await locks.task("next", (at) =>
    a.withWrite(at, () => {
      leaked?.release();
      expect(locks.getAllStats()["a"]).toMatchObject({ state: "write" });
    }),
  );
});

test("a wait that outlives its task gives back what it is granted", async () => {
  const locks = manager();
  const lock = locks.getLock("a", "PEERS");
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => lock.withWrite(at, () => gate.promise));
  let forgotten: Promise<unknown> = Promise.resolve();
  await locks.task("hasty", (at) => {
    forgotten = lock.withWrite(at, () => expect.unreachable());
  });
  gate.resolve();
  await expect(forgotten).rejects.toThrow(/after its task had ended/);
  await holder;
  expect(locks.getAllStats()["a"]).toMatchObject({ state: "free", holders: [], waiters: [] });
  expect(await locks.task("next", (at) => lock.withWrite(at, () => "free"))).toBe("free");
});
