import { expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/core/mempool/policy.ts";
import { withScripts } from "../../src/core/mempool/script-verdict.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { BlockHash, FeeRate, Height } from "../../src/core/primitives/units.ts";
import { buildCoinbase, buildTx } from "../support/build-block.ts";
import { AT } from "./pool-replay.ts";
import { type Output, outputOf, PAY_SCRIPT, spend, TestPool } from "./test-pool.ts";

const LIMITS = { weight: 3_992_000, sigopCost: 79_600, minFeeRate: DEFAULT_POLICY.blockMinFeeRate };

/** So many transactions, each spending the one before. */
function chain(from: Output, count: number, fee = 1000): readonly Transaction[] {
  const txs: Transaction[] = [];
  for (let last = from; txs.length < count; last = outputOf(txs.at(-1)!)) txs.push(spend([last], { fee }));
  return txs;
}

test("a transaction enters, is found, and its coins are known as spent", () => {
  const bench = new TestPool();
  const tx = spend([bench.coin(), bench.coin()], { fee: 500 });
  expect(bench.add(tx)).toBe("added");
  expect(bench.pool).toMatchObject({ size: 1, totalFee: 500, vbytes: tx.vsize });
  expect(bench.pool.find(tx.txid)?.fee).toBe(500);
  expect(bench.pool.spenderOf(tx.prevoutKey(1))).toBe(tx.txid);
  expect(bench.pool.findOutput(spend([outputOf(tx)]).prevoutKey(0))).toMatchObject({ value: tx.value(0), height: 0x7fffffff });
  expect(bench.pool.findOutput(spend([{ ...outputOf(tx), vout: 1 }]).prevoutKey(0))).toBeUndefined();
});

test("what is known, missing, premature or no loose transaction is told apart", () => {
  const bench = new TestPool();
  const tx = spend([bench.coin()]);
  bench.add(tx);
  expect(bench.judge(tx)).toMatchObject({ kind: "known", code: "txn-already-in-mempool" });
  const orphan = spend([{ ...outputOf(tx), vout: 9 }, bench.coin()]);
  expect(bench.judge(orphan)).toMatchObject({ kind: "missing-inputs", missing: [orphan.prevoutKey(0)] });
  expect(bench.judge(buildCoinbase(200))).toMatchObject({ kind: "consensus", code: "coinbase" });
  const young = bench.coin(1_000_000, { isCoinbase: true, height: 101 as Height });
  expect(bench.judge(spend([young]))).toMatchObject({ kind: "premature", code: "bad-txns-premature-spend-of-coinbase" });
  const old = bench.coin(1_000_000, { isCoinbase: true, height: 100 as Height });
  expect(bench.add(spend([old]))).toBe("added");
  const at = (lockTime: number) => spend([bench.coin()], { lockTime, sequence: 0 });
  expect(bench.judge(at(200))).toMatchObject({ kind: "premature", code: "non-final" });
  expect(bench.add(at(199))).toBe("added");
  const relative = (sequence: number) => spend([bench.coin(1_000_000, { height: 190 as Height })], { sequence });
  expect(bench.judge(relative(11))).toMatchObject({ kind: "premature", code: "non-BIP68-final" });
  expect(bench.add(relative(10))).toBe("added");
});

test("the relay floor asks for a tenth of a satoshi a virtual byte, rounded up", () => {
  const bench = new TestPool();
  const { vsize } = spend([bench.coin()]);
  const floor = Math.ceil(vsize / 10);
  expect(bench.judge(spend([bench.coin()], { fee: floor - 1 }))).toMatchObject({
    kind: "reconsiderable",
    code: "min relay fee not met",
    detail: `${floor - 1} < ${floor}`,
  });
  expect(bench.add(spend([bench.coin()], { fee: floor }))).toBe("added");
});

test("a script verdict names input and outpoint", () => {
  const bench = new TestPool();
  const from = bench.coin();
  const candidate = bench.judge(spend([from]));
  if ("kind" in candidate) throw new Error(candidate.code);
  const { txid, wtxid } = candidate.tx;
  expect(withScripts(candidate, { input: 0, error: "EVAL_FALSE" })).toMatchObject({
    code: "mempool-script-verify-flag-failed (Script evaluated without error but finished with a false/empty top stack element)",
    detail: `input 0 of ${txid} (wtxid ${wtxid}), spending ${from.txid}:0`,
  });
});

test("a replacement pays for what it replaces, for itself, and makes a better pool", () => {
  const bench = new TestPool();
  const coin = bench.coin();
  const first = spend([coin], { fee: 1000 });
  bench.add(first);
  const relay = Math.ceil(first.vsize / 10);
  expect(bench.judge(spend([coin], { fee: 999 }))).toMatchObject({ code: "insufficient fee" });
  expect(bench.add(spend([coin], { fee: 1000 + relay - 1 }))).toBe("insufficient fee");
  expect(bench.add(spend([coin], { fee: 2000, ballast: 500 }))).toBe("replacement-failed");
  expect(bench.has(first)).toBe(true);
  const better = spend([coin], { fee: 1000 + relay });
  const outcome = bench.offer(better);
  expect(outcome).toMatchObject({ kind: "added", removed: [{ reason: "replaced", entry: { tx: first } }] });
  expect(bench.pool).toMatchObject({ size: 1, totalFee: 1000 + relay });
  expect(bench.pool.spenderOf(better.prevoutKey(0))).toBe(better.txid);
});

test("a replacement takes descendants along, and cannot build on what it replaces", () => {
  const bench = new TestPool();
  const [coin, other] = [bench.coin(), bench.coin()];
  const [parent, child] = chain(coin, 2) as [Transaction, Transaction];
  bench.add(parent);
  bench.add(child);
  expect(bench.add(spend([coin, outputOf(child)], { fee: 50_000 }))).toBe("bad-txns-spends-conflicting-tx");
  expect(bench.add(spend([coin], { fee: 2000 }))).toBe("insufficient fee");
  expect(bench.add(spend([coin, other], { fee: 50_000 }))).toBe("added");
  expect(bench.pool.size).toBe(1);
});

test("a hundred clusters may give way to one transaction, not more", () => {
  const bench = new TestPool();
  const coins = Array.from({ length: 101 }, () => bench.coin());
  for (const coin of coins) bench.add(spend([coin], { fee: 100 }));
  expect(bench.judge(spend(coins, { fee: 1_000_000 }))).toMatchObject({
    code: "too many potential replacements",
    detail: expect.stringContaining("too many conflicting clusters (101 > 100)"),
  });
  expect(bench.add(spend(coins.slice(1), { fee: 1_000_000 }))).toBe("added");
  expect(bench.pool.size).toBe(2);
});

test("a cluster holds 64 transactions, however they hang together", () => {
  const bench = new TestPool();
  const txs = chain(bench.coin(10_000_000), 64);
  for (const tx of txs) expect(bench.add(tx)).toBe("added");
  expect(bench.add(spend([outputOf(txs.at(-1)!)]))).toBe("too-large-cluster");
  const small = new TestPool({ clusterCountMax: 3 });
  const two = [spend([small.coin()]), spend([small.coin()])];
  for (const tx of two) small.add(tx);
  expect(small.add(spend(two.map((tx) => outputOf(tx))))).toBe("added"); // Joins two clusters to one of three.
  expect(small.add(spend([outputOf(two[0]!, 0)], { fee: 40_000 }))).toBe("added"); // Replaces the joint.
  expect(small.pool.size).toBe(3);
});

test("a cluster weighs 404,000 at most", () => {
  const bench = new TestPool();
  const parent = spend([bench.coin()], { outputs: 3, ballast: 60_000, fee: 50_000 });
  expect(bench.add(parent)).toBe("added");
  expect(bench.add(spend([outputOf(parent, 1)], { ballast: 40_900, fee: 50_000 }))).toBe("too-large-cluster");
  expect(bench.add(spend([outputOf(parent, 1)], { ballast: 40_000, fee: 50_000 }))).toBe("added");
});

test("version 3 families have a parent and a child, and the second child may evict the first", () => {
  const bench = new TestPool();
  const parent = spend([bench.coin()], { version: 3, outputs: 3 });
  bench.add(parent);
  const child = spend([outputOf(parent)], { version: 3 });
  expect(bench.add(spend([outputOf(parent)]))).toBe("TRUC-violation"); // Version 2 below version 3.
  expect(bench.add(spend([outputOf(parent)], { version: 3, ballast: 1000 }))).toBe("TRUC-violation"); // Too large for a child.
  expect(bench.add(child)).toBe("added");
  expect(bench.add(spend([outputOf(child)], { version: 3 }))).toBe("TRUC-violation"); // A third generation.
  expect(bench.add(spend([outputOf(parent, 1)], { version: 3 }))).toBe("insufficient fee (including sibling eviction)");
  expect(bench.add(spend([outputOf(parent, 1)], { version: 3, fee: 5000 }))).toBe("added");
  expect(bench.has(child)).toBe(false);
  const plain = spend([bench.coin()]);
  bench.add(plain);
  expect(bench.add(spend([outputOf(plain)], { version: 3 }))).toBe("TRUC-violation");
  expect(bench.add(spend([bench.coin()], { version: 3, ballast: 10_000, fee: 5000 }))).toBe("TRUC-violation");
});

test("dust costs nothing, and whoever spends its parent sweeps it", () => {
  const bench = new TestPool({ minRelayFeeRate: 0 as FeeRate });
  const withDust = (fee: number) => {
    const { txid, vout, value } = bench.coin();
    const outputs = [value - fee - 100, 100].map((each) => ({ value: each, script: PAY_SCRIPT }));
    return buildTx({ inputs: [{ txid, vout }], outputs });
  };
  expect(bench.judge(withDust(1))).toMatchObject({ code: "dust", detail: "tx with dust output must be 0-fee" });
  const parent = withDust(0);
  expect(bench.add(parent)).toBe("added");
  const leaving = spend([outputOf(parent, 0)]);
  expect(bench.judge(leaving)).toMatchObject({
    code: "missing-ephemeral-spends",
    detail: `tx ${leaving.txid} (wtxid=${leaving.wtxid}) did not spend parent's ephemeral dust`,
  });
  expect(bench.add(spend([outputOf(parent, 0), outputOf(parent, 1)]))).toBe("added");
});

test("a full pool drops what pays least and asks for more", () => {
  const usage = new TestPool();
  usage.add(spend([usage.coin()]));
  const bench = new TestPool({ poolBytesMax: usage.pool.usage * 10 });
  const txs = Array.from({ length: 12 }, (_, i) => spend([bench.coin()], { fee: 1000 + 100 * i }));
  const outcomes = txs.map((tx) => bench.offer(tx));
  expect(outcomes.slice(0, 10).every(({ kind }) => kind === "added")).toBe(true);
  expect(outcomes[10]).toMatchObject({ kind: "added", removed: [{ reason: "size-limit", entry: { tx: txs[0] } }] });
  expect(bench.pool.size).toBe(10);
  expect(bench.pool.minFeeRate(bench.now)).toBeGreaterThan(1000);
  expect(bench.judge(spend([bench.coin()], { fee: 900 }))).toMatchObject({ code: "mempool min fee not met" });
});

test("what pays least is a chunk: a poor parent stays for its rich child", () => {
  const usage = new TestPool();
  usage.add(spend([usage.coin()]));
  const bench = new TestPool({ poolBytesMax: usage.pool.usage * 4 });
  const parent = spend([bench.coin()], { fee: 100 });
  const child = spend([outputOf(parent)], { fee: 50_000 });
  const middle = [spend([bench.coin()], { fee: 1000 }), spend([bench.coin()], { fee: 2000 })];
  for (const tx of [parent, child, ...middle]) expect(bench.add(tx)).toBe("added");
  expect(bench.add(spend([bench.coin()], { fee: 3000 }))).toBe("added");
  expect([parent, child, ...middle].map((tx) => bench.has(tx))).toEqual([true, true, false, true]);
});

test("what has waited too long leaves with its descendants", () => {
  const bench = new TestPool({ expirySeconds: 100 });
  const [parent, child] = chain(bench.coin(), 2) as [Transaction, Transaction];
  bench.add(parent);
  bench.now += 60;
  bench.add(child);
  const young = spend([bench.coin()]);
  bench.add(young);
  expect(bench.pool.expire(AT, bench.now + 40)).toEqual([]);
  const removed = bench.pool.expire(AT, bench.now + 41);
  expect(removed.map(({ entry, reason }) => [entry.tx.txid, reason])).toEqual([
    [parent.txid, "expiry"],
    [child.txid, "expiry"],
  ]);
  expect(bench.has(young)).toBe(true);
});

test("a prioritised transaction counts as paying more, before it comes or after", () => {
  const bench = new TestPool();
  const [poor, rich] = [spend([bench.coin()], { fee: 100 }), spend([bench.coin()], { fee: 5000 })];
  bench.add(poor);
  bench.add(rich);
  const order = () => bench.pool.select(LIMITS).entries.map(({ tx }) => tx.txid);
  expect(order()).toEqual([rich.txid, poor.txid]);
  bench.pool.prioritise(AT, poor.txid, 10_000);
  expect(order()).toEqual([poor.txid, rich.txid]);
  expect(bench.pool.totalFee).toBe(5100);
  const free = spend([bench.coin()], { fee: 0 });
  expect(bench.add(free)).toBe("min relay fee not met");
  bench.pool.prioritise(AT, free.txid, 1000);
  expect(bench.add(free)).toBe("added");
});

test("a template takes the best chunks that fit, parents first", () => {
  const bench = new TestPool();
  const parent = spend([bench.coin()], { fee: 100 });
  const child = spend([outputOf(parent)], { fee: 9000 });
  const large = spend([bench.coin()], { fee: 100_000, ballast: 50_000 });
  const small = spend([bench.coin()], { fee: 100 });
  for (const tx of [small, large, parent, child]) bench.add(tx);
  const chosen = (weight: number) => bench.pool.select({ ...LIMITS, weight }).entries.map(({ tx }) => tx.txid);
  const ids = (...txs: Transaction[]) => txs.map(({ txid }) => txid);
  expect(chosen(4_000_000)).toEqual(ids(parent, child, large, small));
  expect(chosen(2000)).toEqual(ids(parent, child, small));
  expect(chosen(child.weight + parent.weight)).toEqual(ids(small)); // Strictly below the limit.
  const { fees, weight } = bench.pool.select(LIMITS);
  expect([fees, weight]).toEqual([109_200, parent.weight + child.weight + large.weight + small.weight]);
  expect(bench.pool.select({ ...LIMITS, sigopCost: 0 }).entries).toEqual([]);
  expect(bench.pool.select({ ...LIMITS, minFeeRate: 1_000_000 as FeeRate }).entries).toEqual([]);
  expect(bench.pool.select({ ...LIMITS, isFinal: ({ tx }) => tx !== parent }).entries.map(({ tx }) => tx)).toEqual([
    large,
    small,
  ]);
});

test("a candidate is judged again when the pool or the tip has moved on", () => {
  const bench = new TestPool();
  const coin = bench.coin();
  const first = spend([coin], { fee: 1000 });
  const second = spend([coin], { fee: 1001 });
  const [a, b] = [bench.judge(first), bench.judge(second)];
  if ("kind" in a || "kind" in b) throw new Error("both are good alone");
  expect(bench.pool.add(AT, a).kind).toBe("added");
  expect(bench.pool.add(AT, b)).toMatchObject({ kind: "rejected", why: { code: "insufficient fee" } });
  expect(bench.pool.add(AT, a)).toMatchObject({ kind: "rejected", why: { code: "txn-already-in-mempool" } });
  const child = bench.judge(spend([outputOf(first)]));
  if ("kind" in child) throw new Error(child.code);
  bench.pool.removeWithDescendants(AT, bench.pool.find(first.txid)!, "expiry");
  expect(bench.pool.add(AT, child).kind).toBe("stale"); // Its parent has gone.
  bench.pool.moveTip(AT, { ...bench.tip, hash: "ff" as BlockHash });
  expect(bench.pool.add(AT, b).kind).toBe("stale");
});
