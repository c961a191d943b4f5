import { assert } from "../errors.ts";
import type { Holds } from "../locks/context.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { PoolEntry } from "./cluster.ts";
import { type Candidate, type ChainView, checkDustIsSwept, checkFeeFloor } from "./evaluate.ts";
import type { Mempool, Removal } from "./mempool.ts";
import { type PackageJudgement, type PackageOptions, type PackageRefusal, packageFee } from "./package-judgement.ts";
import { conflictsOfPackage, evaluatePackageReplacement } from "./package-replacement.ts";
import { type Rejection, rejected } from "./rejection.ts";
import type { VerifiedCandidate } from "./script-verdict.ts";

/*
 * Several transactions judged together: a parent that pays too little for itself may come with the child that pays for it.
 * Members are put into the pool one after the other, so that each finds its parents, and taken out again when the package
 * as a whole does not stand or is only asked about. That happens within one call: nobody sees it.
 */

const COUNT_MAX = 25;
const WEIGHT_MAX = 404_000;

/** Form of a package in Core's words: parents first, nothing twice, nothing spent twice. */
export function checkPackage(txs: readonly Transaction[]): Rejection | undefined {
  if (txs.length > COUNT_MAX) return rejected("policy", "package-too-many-transactions");
  const weight = txs.reduce((sum, tx) => sum + tx.weight, 0);
  if (txs.length > 1 && weight > WEIGHT_MAX) return rejected("policy", "package-too-large");
  const later = new Set<string>(txs.map(({ txid }) => txid));
  if (later.size !== txs.length) return rejected("policy", "package-contains-duplicates");
  for (const tx of txs) {
    if (tx.inputs.some((input) => later.has(input.txid))) return rejected("policy", "package-not-sorted");
    later.delete(tx.txid);
  }
  const spent = new Set<string>();
  for (const tx of txs) {
    const keys = tx.inputs.map((_, i) => tx.prevoutKey(i));
    if (keys.some((key) => spent.has(key))) return rejected("policy", "conflict-in-package");
    for (const key of keys) spent.add(key);
  }
  return undefined;
}

/** What submitpackage takes: the last spends from all others, and none of those from another. */
export function isChildWithParents(txs: readonly Transaction[]): boolean {
  const child = txs.at(-1);
  if (child === undefined || txs.length < 2) return false;
  const parents = new Set<string>(txs.slice(0, -1).map(({ txid }) => txid));
  const spentFrom = new Set<string>(child.inputs.map(({ txid }) => txid));
  const isApart = txs.slice(0, -1).every((tx) => tx.inputs.every(({ txid }) => !parents.has(txid)));
  return isApart && parents.size === txs.length - 1 && [...parents].every((txid) => spentFrom.has(txid));
}

/** Judges a package by every rule but scripts. The pool is afterwards as it was. */
export function evaluatePackage(
  at: Holds<"MEMPOOL", "write">,
  pool: Mempool,
  txs: readonly Transaction[],
  view: ChainView,
  options: PackageOptions,
): PackageJudgement {
  const conflicts = options.sharesFees ? conflictsOfPackage(pool, txs) : NOBODY;
  if (conflicts.size > 0) return evaluatePackageReplacement(pool, txs, conflicts, view, options);
  const stage = new Stage(at, pool);
  try {
    return stage.fill(txs, view, options);
  } finally {
    stage.clear();
  }
}

export interface PackageAdded {
  readonly kind: "added";
  /** Those that stayed: a full pool may have dropped some at once. */
  readonly entries: readonly PoolEntry[];
  readonly removed: readonly Removal[];
}

/** Judges again and takes in for good. The caller has run the scripts of all. */
export function addPackage(
  at: Holds<"MEMPOOL", "write">,
  pool: Mempool,
  verified: readonly VerifiedCandidate[],
  view: ChainView,
  options: PackageOptions,
): PackageRefusal | PackageAdded {
  const txs = verified.map(({ tx }) => tx);
  const conflicts = conflictsOfPackage(pool, txs);
  const replaced: Removal[] = [];
  if (conflicts.size > 0) {
    const judged = evaluatePackageReplacement(pool, txs, conflicts, view, options);
    if (judged.kind !== "good") return judged;
    for (const entry of conflicts) replaced.push(...pool.removeWithDescendants(at, entry, "replaced"));
  }
  const stage = new Stage(at, pool);
  const judged = stage.fill(txs, view, options);
  if (judged.kind !== "good") {
    assert(replaced.length === 0, "a package that was judged fit to replace others is not taken in");
    stage.clear();
    return judged;
  }
  const removed = [...replaced, ...pool.trim(at)];
  const entries = txs.flatMap((tx) => pool.find(tx.txid) ?? []);
  return { kind: "added", entries, removed };
}

const NOBODY: ReadonlySet<PoolEntry> = new Set();

/** Members that stand in the pool on trial. */
class Stage {
  readonly #at: Holds<"MEMPOOL", "write">;
  readonly #pool: Mempool;
  readonly #entries: PoolEntry[] = [];

  constructor(at: Holds<"MEMPOOL", "write">, pool: Mempool) {
    this.#at = at;
    this.#pool = pool;
  }

  fill(txs: readonly Transaction[], view: ChainView, options: PackageOptions): PackageJudgement {
    const candidates: Candidate[] = [];
    for (const tx of txs) {
      const judged = this.#add(tx, view, options);
      if ("kind" in judged) return { kind: "bad", message: "transaction failed", tx, why: judged };
      candidates.push(judged);
    }
    return this.#checkTogether(candidates, options) ?? { kind: "good", candidates };
  }

  #add(tx: Transaction, view: ChainView, { nowSeconds, sharesFees }: PackageOptions): Candidate | Rejection {
    const judged = this.#pool.evaluate(tx, view, { nowSeconds, allowReplacement: false, inPackage: true, sharesFees });
    if ("kind" in judged) return judged;
    const outcome = this.#pool.add(this.#at, judged as VerifiedCandidate);
    if (outcome.kind === "rejected") return outcome.why;
    if (outcome.kind === "stale") return rejected("known", "txn-already-known");
    this.#entries.push(outcome.entry);
    return judged;
  }

  #checkTogether(candidates: readonly Candidate[], { sharesFees, nowSeconds }: PackageOptions): PackageJudgement | undefined {
    const { tx } = candidates.at(-1)!;
    if (sharesFees) {
      const { fee, vsize } = packageFee(candidates);
      const why = checkFeeFloor(vsize, fee, this.#pool, { nowSeconds });
      if (why) return { kind: "bad", message: "transaction failed", tx, why };
    }
    for (const candidate of candidates) {
      const why = checkDustIsSwept(candidate, this.#pool.policy);
      if (why) return { kind: "bad", message: "unspent-dust", tx: candidate.tx, why };
    }
    return undefined;
  }

  clear(): void {
    for (const entry of this.#entries.toReversed()) this.#pool.removeWithDescendants(this.#at, entry, "replaced");
  }
}
