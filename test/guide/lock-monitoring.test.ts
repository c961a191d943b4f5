import { afterEach, expect, test, vi } from "vitest";
import { contextOf, type Root } from "../../src/core/locks/context.ts";
import { LockManager, type ManagerOptions } from "../../src/core/locks/manager.ts";
import type { LockWarning } from "../../src/core/locks/policy.ts";
import type { RwLock } from "../../src/core/locks/rwlock.ts";

/** The guide's examples of monitoring, diagnosis and tuning of locks, in its order, with our names. */

const managers: LockManager[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const manager of managers.splice(0)) manager.close();
});

function open(options: ManagerOptions = {}): { manager: LockManager; warnings: LockWarning[] } {
  const warnings: LockWarning[] = [];
  const manager = new LockManager(undefined, { onWarning: (warning) => warnings.push(warning), ...options });
  managers.push(manager);
  return { manager, warnings };
}

/** Two strands that take two locks crosswise, each holding one before either asks for the other. Calls `refused` with each error. */
async function crosswise(manager: LockManager, refused: (error: Error) => void = () => {}): Promise<void> {
  const lock1 = manager.getLock("blockchain_chain", "BLOCKCHAIN") as unknown as RwLock;
  const lock2 = manager.getLock("utxo_set", "UTXO_SET") as unknown as RwLock;
  const gate = Promise.withResolvers<void>();
  let inside = 0;
  const thread = (name: string, first: RwLock, second: RwLock) =>
    manager
      .task(name, (at) =>
        first.withWrite(at, async (at) => {
          if (++inside === 2) gate.resolve();
          await gate.promise;
          await second.withWrite(contextOf<Root>(at.owner), () => undefined);
        }),
      )
      .catch(refused);
  await Promise.all([thread("thread1", lock1, lock2), thread("thread2", lock2, lock1)]);
}

test("monitoring lock performance: get_all_stats, lock by lock, with the figures of a known scenario", async () => {
  const { manager } = open({ enforceOrder: false });
  await crosswise(manager);
  const lines: string[] = [];
  for (const [lockName, stats] of Object.entries(manager.getAllStats())) {
    lines.push(`Lock: ${lockName}`);
    lines.push(`  Acquisitions: ${stats.acquisitions}`);
    lines.push(`  Contentions: ${stats.contentions}`);
    expect(stats.waitMaxMs > 0, lockName).toBe(stats.waits > 0);
    lines.push(`  Deadlock Attempts: ${stats.deadlockAttempts}`);
  }
  // thread1 waited for utxo_set and got it; thread2 asked for blockchain_chain and was refused.
  expect(lines).toEqual([
    ...["Lock: blockchain_chain", "  Acquisitions: 1", "  Contentions: 1", "  Deadlock Attempts: 1"],
    ...["Lock: utxo_set", "  Acquisitions: 2", "  Contentions: 1", "  Deadlock Attempts: 0"],
  ]);
});

test("deadlock_attempts > 0 finds the lock at which deadlocks were prevented, and no other", async () => {
  const { manager } = open({ enforceOrder: false });
  const found = () =>
    Object.entries(manager.getAllStats()).flatMap(([name, stat]) =>
      stat.deadlockAttempts > 0 ? [`Deadlock attempts detected on ${name}: ${stat.deadlockAttempts}`] : [],
    );
  expect(found()).toEqual([]);
  await crosswise(manager);
  await crosswise(manager);
  expect(found()).toEqual(["Deadlock attempts detected on blockchain_chain: 2"]);
  expect(manager.deadlockStats()).toEqual({ prevented: 2, found: 0 });
});

test("deadlock detection logging: the whole cycle, in the same words as the error", async () => {
  const { manager, warnings } = open({ enforceOrder: false });
  let message = "";
  await crosswise(manager, (error) => {
    ({ message } = error);
  });
  expect(message).toMatch(/^Deadlock detected: thread2 #\d+ waits for "blockchain_chain".*thread1 #\d+ waits for "utxo_set"/);
  expect(warnings).toEqual([{ kind: "deadlock", text: message }]);
});

test("more than 5 % contention is reported as a percentage; exactly 5 % is not", async () => {
  const { manager } = open();
  const use = async (name: string, acquisitions: number, contentions: number) => {
    const lock = manager.getLock(name, "PEERS");
    await manager.task("uses", async (at) => {
      for (let i = 0; i < acquisitions - contentions - 1; i++) await lock.withWrite(at, () => 0);
    });
    const gate = Promise.withResolvers<void>();
    const holder = manager.task("holder", (at) => lock.withWrite(at, () => gate.promise));
    const waiters = Array.from({ length: contentions }, () => manager.task("waiter", (at) => lock.withRead(at, () => 0)));
    gate.resolve();
    await Promise.all([holder, ...waiters]);
  };
  await use("calm", 100, 5);
  await use("busy", 100, 6);
  await use("busier", 4, 3);
  const diagnosis = Object.entries(manager.getAllStats()).flatMap(([name, stats]) => {
    const ratio = stats.contentions / Math.max(stats.acquisitions, 1);
    return ratio > 0.05 ? [`High contention on ${name}: ${(ratio * 100).toFixed(1)}%`] : [];
  });
  expect(diagnosis.sort()).toEqual(["High contention on busier: 75.0%", "High contention on busy: 6.0%"]);
  expect(manager.contentionReport().map(({ name }) => name)).toEqual(["busier", "busy"]);
});

test("set_default_timeout: each value is the time after which an acquisition gives up", async () => {
  const { manager } = open();
  const lock = manager.getLock("operation", "UTXO_SET");
  for (const ms of [5, 25]) {
    manager.setDefaultTimeout(ms);
    await manager.task("holder", (at) =>
      lock.withWrite(at, () =>
        expect(manager.task("waits", (at) => lock.withWrite(at, () => 0))).rejects.toMatchObject({
          code: "lock-timeout",
          message: expect.stringContaining(`did not come free within ${ms} ms; held by holder #`),
        }),
      ),
    );
  }
  expect(manager.getAllStats()["operation"]).toMatchObject({ timeouts: 2, state: "free" });
});

test("lock.writer_priority = True lets waiting writers in before readers that came earlier; False does not", async () => {
  const { manager } = open();
  const lock = manager.getLock("custom_lock", "BLOCKCHAIN");
  const order = async () => {
    const seen: string[] = [];
    const enter = (name: string, mode: "withRead" | "withWrite") =>
      manager.task(name, (at) =>
        lock[mode](at, async () => {
          await null;
          seen.push(name);
        }),
      );
    await Promise.all([enter("w1", "withWrite"), enter("r1", "withRead"), enter("w2", "withWrite"), enter("w3", "withWrite")]);
    return seen;
  };
  expect(await order()).toEqual(["w1", "r1", "w2", "w3"]);
  lock.writerPriority = true;
  expect(await order()).toEqual(["w1", "w2", "w3", "r1"]);
  lock.writerPriority = false;
  expect(await order()).toEqual(["w1", "r1", "w2", "w3"]);
});

test.each([100, 20])(
  "set_cycle_check_interval(%i ms): the periodic check breaks a standing deadlock then, not before",
  async (ms) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { manager, warnings } = open({ enforceOrder: false, detect: false });
    manager.setCycleCheckInterval(ms);
    const refused = vi.fn();
    const ended = crosswise(manager, refused);
    while (manager.graph().edges.length < 2) await new Promise(setImmediate);
    vi.advanceTimersByTime(ms - 1);
    expect(manager.deadlockStats().found).toBe(0);
    vi.advanceTimersByTime(1);
    expect(manager.deadlockStats().found).toBe(1);
    await ended;
    expect(refused).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "lock-deadlock" }));
    expect(warnings).toMatchObject([{ kind: "cycle", text: expect.stringMatching(/^Deadlock detected: /) }]);
  },
);

test("assert_thread_safety: levels out of order are told with both, and a hold of more than 5 s with its lock and site", async () => {
  const { manager, warnings } = open();
  const lock = manager.getLock("utxo_set", "UTXO_SET");
  await manager.task("operation", (at) =>
    lock.withWrite(
      at,
      (at) => {
        expect(manager.locksHeld(at)).toMatchObject([{ lock: "utxo_set", level: 2, mode: "write", site: "update" }]);
        expect(() => manager.assertLockOrder(at, "BLOCKCHAIN")).toThrow(
          /level 1,.* must not be taken while "utxo_set" \(level 2/,
        );
        const taken = manager.space.tick();
        manager.tick(taken + 4_500);
        expect(warnings).toEqual([]);
        manager.tick(taken + 5_500); // The clock of holds steps by a quarter of a second.
      },
      { site: "update" },
    ),
  );
  expect(warnings).toMatchObject([
    { kind: "long-hold", lock: "utxo_set", owner: expect.stringMatching(/^operation #/), site: "update" },
  ]);
});

test("if DEBUG: three nested locks and input or output under a lock are warned of; without it nothing is", async () => {
  for (const debug of [true, false]) {
    const { manager, warnings } = open({ debug });
    const [lock1, lock2, lock3] = [
      manager.getLock("lock1", "BLOCKCHAIN"),
      manager.getLock("lock2", "UTXO_SET"),
      manager.getLock("lock3", "MEMPOOL"),
    ];
    await manager.task("nests", (at) => lock1.withWrite(at, (at) => lock2.withWrite(at, () => 0)));
    expect(warnings).toEqual([]);
    await manager.task("nests", (at) => lock1.withWrite(at, (at) => lock2.withWrite(at, (at) => lock3.withWrite(at, () => 0))));
    await manager.task("fetches", (at) => lock1.withWrite(at, (at) => manager.policy.noteInputOutput(at.owner, "requests.get")));
    expect(warnings.map(({ kind }) => kind)).toEqual(debug ? ["deep-nesting", "input-output"] : []);
  }
});

test("thread_safe_operation: an exception passes through, and the lock is free again", async () => {
  const { manager } = open();
  const lock = manager.getLock("operation", "BLOCKCHAIN");
  const cleanup = vi.fn();
  const operation = manager
    .task("operation", (at) =>
      lock.withWrite(at, () => {
        throw new Error("operation failed");
      }),
    )
    .catch((error: unknown) => {
      cleanup();
      throw error;
    });
  await expect(operation).rejects.toThrow("operation failed");
  expect(cleanup).toHaveBeenCalledOnce();
  expect(manager.getAllStats()["operation"]).toMatchObject({ state: "free", holders: [] });
});

test("threading_timeout: an operation that takes too long is ended inside its lock, and answers None", async () => {
  const { manager } = open();
  const lock = manager.getLock("operation", "UTXO_SET");
  const longRunning = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  const result = await manager
    .task("operation", (at) => lock.withWrite(at, () => longRunning(AbortSignal.timeout(5))))
    .catch((error: Error) => (error.name === "TimeoutError" ? null : Promise.reject(error)));
  expect(result).toBeNull();
  expect(manager.getAllStats()["operation"]).toMatchObject({ state: "free" });
});
