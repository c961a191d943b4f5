import { expect, test } from "vitest";
import { addPackage, evaluatePackage } from "../../src/core/mempool/package.ts";
import { type PackageOutcome, submitPackage } from "../../src/core/mempool/package-submission.ts";
import type { Policy } from "../../src/core/mempool/policy.ts";
import { type VerifiedCandidate, withScripts } from "../../src/core/mempool/script-verdict.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { UnixSeconds } from "../../src/core/primitives/units.ts";
import { AT } from "./pool-replay.ts";
import { type Output, outputOf, type SpendParts, spend, TestPool } from "./test-pool.ts";

/*
 * What Bitcoin Core 31.1 says of packages that conflict with its pool, case for case as its own functional test has them; the words
 * are those of its PackageRBFChecks.
 */

const FEE = 1_000;
const CHILD_FEE = 20_000;

/** A pool that packages are submitted to. */
class PackagePool extends TestPool {
  submit(...txs: readonly Transaction[]): Promise<PackageOutcome> {
    const { pool } = this;
    return submitPackage(txs, {
      find: (tx) => pool.find(tx.txid),
      acceptAlone: async (tx) => {
        const outcome = this.offer(tx);
        if (outcome.kind === "stale") throw new Error("stale");
        return outcome.kind === "added" ? { entry: outcome.entry, removed: outcome.removed } : outcome.why;
      },
      acceptTogether: async (members) => {
        const options = { nowSeconds: this.now as UnixSeconds, sharesFees: true };
        const judged = evaluatePackage(AT, pool, members, this.view, options);
        if (judged.kind !== "good") return judged;
        const verified = judged.candidates.map((candidate) => withScripts(candidate, undefined) as VerifiedCandidate);
        return addPackage(AT, pool, verified, this.view, options);
      },
    });
  }

  holds(...txs: readonly Transaction[]): boolean {
    return this.pool.size === txs.length && txs.every((tx) => this.has(tx));
  }
}

let version = 0;
/** A parent and the child that spends it; never twice the same. */
function pair(coin: Output, parentFee: number, childFee: number, child: SpendParts = {}): [Transaction, Transaction] {
  const parent = spend([coin], { fee: parentFee, sequence: ++version });
  return [parent, spend([outputOf(parent)], { fee: childFee, ...child })];
}

async function poolWith(coin: Output, bench: PackagePool, ...fees: [number, number, SpendParts?]) {
  const txs = pair(coin, ...fees);
  expect(await bench.submit(...txs)).toMatchObject({ message: "success", replaced: [] });
  expect(bench.holds(...txs)).toBe(true);
  return txs;
}

const bench = (policy: Partial<Policy> = {}) => new PackagePool(policy);

test("a child pays for its parent to take the place of another family, which is told of", async () => {
  const pool = bench();
  const coin = pool.coin();
  const old = await poolWith(coin, pool, FEE, FEE);
  const young = pair(coin, FEE, CHILD_FEE);
  const version = pool.pool.version;
  const options = { nowSeconds: pool.now as UnixSeconds, sharesFees: false };
  expect(evaluatePackage(AT, pool.pool, young, pool.view, options)).toMatchObject({
    kind: "bad",
    tx: young[0],
    why: { code: "bip125-replacement-disallowed" },
  });
  expect(evaluatePackage(AT, pool.pool, young, pool.view, { ...options, sharesFees: true })).toMatchObject({ kind: "good" });
  expect(pool.holds(...old)).toBe(true); // Asking changes nothing.
  expect(pool.pool.version).toBe(version);
  const outcome = await pool.submit(...young);
  expect(outcome.message).toBe("success");
  expect(outcome.replaced.toSorted()).toEqual(old.map(({ txid }) => txid).sort());
  expect(outcome.members.map(({ outcome }) => outcome.kind)).toEqual(["accepted", "accepted"]);
  expect(pool.holds(...young)).toBe(true);
  expect(pool.pool.totalFee).toBe(FEE + CHILD_FEE);
});

test("what is replaced goes with all its descendants, and is listed in the order of raw ids", async () => {
  const pool = bench();
  const [coin, other] = [pool.coin(), pool.coin()];
  const first = spend([coin], { fee: FEE, outputs: 4 });
  const children = [0, 1, 2, 3].map((vout) => spend([outputOf(first, vout)], { fee: FEE }));
  const aside = spend([other], { fee: FEE });
  for (const tx of [first, ...children, aside]) expect(pool.add(tx)).toBe("added");
  const young = pair(coin, FEE, CHILD_FEE);
  const raw = (tx: Transaction) => Buffer.from(tx.txidBytes).toString("hex");
  const expected = [first, ...children].toSorted((a, b) => (raw(a) < raw(b) ? -1 : 1)).map(({ txid }) => txid);
  expect((await pool.submit(...young)).replaced).toEqual(expected);
  expect(pool.holds(aside, ...young)).toBe(true);
});

test("it must pay more than what goes, and for its own way on top", async () => {
  const pool = bench();
  const coin = pool.coin();
  const old = await poolWith(coin, pool, FEE, CHILD_FEE, { ballast: 500 });
  const cheaper = pair(coin, FEE, CHILD_FEE - 1);
  const lead = (tx: Transaction) => `package RBF failed: insufficient anti-DoS fees, rejecting replacement ${tx.txid}, `;
  expect((await pool.submit(...cheaper)).message).toBe(`${lead(cheaper[1])}less fees than conflicting txs; 0.00020999 < 0.00021`);
  const relay = Math.ceil((cheaper[0].vsize + cheaper[1].vsize) / 10);
  const short = pair(coin, FEE, CHILD_FEE + relay - 1);
  const money = (fee: number) => (fee / 1e8).toFixed(8).replace(/0+$/, "");
  expect((await pool.submit(...short)).message).toBe(
    `${lead(short[1])}not enough additional fees to relay; ${money(relay - 1)} < ${money(relay)}`,
  );
  expect(pool.holds(...old)).toBe(true);
  const enough = pair(coin, FEE, CHILD_FEE + relay);
  expect((await pool.submit(...enough)).message).toBe("success");
  expect(pool.holds(...enough)).toBe(true);
});

test("the child must raise the parent's rate, not only pay for the relay", async () => {
  const pool = bench();
  const coin = pool.coin();
  const old = await poolWith(coin, pool, FEE, CHILD_FEE);
  const [parent] = pair(coin, CHILD_FEE, 0);
  const level = [parent, spend([outputOf(parent)], { fee: CHILD_FEE })] as const;
  expect(level[0].vsize).toBe(level[1].vsize);
  const rate = `0.00${String(Math.floor((CHILD_FEE * 1000) / parent.vsize)).padStart(6, "0")} BTC/kvB`;
  const { message, members } = await pool.submit(...level);
  expect(message).toBe(
    `package RBF failed: package feerate is less than or equal to parent feerate, package feerate ${rate} <= parent feerate is ${rate}`,
  );
  // No member is to blame: each has the verdict that it had alone.
  expect(members.map(({ outcome }) => (outcome.kind === "failed" ? outcome.why.code : outcome.kind))).toEqual([
    "insufficient fee",
    "bad-txns-inputs-missingorspent",
  ]);
  expect(pool.holds(...old)).toBe(true);
  expect((await pool.submit(...pair(coin, CHILD_FEE, CHILD_FEE + 1))).message).toBe("success");
});

test("a pool that is better for miners at every size is asked for", async () => {
  const pool = bench();
  const coin = pool.coin();
  const old = await poolWith(coin, pool, CHILD_FEE, FEE);
  // More in all, but the first of the old ones alone pays a better rate than both of these.
  const young = pair(coin, CHILD_FEE - 1, CHILD_FEE);
  expect((await pool.submit(...young)).message).toBe(
    "package RBF failed: insufficient feerate: does not improve feerate diagram",
  );
  expect(pool.holds(...old)).toBe(true);
});

test("only one parent and one child, and nothing of theirs in the pool", async () => {
  const pool = bench();
  const [coin, other, free] = [pool.coin(), pool.coin(), pool.coin()];
  const olds = [...(await poolWith(coin, pool, FEE, CHILD_FEE))];
  const parent = spend([coin], { fee: FEE, sequence: 1 });
  const second = spend([free], { fee: FEE });
  const child = spend([outputOf(parent), outputOf(second)], { fee: 3 * CHILD_FEE });
  expect((await pool.submit(parent, second, child)).message).toBe(
    "package RBF failed: new transaction cannot have mempool ancestors", // The second came in alone.
  );
  expect(pool.holds(...olds, second)).toBe(true);
  const others = pair(other, FEE, CHILD_FEE);
  await pool.submit(...others);
  const rival = spend([other], { fee: FEE, sequence: 1 });
  const heir = spend([outputOf(parent), outputOf(rival)], { fee: 9 * CHILD_FEE });
  expect((await pool.submit(parent, rival, heir)).message).toBe("package RBF failed: package must be 1-parent-1-child");
  expect(pool.holds(...olds, second, ...others)).toBe(true);
});

test("a child that spends from what would go is refused", async () => {
  const pool = bench();
  const coin = pool.coin();
  const parent = spend([coin], { fee: FEE, outputs: 2 });
  expect(pool.add(parent)).toBe("added");
  const rival = spend([coin], { fee: FEE, sequence: 1 });
  const child = spend([outputOf(rival), outputOf(parent, 1)], { fee: CHILD_FEE });
  expect((await pool.submit(rival, child)).message).toBe("package RBF failed: new transaction cannot have mempool ancestors");
  expect(pool.holds(parent)).toBe(true);
});

test("a package may touch only so many clusters", async () => {
  const pool = bench({ replacedClustersMax: 2 });
  const coins = [pool.coin(), pool.coin(), pool.coin()];
  const olds = coins.map((coin) => spend([coin], { fee: FEE }));
  for (const tx of olds) pool.add(tx);
  const parent = spend(coins.slice(0, 2), { fee: FEE, outputs: 1 });
  const child = spend([outputOf(parent), coins[2]!], { fee: 9 * CHILD_FEE });
  expect((await pool.submit(parent, child)).message).toBe(
    `package RBF failed: too many potential replacements, rejecting replacement ${child.txid}; too many conflicting clusters (3 > 2)`,
  );
  expect(pool.holds(...olds)).toBe(true);
  const fewer = spend([outputOf(parent)], { fee: 9 * CHILD_FEE });
  expect(await pool.submit(parent, fewer)).toMatchObject({ message: "success" });
  expect(pool.holds(olds[2]!, parent, fewer)).toBe(true);
});

test("a single member that replaces by itself is listed too", async () => {
  const pool = bench();
  const coin = pool.coin();
  const old = spend([coin], { fee: FEE });
  pool.add(old);
  const young = pair(coin, CHILD_FEE, FEE);
  expect(await pool.submit(...young)).toMatchObject({ message: "success", replaced: [old.txid] });
});

test("a parent without a fee may replace through its child", async () => {
  const pool = bench();
  const coin = pool.coin();
  const old = await poolWith(coin, pool, 0, CHILD_FEE);
  const young = pair(coin, 0, 2 * CHILD_FEE);
  expect((await pool.submit(...young)).replaced).toHaveLength(old.length);
  expect(pool.holds(...young)).toBe(true);
});
