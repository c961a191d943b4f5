import type { Holds } from "../locks/context.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { Sats, UnixSeconds, VBytes, Wtxid } from "../primitives/units.ts";
import type { PoolEntry } from "./cluster.ts";
import { virtualSize } from "./entry.ts";
import { type Candidate, type ChainView, checkDustIsSwept, checkFeeFloor } from "./evaluate.ts";
import type { Mempool, Removal } from "./mempool.ts";
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

export interface PackageOptions {
  readonly nowSeconds: UnixSeconds;
  /** True: one fee rate for all, as when a package is submitted; false: each by itself, as when it is tested. */
  readonly sharesFees: boolean;
}

export type PackageJudgement =
  | { readonly kind: "good"; readonly candidates: readonly Candidate[] }
  /** `tx` is the one to blame; `message` is the verdict on the package. */
  | { readonly kind: "bad"; readonly message: string; readonly tx: Transaction; readonly why: Rejection };

/** Judges a package by every rule but scripts. The pool is afterwards as it was. */
export function evaluatePackage(
  at: Holds<"MEMPOOL", "write">,
  pool: Mempool,
  txs: readonly Transaction[],
  view: ChainView,
  options: PackageOptions,
): PackageJudgement {
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
): Extract<PackageJudgement, { kind: "bad" }> | PackageAdded {
  const stage = new Stage(at, pool);
  const txs = verified.map(({ tx }) => tx);
  const judged = stage.fill(txs, view, options);
  if (judged.kind === "bad") {
    stage.clear();
    return judged;
  }
  const removed = pool.trim(at);
  const entries = txs.flatMap((tx) => pool.find(tx.txid) ?? []);
  return { kind: "added", entries, removed };
}

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

/** What a package pays as a whole. */
export function packageFee(members: readonly Pick<Candidate, "modifiedFee" | "adjustedWeight">[]): { fee: Sats; vsize: VBytes } {
  let fee = 0;
  let vsize = 0;
  for (const member of members) {
    fee += member.modifiedFee;
    vsize += virtualSize(member.adjustedWeight);
  }
  return { fee: fee as Sats, vsize: vsize as VBytes };
}

/** What became of one member. */
export type MemberOutcome =
  | {
      readonly kind: "accepted";
      readonly entry: PoolEntry;
      /** Whose fees and sizes made up the rate by which it was judged. */
      readonly together: readonly PoolEntry[];
    }
  | { readonly kind: "known"; readonly entry: PoolEntry }
  | { readonly kind: "other-witness"; readonly wtxid: Wtxid }
  | { readonly kind: "failed"; readonly why: Rejection };

export interface PackageOutcome {
  /** "success", or Core's package_msg. */
  readonly message: string;
  /** In the order of the package. */
  readonly members: readonly { readonly tx: Transaction; readonly outcome: MemberOutcome }[];
}

/** How a node takes transactions in, one alone and several together; each runs scripts and takes MEMPOOL itself. */
export interface PackageSteps {
  find(tx: Transaction): PoolEntry | undefined;
  acceptAlone(tx: Transaction): Promise<PoolEntry | Rejection>;
  acceptTogether(
    txs: readonly Transaction[],
  ): Promise<{ readonly entries: readonly PoolEntry[] } | Extract<PackageJudgement, { kind: "bad" }>>;
}

/** submitpackage: each by itself first; those that only lack fee or a parent then together. */
export async function submitPackage(txs: readonly Transaction[], steps: PackageSteps): Promise<PackageOutcome> {
  const outcomes = new Map<Transaction, MemberOutcome>();
  const left: Transaction[] = [];
  for (const tx of txs) {
    const outcome = await submitAlone(tx, steps);
    outcomes.set(tx, outcome);
    if (outcome.kind !== "failed") continue;
    const isHopeful = outcome.why.kind === "reconsiderable" || outcome.why.kind === "missing-inputs";
    if (txs.length === 1 || !isHopeful) return finish(txs, outcomes, "transaction failed");
    left.push(tx);
  }
  if (left.length === 0) return finish(txs, outcomes, "success");
  if (left.length === 1) {
    const outcome = await submitAlone(left[0]!, steps);
    outcomes.set(left[0]!, outcome);
    return finish(txs, outcomes, outcome.kind === "failed" ? "transaction failed" : "success");
  }
  const together = await steps.acceptTogether(left);
  if ("why" in together) {
    outcomes.set(together.tx, { kind: "failed", why: together.why });
    return finish(txs, outcomes, together.message);
  }
  for (const tx of left) {
    const entry = together.entries.find((entry) => entry.tx.txid === tx.txid);
    const full: MemberOutcome = { kind: "failed", why: rejected("reconsiderable", "mempool full") };
    outcomes.set(tx, entry === undefined ? full : { kind: "accepted", entry, together: together.entries });
  }
  return finish(txs, outcomes, together.entries.length === left.length ? "success" : "transaction failed");
}

async function submitAlone(tx: Transaction, steps: PackageSteps): Promise<MemberOutcome> {
  const known = steps.find(tx);
  if (known)
    return known.tx.wtxid === tx.wtxid ? { kind: "known", entry: known } : { kind: "other-witness", wtxid: known.tx.wtxid };
  const result = await steps.acceptAlone(tx);
  return "kind" in result ? { kind: "failed", why: result } : { kind: "accepted", entry: result, together: [result] };
}

function finish(txs: readonly Transaction[], outcomes: ReadonlyMap<Transaction, MemberOutcome>, message: string): PackageOutcome {
  const members = txs.flatMap((tx) => {
    const outcome = outcomes.get(tx);
    return outcome === undefined ? [] : [{ tx, outcome }];
  });
  return { message, members };
}
