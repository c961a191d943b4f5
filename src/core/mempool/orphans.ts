import type { Block } from "../primitives/block.ts";
import type { OutpointKey } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { RawTxid, Wtxid } from "../primitives/units.ts";

export interface OrphanLimits {
  readonly countMax: number;
  /** Weight of all together; a single one may take a tenth. */
  readonly weightMax: number;
  readonly ageSecondsMax: number;
}

/** A hundred standard transactions of the largest kind would be 40 MB; a tenth of that is room enough for the usual ones. */
export const DEFAULT_ORPHAN_LIMITS: OrphanLimits = { countMax: 100, weightMax: 4_000_000, ageSecondsMax: 20 * 60 };

interface Orphan {
  readonly tx: Transaction;
  readonly missing: readonly OutpointKey[];
  readonly since: number;
}

/** Transactions whose parents have not come yet. The oldest give way. Guarded by MEMPOOL. */
export class OrphanPool {
  readonly #limits: OrphanLimits;
  readonly #orphans = new Map<Wtxid, Orphan>();
  /** Who waits for outputs of a transaction. */
  readonly #waiting = new Map<RawTxid, Set<Wtxid>>();
  #weight = 0;

  constructor(limits: OrphanLimits = DEFAULT_ORPHAN_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#orphans.size;
  }

  get weight(): number {
    return this.#weight;
  }

  has(wtxid: Wtxid): boolean {
    return this.#orphans.has(wtxid);
  }

  /** False for one that is known or too large. `missing` is what its rejection named. */
  add(tx: Transaction, missing: readonly OutpointKey[], nowSeconds: number): boolean {
    if (this.#orphans.has(tx.wtxid) || tx.weight > this.#limits.weightMax / 10) return false;
    this.#expire(nowSeconds);
    this.#orphans.set(tx.wtxid, { tx: tx.copy(), missing, since: nowSeconds });
    this.#weight += tx.weight;
    for (const key of missing) {
      const parent = parentOf(key);
      const waiting = this.#waiting.get(parent) ?? new Set();
      this.#waiting.set(parent, waiting.add(tx.wtxid));
    }
    for (const oldest of this.#orphans.keys()) {
      if (this.#orphans.size <= this.#limits.countMax && this.#weight <= this.#limits.weightMax) break;
      this.remove(oldest);
    }
    return this.#orphans.has(tx.wtxid);
  }

  /** Takes out those that waited for `parent`: to be judged again. */
  takeChildren(parent: Transaction): readonly Transaction[] {
    const waiting = [...(this.#waiting.get(parent.rawTxid) ?? [])];
    return waiting.flatMap((wtxid) => this.remove(wtxid) ?? []);
  }

  /** Drops those that a block holds or makes impossible. */
  forget(block: Block): void {
    const spent = new Set<OutpointKey>();
    for (const tx of block.transactions) for (let i = 0; i < tx.inputCount; i++) spent.add(tx.prevoutKey(i));
    for (const { tx } of [...this.#orphans.values()]) {
      for (let i = 0; i < tx.inputCount; i++) if (spent.has(tx.prevoutKey(i))) this.remove(tx.wtxid);
    }
  }

  remove(wtxid: Wtxid): Transaction | undefined {
    const orphan = this.#orphans.get(wtxid);
    if (orphan === undefined) return undefined;
    this.#orphans.delete(wtxid);
    this.#weight -= orphan.tx.weight;
    for (const key of orphan.missing) {
      const waiting = this.#waiting.get(parentOf(key));
      waiting?.delete(wtxid);
      if (waiting?.size === 0) this.#waiting.delete(parentOf(key));
    }
    return orphan.tx;
  }

  #expire(nowSeconds: number): void {
    for (const [wtxid, { since }] of this.#orphans) {
      if (nowSeconds - since < this.#limits.ageSecondsMax) break; // They stand in order of arrival.
      this.remove(wtxid);
    }
  }
}

function parentOf(key: OutpointKey): RawTxid {
  return key.slice(0, 32) as RawTxid;
}
