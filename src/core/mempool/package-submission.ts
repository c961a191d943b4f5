import type { Transaction } from "../primitives/transaction.ts";
import type { Txid, Wtxid } from "../primitives/units.ts";
import type { PoolEntry } from "./cluster.ts";
import type { Removal } from "./mempool.ts";
import type { PackageAdded } from "./package.ts";
import type { PackageRefusal } from "./package-judgement.ts";
import { type Rejection, rejected } from "./rejection.ts";

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
  /** Pooled ones that went for the members, sorted by their raw ids. */
  readonly replaced: readonly Txid[];
  /** In the order of the package. */
  readonly members: readonly { readonly tx: Transaction; readonly outcome: MemberOutcome }[];
}

/** How a node takes transactions in, one alone and several together; each runs scripts and takes MEMPOOL itself. */
export interface PackageSteps {
  find(tx: Transaction): PoolEntry | undefined;
  acceptAlone(tx: Transaction): Promise<{ readonly entry: PoolEntry; readonly removed: readonly Removal[] } | Rejection>;
  acceptTogether(txs: readonly Transaction[]): Promise<Pick<PackageAdded, "entries" | "removed"> | PackageRefusal>;
}

/** submitpackage: each by itself first; those that only lack fee or a parent then together. */
export function submitPackage(txs: readonly Transaction[], steps: PackageSteps): Promise<PackageOutcome> {
  return new Submission(txs, steps).run();
}

class Submission {
  readonly #txs: readonly Transaction[];
  readonly #steps: PackageSteps;
  readonly #outcomes = new Map<Transaction, MemberOutcome>();
  readonly #replaced: PoolEntry[] = [];

  constructor(txs: readonly Transaction[], steps: PackageSteps) {
    this.#txs = txs;
    this.#steps = steps;
  }

  async run(): Promise<PackageOutcome> {
    const left: Transaction[] = [];
    for (const tx of this.#txs) {
      const outcome = await this.#alone(tx);
      if (outcome.kind !== "failed") continue;
      const isHopeful = outcome.why.kind === "reconsiderable" || outcome.why.kind === "missing-inputs";
      if (this.#txs.length === 1 || !isHopeful) return this.#finish("transaction failed");
      left.push(tx);
    }
    if (left.length === 0) return this.#finish("success");
    if (left.length > 1) return this.#finish(await this.#together(left));
    const outcome = await this.#alone(left[0]!);
    return this.#finish(outcome.kind === "failed" ? "transaction failed" : "success");
  }

  async #alone(tx: Transaction): Promise<MemberOutcome> {
    const outcome = await this.#outcomeAlone(tx);
    this.#outcomes.set(tx, outcome);
    return outcome;
  }

  async #outcomeAlone(tx: Transaction): Promise<MemberOutcome> {
    const known = this.#steps.find(tx);
    if (known)
      return known.tx.wtxid === tx.wtxid ? { kind: "known", entry: known } : { kind: "other-witness", wtxid: known.tx.wtxid };
    const result = await this.#steps.acceptAlone(tx);
    if ("kind" in result) return { kind: "failed", why: result };
    this.#noteReplaced(result.removed);
    return { kind: "accepted", entry: result.entry, together: [result.entry] };
  }

  /** @returns the verdict on the package */
  async #together(txs: readonly Transaction[]): Promise<string> {
    const result = await this.#steps.acceptTogether(txs);
    if ("message" in result) {
      if (result.kind === "bad") this.#outcomes.set(result.tx, { kind: "failed", why: result.why });
      return result.message;
    }
    this.#noteReplaced(result.removed);
    for (const tx of txs) {
      const entry = result.entries.find((entry) => entry.tx.txid === tx.txid);
      const full: MemberOutcome = { kind: "failed", why: rejected("reconsiderable", "mempool full") };
      this.#outcomes.set(tx, entry === undefined ? full : { kind: "accepted", entry, together: result.entries });
    }
    return result.entries.length === txs.length ? "success" : "transaction failed";
  }

  #noteReplaced(removed: readonly Removal[]): void {
    for (const { entry, reason } of removed) if (reason === "replaced") this.#replaced.push(entry);
  }

  #finish(message: string): PackageOutcome {
    const members = this.#txs.flatMap((tx) => {
      const outcome = this.#outcomes.get(tx);
      return outcome === undefined ? [] : [{ tx, outcome }];
    });
    const replaced = this.#replaced.toSorted((a, b) => (a.rawTxid < b.rawTxid ? -1 : 1)).map(({ tx }) => tx.txid);
    return { message, members, replaced };
  }
}
