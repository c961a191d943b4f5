import { expect, test } from "vitest";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { followChain } from "../../src/core/mempool/follow-chain.ts";
import type { Removal } from "../../src/core/mempool/mempool.ts";
import { OrphanPool } from "../../src/core/mempool/orphans.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { outpointKey } from "../../src/core/primitives/outpoint.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { BlockHash, FeeRate, Height, UnixSeconds } from "../../src/core/primitives/units.ts";
import { ancestry, buildCoinbase } from "../support/build-block.ts";
import { faultsOf } from "./oracle.ts";
import { AT } from "./pool-replay.ts";
import { outputOf, PAY_SCRIPT, spend, TestPool } from "./test-pool.ts";

const reasons = (removed: readonly Removal[]) => removed.map(({ entry, reason }) => [entry.tx.txid, reason]);

/** Undoes blocks in the bench's coins, newest first, and hands the pool what they held. */
async function disconnect(bench: TestPool, moves: readonly { tx: Transaction; spent: ReturnType<TestPool["move"]> }[]) {
  for (const { tx, spent } of moves.toReversed()) {
    for (let vout = 0; vout < tx.outputCount; vout++) bench.coins.delete(outpointKey(tx.txid, vout));
    for (const [key, coin] of spent) bench.coins.set(key, coin);
  }
  return bench.follow(
    [],
    moves.map(({ tx }) => tx),
  );
}

const mine = (bench: TestPool, ...txs: readonly Transaction[]) => txs.map((tx) => ({ tx, spent: bench.move(tx) }));

test("what a block holds leaves, and its children stay", async () => {
  const bench = new TestPool();
  const parent = spend([bench.coin()], { outputs: 2 });
  const children = [spend([outputOf(parent, 0)]), spend([outputOf(parent, 1)])];
  for (const tx of [parent, ...children]) bench.add(tx);
  const { removed } = await bench.connect(parent);
  expect(reasons(removed)).toEqual([[parent.txid, "block"]]);
  expect(children.map((tx) => bench.has(tx))).toEqual([true, true]);
  expect(new Set(children.map((tx) => bench.pool.find(tx.txid)!.cluster)).size).toBe(2);
  expect(bench.pool.find(children[0]!.txid)!.parents).toEqual([]);
});

test("what conflicts with a block leaves with its descendants", async () => {
  const bench = new TestPool();
  const coin = bench.coin();
  const pooled = spend([coin]);
  const child = spend([outputOf(pooled)]);
  bench.add(pooled);
  bench.add(child);
  const { removed } = await bench.connect(spend([coin], { fee: 7 }));
  expect(reasons(removed)).toEqual([
    [pooled.txid, "conflict"],
    [child.txid, "conflict"],
  ]);
  expect(bench.pool.size).toBe(0);
});

test("a reorganisation returns its transactions to the pool, above their children", async () => {
  const bench = new TestPool();
  const parent = spend([bench.coin()], { fee: 0 }); // Mined without a fee: it comes back all the same.
  const child = spend([outputOf(parent)]);
  const moves = mine(bench, parent);
  await bench.follow([[parent]], []);
  expect(bench.add(child)).toBe("added");
  const { returned } = await disconnect(bench, moves);
  expect(returned.map(({ tx }) => tx.txid)).toEqual([parent.txid]);
  expect(bench.pool.find(child.txid)!.parents.map(({ tx }) => tx.txid)).toEqual([parent.txid]);
  expect(bench.pool.find(child.txid)!.cluster.entries.size).toBe(2);
});

test("a returned parent comes before all its children in a template, also in a pool that has been full", async () => {
  const bench = new TestPool({ poolBytesMax: 20_000 });
  const parent = spend([bench.coin()], { outputs: 2 });
  const moves = mine(bench, parent);
  await bench.follow([[parent]], []);
  const evicted = spend([bench.coin()], { ballast: 16_000, fee: 20_000 }); // From the first eviction on, each change cuts chunks anew.
  const poor = spend([outputOf(parent, 0)], { fee: 20_000 });
  const rich = spend([outputOf(parent, 1)], { fee: 50_000 });
  const joining = spend([outputOf(poor), outputOf(rich)], { fee: 20_000 });
  for (const tx of [evicted, poor, rich, joining]) expect(bench.add(tx)).toBe("added");
  expect(bench.has(evicted)).toBe(false);
  await disconnect(bench, moves);
  expect(faultsOf(bench, [parent, poor, rich, joining])).toEqual([]);
  const { entries } = bench.pool.select({ weight: 4_000_000, sigopCost: 80_000, minFeeRate: 0 as FeeRate });
  expect(entries.map(({ tx }) => tx.txid)).toEqual([parent, rich, poor, joining].map(({ txid }) => txid));
});

test("what a disconnected coinbase paid for leaves", async () => {
  const bench = new TestPool();
  const coinbase = buildCoinbase(100, { outputs: [{ value: 1_000_000, script: PAY_SCRIPT }] });
  const moves = mine(bench, coinbase);
  const key = outpointKey(coinbase.txid, 0);
  bench.coins.set(key, { ...bench.coins.get(key)!, height: 90 as Height });
  const child = spend([outputOf(coinbase)]);
  const grandchild = spend([outputOf(child)]);
  expect([bench.add(child), bench.add(grandchild)]).toEqual(["added", "added"]);
  const { removed } = await disconnect(bench, moves);
  expect(reasons(removed)).toEqual([
    [child.txid, "reorganisation"],
    [grandchild.txid, "reorganisation"],
  ]);
});

test("what the lower tip makes premature leaves", async () => {
  const bench = new TestPool();
  const locked = spend([bench.coin()], { lockTime: 199, sequence: 0 });
  const relative = spend([bench.coin(1_000_000, { height: 190 as Height })], { sequence: 10 });
  const young = spend([bench.coin(1_000_000, { isCoinbase: true, height: 100 as Height })]);
  const plain = spend([bench.coin()]);
  for (const tx of [locked, relative, young, plain]) expect(bench.add(tx)).toBe("added");
  const mined = spend([bench.coin()]);
  const moves = mine(bench, mined);
  bench.tip = ancestry(Array.from({ length: 199 }, (_, i) => 1_700_000_000 + 600 * i));
  const { removed } = await disconnect(bench, moves);
  expect(new Set(removed.map(({ entry }) => entry.tx.txid))).toEqual(new Set([locked.txid, relative.txid, young.txid]));
  expect([bench.has(plain), bench.has(mined)]).toEqual([true, true]);
});

test("a displaced transaction that the new branch holds or spends against does not return", async () => {
  const bench = new TestPool();
  const [coin, other] = [bench.coin(), bench.coin()];
  const [again, lost] = [spend([other]), spend([coin], { fee: 1 })];
  const child = spend([outputOf(lost)]);
  mine(bench, again, lost);
  expect(bench.add(child)).toBe("added");
  bench.coins.delete(outpointKey(lost.txid, 0));
  const winner = spend([coin], { fee: 2 });
  const { removed, returned } = await bench.follow([[again, winner]], [again, lost]);
  expect(returned).toEqual([]);
  expect(reasons(removed)).toEqual([[child.txid, "reorganisation"]]);
});

test("a displaced transaction whose scripts fail the pool's rules does not return", async () => {
  const bench = new TestPool();
  const tx = spend([bench.coin()]);
  const child = spend([outputOf(tx)]);
  const move = { view: bench.view, connected: [], displaced: [tx, child], nowSeconds: bench.now as UnixSeconds };
  const outcome = await followChain(AT, bench.pool, move, async (candidates) =>
    candidates.map((candidate) => (candidate.tx === tx ? { input: 0, error: "SIG_HIGH_S" as const } : undefined)),
  );
  expect(outcome.returned).toEqual([]);
  expect(bench.pool.size).toBe(0);
});

test("clusters that returning parents make too large lose what pays least", async () => {
  const bench = new TestPool({ clusterCountMax: 4 });
  const parent = spend([bench.coin(10_000_000)], { outputs: 5, fee: 5000 });
  const moves = mine(bench, parent);
  const children = Array.from({ length: 5 }, (_, i) => spend([outputOf(parent, i)], { fee: 1000 + 100 * i }));
  for (const tx of children) expect(bench.add(tx)).toBe("added");
  const { removed } = await disconnect(bench, moves);
  expect(reasons(removed)).toEqual([
    [children[0]!.txid, "size-limit"],
    [children[1]!.txid, "size-limit"],
  ]);
  expect(bench.pool.find(parent.txid)!.cluster.entries.size).toBe(4);
});

test("the pool says which tip it agrees with", async () => {
  const bench = new TestPool();
  expect(bench.pool.tipHash).toBe(bench.tip.hash);
  bench.tip = { ...bench.tip, hash: "ab".repeat(32) as BlockHash };
  await bench.follow([], []);
  expect(bench.pool.tipHash).toBe(bench.tip.hash);
});

test("orphans wait for their parents, within bounds", () => {
  const bench = new TestPool();
  const orphans = new OrphanPool({ countMax: 3, weightMax: 100_000, ageSecondsMax: 60 });
  const parent = spend([bench.coin()], { outputs: 5 });
  const children = Array.from({ length: 5 }, (_, i) => spend([outputOf(parent, i)]));
  for (const tx of children) expect(orphans.add(tx, [tx.prevoutKey(0)], 0)).toBe(true);
  expect(children.map(({ wtxid }) => orphans.has(wtxid))).toEqual([false, false, true, true, true]);
  expect(orphans.add(children[4]!, [], 0)).toBe(false); // Known.
  expect(orphans.add(spend([bench.coin()], { ballast: 3000 }), [], 0)).toBe(false); // Too large.
  expect(orphans.takeChildren(parent).map(({ txid }) => txid)).toEqual(children.slice(2).map(({ txid }) => txid));
  expect([orphans.size, orphans.weight]).toEqual([0, 0]);
});

test("orphans leave when they are old, or when a block spends what they spend", () => {
  const bench = new TestPool();
  const orphans = new OrphanPool({ countMax: 10, weightMax: 1_000_000, ageSecondsMax: 60 });
  const coin = bench.coin();
  const [old, late] = [spend([bench.coin()]), spend([coin, bench.coin()])];
  orphans.add(old, [old.prevoutKey(0)], 0);
  orphans.add(late, [late.prevoutKey(1)], 60);
  expect([orphans.has(old.wtxid), orphans.has(late.wtxid)]).toEqual([false, true]);
  orphans.forget(Block.build(Block.decode(REGTEST.genesis).header, [buildCoinbase(1), spend([coin], { fee: 3 })]));
  expect(orphans.size).toBe(0);
});
