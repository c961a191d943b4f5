import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { chainReader } from "../../src/core/api/chain-reader.ts";
import { LoadMeter } from "../../src/core/api/load.ts";
import type { ApiDeps } from "../../src/core/api/ports.ts";
import { statsAnswer } from "../../src/core/api/stats.ts";
import type { LocksAnswer } from "../../src/core/client/index.ts";
import { contextOf, type Root } from "../../src/core/locks/context.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import { height, sats } from "../../src/core/primitives/units.ts";
import { TestNode } from "./test-node.ts";

const ADDRESS = "bcrt1q7lt0n9fx7lppd3wlvresw35asrdflhr65u6fed";

interface Elsewhere {
  readonly commits?: { readonly attempts: number; readonly conflicts: number };
  readonly connectionHitRate?: number | null;
}

/** What a node with these locks answers after `seconds`. */
function statsOf(locks: LockManager, seconds: number, { commits, connectionHitRate }: Elsewhere = {}): LocksAnswer {
  const deps = {
    locks,
    chain: { commits: () => commits ?? { attempts: 0, conflicts: 0 } },
    peers: connectionHitRate === undefined ? undefined : { connectionHitRate },
  } as unknown as ApiDeps;
  return statsAnswer(deps, new LoadMeter(() => 0), seconds) as unknown as LocksAnswer;
}

test("what was not measured yet is null, not a zero to boast of; no deadlock is a measurement", () => {
  expect(statsOf(new LockManager(), 10).kpis).toEqual({
    lock_contention_ratio: null,
    average_wait_time: null,
    deadlocks_per_hour: 0,
    utxo_conflict_ratio: null,
    connection_hit_rate: null,
  });
});

test("the five figures are those of a known scenario: contention, wait, deadlocks an hour, conflicts, connections", async () => {
  const locks = new LockManager();
  const lock = locks.getLock("chain", "BLOCKCHAIN");
  const gate = Promise.withResolvers<void>();
  const holder = locks.task("holder", (at) => lock.withWrite(at, () => gate.promise));
  const waiter = locks.task("waiter", (at) => lock.withRead(at, () => undefined));
  setTimeout(gate.resolve, 20);
  await Promise.all([holder, waiter]);
  await locks.task("others", async (at) => {
    for (let n = 0; n < 8; n++) await lock.withRead(at, () => undefined);
  });
  const elsewhere = { commits: { attempts: 400, conflicts: 2 }, connectionHitRate: 0.95 };
  const { kpis, lock_stats } = statsOf(locks, 10, elsewhere);
  expect(kpis).toMatchObject({
    lock_contention_ratio: 0.1,
    deadlocks_per_hour: 0,
    utxo_conflict_ratio: 0.005,
    connection_hit_rate: 0.95,
  });
  expect(kpis["average_wait_time"]).toBeGreaterThan(0.015); // The one wait; it ended no sooner than the timer.
  expect(kpis["average_wait_time"]).toBeCloseTo(lock_stats["chain"]!.max_wait_time, 3);
});

test("a prevented deadlock counts by the hour", async () => {
  const locks = new LockManager(undefined, { enforceOrder: false });
  const a = locks.getLock("a", "PEERS");
  const b = locks.getLock("b", "MINING");
  const crosswise = (name: string, first: typeof a, second: typeof a) =>
    locks.task(name, (at) =>
      first.withWrite(at, async (at) => {
        await null;
        await second.withWrite(contextOf<Root>(at.owner), () => undefined);
      }),
    );
  await Promise.allSettled([crosswise("one", a, b as never), crosswise("two", b as never, a)]);
  const { kpis, deadlock_stats } = statsOf(locks, 60);
  expect(deadlock_stats).toEqual({ cycles_detected: 1, prevented_deadlocks: 1 });
  expect(kpis["deadlocks_per_hour"]).toBe(60);
});

test("while one miner makes blocks, wallets ask and miners poll for templates, locks are taken in order, and the figures keep to their targets", async () => {
  await using node = await TestNode.open();
  let isMining = true;
  const ask = async (...methods: readonly (readonly [string, ...unknown[]])[]) => {
    for (let n = 0; isMining; n++) {
      await node.call(...methods[n % methods.length]!);
      await setImmediate(); // As calls from outside come: a turn of the event loop each.
    }
  };
  const wallet = () => ask(["gettxoutsetinfo", "none"], ["getblockchaininfo"], ["getrawmempool"], ["getblockstats", 0]);
  const wallets = [wallet(), wallet(), wallet(), wallet()];
  const poller = () => ask(["getblocktemplate", { rules: ["segwit"] }]);
  const longPoller = async () => {
    for (let longpollid = `${"0".repeat(64)}0`; isMining; ) {
      ({ longpollid } = await node.call<{ longpollid: string }>("getblocktemplate", { rules: ["segwit"], longpollid }));
      await setImmediate();
    }
  };
  const miners = [poller(), poller(), poller(), poller(), longPoller()];
  for (let n = 0; n < 40; n++) {
    await node.call("getblocktemplate", { rules: ["segwit"] });
    await node.call("generatetoaddress", 1, ADDRESS);
  }
  isMining = false;
  await node.call("generatetoaddress", 1, ADDRESS); // Ends the long-poll.
  await Promise.all([...wallets, ...miners]);
  const { kpis, load, lock_stats } = node.api.stats() as LocksAnswer;
  expect(load.operations).toBeGreaterThan(100);
  for (const [name, lock] of Object.entries(lock_stats)) {
    expect(lock, name).toMatchObject({ order_violations: 0, deadlock_attempts: 0, timeouts: 0, state: "free" });
  }
  for (const name of ["chain", "coins", "mempool"]) expect(lock_stats[name]!.writes, name).toBeGreaterThanOrEqual(40);
  expect(lock_stats["mempool"]!.reads, "a template for each tip").toBeGreaterThanOrEqual(40);
  expect(kpis).toMatchObject({ deadlocks_per_hour: 0, utxo_conflict_ratio: 0, connection_hit_rate: null });
  expect(kpis["lock_contention_ratio"]).toBeLessThan(0.05);
});

test("an update of coins that loses against another is one attempt and one conflict", async () => {
  await using node = await TestNode.open();
  const { coins } = node.parts.chain;
  const { coinsLock, locks } = node.parts;
  const key = `${"0".repeat(63)}1:0`;
  const coin = { value: sats(1), script: Uint8Array.of(0x51), height: height(1), isCoinbase: false };
  await locks.task("test", (at) =>
    coinsLock.withWrite(at, (at) => {
      expect(coins.atomicUpdate(at, { [key]: coin })).toBe(true);
      expect(coins.atomicUpdate(at, { [key]: coin }, coins.version - 1)).toBe(false);
    }),
  );
  expect(chainReader(node.parts.chain).commits()).toEqual({ attempts: 2, conflicts: 1 });
});
