import type { Transaction } from "../primitives/transaction.ts";
import { Cluster, PoolEntry, withDescendants } from "./cluster.ts";
import { virtualSize } from "./entry.ts";
import { type Candidate, type ChainView, checkDustIsSwept, checkFeeFloor, evaluate, type PoolReads } from "./evaluate.ts";
import { compareFeeRates } from "./fee-fraction.ts";
import { type PackageJudgement, type PackageOptions, packageFee } from "./package-judgement.ts";
import { clustersTooMany, makesBetterPool, underpayment } from "./replacement.ts";

/*
 * A package that conflicts with the pool, as Core 31.1 takes it: one parent that pays too little to replace anything, and the child
 * that pays for both (PackageRBFChecks). Judged without touching the pool: members find one another in an overlay over it.
 */

/** Pooled ones that spend what a member spends. */
export function conflictsOfPackage(pool: Pick<PoolReads, "spenderEntry">, txs: readonly Transaction[]): ReadonlySet<PoolEntry> {
  const spenders = txs.flatMap((tx) =>
    Array.from({ length: tx.inputCount }, (_, i) => pool.spenderEntry(tx.prevoutKey(i)) ?? []),
  );
  return new Set(spenders.flat());
}

/** Judges by every rule but scripts, in Core's order. @param conflicts not empty */
export function evaluatePackageReplacement(
  pool: PoolReads,
  txs: readonly Transaction[],
  conflicts: ReadonlySet<PoolEntry>,
  view: ChainView,
  options: PackageOptions,
): PackageJudgement {
  const evicted = withDescendants(conflicts);
  const overlay = new Overlay(pool, evicted);
  const candidates: Candidate[] = [];
  for (const tx of txs) {
    const judged = evaluate(tx, overlay, view, { nowSeconds: options.nowSeconds, inPackage: true, sharesFees: true });
    if ("kind" in judged) return { kind: "bad", message: "transaction failed", tx, why: judged };
    overlay.add(judged);
    candidates.push(judged);
  }
  const { fee, vsize } = packageFee(candidates);
  const tooCheap = checkFeeFloor(vsize, fee, pool, options);
  if (tooCheap) return { kind: "bad", message: "transaction failed", tx: txs.at(-1)!, why: tooCheap };
  const refused = refusal(candidates, overlay, conflicts, evicted, pool);
  if (refused !== undefined) return { kind: "refused", message: refused };
  for (const candidate of candidates) {
    const why = checkDustIsSwept(candidate, pool.policy);
    if (why) return { kind: "bad", message: "unspent-dust", tx: candidate.tx, why };
  }
  return { kind: "good", candidates };
}

/** Why the package as a whole may not take the place of `evicted`, in Core's words. */
function refusal(
  candidates: readonly Candidate[],
  overlay: Overlay,
  conflicts: ReadonlySet<PoolEntry>,
  evicted: ReadonlySet<PoolEntry>,
  { policy }: PoolReads,
): string | undefined {
  const [parent, child] = candidates as readonly [Candidate, Candidate];
  if (candidates.length !== 2) return failed("package must be 1-parent-1-child");
  const members = overlay.members;
  if (candidates.some(({ parents }) => parents.some((entry) => !members.has(entry)))) {
    return failed("new transaction cannot have mempool ancestors");
  }
  const crowd = clustersTooMany(child.tx.txid, conflicts, policy);
  if (crowd !== undefined) return failed(`too many potential replacements, ${crowd}`);
  const { fee, vsize } = packageFee(candidates);
  const unpaid = underpayment({ fee, vsize }, evicted, policy);
  if (unpaid !== undefined) return failed(`insufficient anti-DoS fees, rejecting replacement ${child.tx.txid}, ${unpaid}`);
  const alone = { fee: parent.modifiedFee, size: virtualSize(parent.adjustedWeight) };
  if (compareFeeRates({ fee, size: vsize }, alone) <= 0) {
    const rates = `package feerate ${rateText({ fee, size: vsize })} <= parent feerate is ${rateText(alone)}`;
    return failed(`package feerate is less than or equal to parent feerate, ${rates}`);
  }
  const incoming = { ...child, parents: [...members].filter((entry) => entry.rawTxid === parent.rawTxid) };
  return makesBetterPool(incoming, evicted, members)
    ? undefined
    : failed("insufficient feerate: does not improve feerate diagram");
}

function failed(why: string): string {
  return `package RBF failed: ${why}`;
}

/** `0.00001000 BTC/kvB` */
function rateText({ fee, size }: { fee: number; size: number }): string {
  const perKilobyte = Math.floor((fee * 1000) / size);
  return `${Math.floor(perKilobyte / 1e8)}.${String(perKilobyte % 1e8).padStart(8, "0")} BTC/kvB`;
}

/** The pool as it would be with the members so far in it: those that they replace spend nothing any more, though they can still be spent from. */
class Overlay implements PoolReads {
  readonly #pool: PoolReads;
  readonly #evicted: ReadonlySet<PoolEntry>;
  readonly #members = new Map<PoolEntry["rawTxid"], PoolEntry>();

  constructor(pool: PoolReads, evicted: ReadonlySet<PoolEntry>) {
    this.#pool = pool;
    this.#evicted = evicted;
  }

  get policy() {
    return this.#pool.policy;
  }

  get params() {
    return this.#pool.params;
  }

  /** Entries that no pool holds, each a cluster of its own. */
  get members(): ReadonlySet<PoolEntry> {
    return new Set(this.#members.values());
  }

  add(candidate: Candidate): void {
    const entry = new PoolEntry(candidate, 0, candidate.modifiedFee - candidate.fee);
    entry.cluster = new Cluster([entry]);
    this.#members.set(entry.rawTxid, entry);
  }

  findRaw(rawTxid: PoolEntry["rawTxid"]): PoolEntry | undefined {
    return this.#members.get(rawTxid) ?? this.#pool.findRaw(rawTxid);
  }

  spenderEntry(key: Parameters<PoolReads["spenderEntry"]>[0]): PoolEntry | undefined {
    const spender = this.#pool.spenderEntry(key);
    return spender === undefined || this.#evicted.has(spender) ? undefined : spender;
  }

  feeDelta(rawTxid: PoolEntry["rawTxid"]): number {
    return this.#pool.feeDelta(rawTxid);
  }

  minFeeRate(nowSeconds: number) {
    return this.#pool.minFeeRate(nowSeconds);
  }
}
