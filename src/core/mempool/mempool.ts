import type { HeaderAncestry } from "../consensus/header-ancestry.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { fromDisplayHash } from "../encoding/hex.ts";
import type { Holds } from "../locks/context.ts";
import type { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { type OutpointKey, outpointKeyBytes } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, FeeRate, RawTxid, Sats, Txid } from "../primitives/units.ts";
import { type PoolEntry, withDescendants } from "./cluster.ts";
import { rawTxidOf, UNCONFIRMED_HEIGHT, unconfirmedCoin } from "./entry.ts";
import { type Candidate, type ChainView, type EvaluateOptions, evaluate, evaluateInPool, type PoolReads } from "./evaluate.ts";
import { FeeFloor } from "./fee-floor.ts";
import type { Policy } from "./policy.ts";
import { PoolIndex } from "./pool-index.ts";
import { type Rejection, rejected } from "./rejection.ts";
import type { VerifiedCandidate } from "./script-verdict.ts";
import { type Selection, type SelectLimits, selectForBlock } from "./select.ts";

/** Why an entry left. */
export type RemovalReason = "block" | "conflict" | "replaced" | "size-limit" | "expiry" | "reorganisation";

export interface Removal {
  readonly entry: PoolEntry;
  readonly reason: RemovalReason;
}

export type AddOutcome =
  | { readonly kind: "added"; readonly entry: PoolEntry; readonly removed: readonly Removal[] }
  | { readonly kind: "rejected"; readonly why: Rejection; readonly removed: readonly Removal[] }
  /** The tip has moved since the transaction was judged: evaluate it again. */
  | { readonly kind: "stale" };

/**
 * Transactions that are valid on the tip and wait for a block.
 *
 * One enters in three steps: `evaluate` against a snapshot of the coins, no lock held; its scripts, on other threads;
 * `add`, under MEMPOOL, which says again what another transaction may have changed meanwhile. What waits never conflicts
 * with itself, spends nothing that is spent in the chain, and forms clusters (connected groups) of bounded size. Each cluster
 * keeps the order in which a miner is best off taking it; templates, eviction and replacement all go by that one order.
 *
 * Reads are plain and synchronous, on the thread that also writes: between two awaits they agree with each other.
 */
export class Mempool implements PoolReads {
  readonly policy: Policy;
  readonly params: NetworkParams;
  /** Guarded by MEMPOOL, as all below. */
  readonly #index = new PoolIndex();
  readonly #floor: FeeFloor;
  readonly #feeDeltas = new Map<RawTxid, number>();
  #tip: HeaderAncestry;

  constructor(options: { readonly policy: Policy; readonly params: NetworkParams; readonly tip: HeaderAncestry }) {
    this.policy = options.policy;
    this.params = options.params;
    this.#tip = options.tip;
    this.#floor = new FeeFloor(options.policy.incrementalFeeRate);
  }

  /** The block that the pool agrees with. */
  get tipHash(): BlockHash {
    return this.#tip.hash;
  }

  get size(): number {
    return this.#index.size;
  }

  /** Virtual bytes. */
  get vbytes(): number {
    return this.#index.vbytes;
  }

  /** Memory in bytes, as bounded by policy.poolBytesMax. */
  get usage(): number {
    return this.#index.usage;
  }

  get totalFee(): Sats {
    return this.#index.totalFee;
  }

  /** Changes with every change of the pool: what a template was made of. */
  get version(): number {
    return this.#index.version;
  }

  entries(): IterableIterator<PoolEntry> {
    return this.#index.entries();
  }

  find(txid: Txid): PoolEntry | undefined {
    return this.#index.find(rawTxidOf(fromDisplayHash(txid)));
  }

  findRaw(rawTxid: RawTxid): PoolEntry | undefined {
    return this.#index.find(rawTxid);
  }

  /** The id of the pooled transaction that spends an output. */
  spenderOf(key: OutpointKey): Txid | undefined {
    return this.#index.spender(key)?.tx.txid;
  }

  spenderEntry(key: OutpointKey): PoolEntry | undefined {
    return this.#index.spender(key);
  }

  /** An output of a pooled transaction as a coin, spent by another pooled one or not; its height is UNCONFIRMED_HEIGHT. */
  findOutput(key: OutpointKey): Coin | undefined {
    const entry = this.#index.find(key.slice(0, 32) as RawTxid);
    const vout = Buffer.from(outpointKeyBytes(key)).readUInt32LE(32);
    return entry && vout < entry.tx.outputCount ? unconfirmedCoin(entry.tx, vout) : undefined;
  }

  feeDelta(rawTxid: RawTxid): number {
    return this.#feeDeltas.get(rawTxid) ?? 0;
  }

  /** What prioritisetransaction has set, also for transactions that are not here. */
  feeDeltas(): IterableIterator<[RawTxid, number]> {
    return this.#feeDeltas.entries();
  }

  /** What a full pool asks for above the relay floor; 0 while there is room. */
  minFeeRate(nowSeconds: number): FeeRate {
    return this.#floor.current(nowSeconds, this.usage / this.policy.poolBytesMax);
  }

  /** Judges a transaction by every rule but its scripts. Changes nothing, needs no lock; `add` knows how to catch up. */
  evaluate(tx: Transaction, view: ChainView, options: EvaluateOptions): Candidate | Rejection {
    return evaluate(tx, this, view, options);
  }

  /**
   * Takes a candidate in, replaces what it conflicts with, and evicts what pays least when the pool is full.
   * The caller has run its scripts (withScripts); everything else is seen to here.
   */
  add(at: Holds<"MEMPOOL", "write">, candidate: VerifiedCandidate): AddOutcome {
    if (candidate.tipHash !== this.tipHash) return { kind: "stale" };
    if (this.findRaw(candidate.rawTxid))
      return { kind: "rejected", why: rejected("known", "txn-already-in-mempool"), removed: [] };
    if (!this.#hasUnconfirmedInputs(candidate)) return { kind: "stale" };
    const judged = evaluateInPool(candidate, this);
    if ("kind" in judged) return { kind: "rejected", why: judged, removed: [] };
    const removed = this.#remove(judged.evicted, "replaced");
    const entry = this.#index.add(judged, judged.parents, this.feeDelta(judged.rawTxid));
    const { bypassLimits, inPackage } = candidate.options;
    if (!bypassLimits && !inPackage) removed.push(...this.trim(at));
    if (this.findRaw(entry.rawTxid) === entry) return { kind: "added", entry, removed };
    return { kind: "rejected", why: rejected("reconsiderable", "mempool full"), removed };
  }

  /** Coins of the pool that the candidate was judged with may have left it: then it has to be judged anew. */
  #hasUnconfirmedInputs({ tx, spent }: Candidate): boolean {
    return spent.every((coin, i) => coin.height !== UNCONFIRMED_HEIGHT || this.findOutput(tx.prevoutKey(i)) !== undefined);
  }

  /** Links entries that came back from disconnected blocks to what already waited and spends from them; clusters may pass their limits. */
  adoptChildren(_at: Holds<"MEMPOOL", "write">, entries: Iterable<PoolEntry>): void {
    for (const entry of entries) this.#index.adopt(entry);
  }

  /** Drops an entry and all that descends from it. */
  removeWithDescendants(_at: Holds<"MEMPOOL", "write">, entry: PoolEntry, reason: RemovalReason): readonly Removal[] {
    return this.#remove(withDescendants([entry]), reason);
  }

  /** A block was connected on the pool's tip: its transactions leave, and whatever conflicts with them. */
  connectBlock(_at: Holds<"MEMPOOL", "write">, block: Block, tip: HeaderAncestry, nowSeconds: number): readonly Removal[] {
    const confirmed = new Set<PoolEntry>();
    const conflicting = new Set<PoolEntry>();
    const isIdle = this.size === 0 && this.#feeDeltas.size === 0; // As while a node catches up.
    for (const tx of isIdle ? [] : block.transactions) {
      const { rawTxid } = tx;
      const own = this.findRaw(rawTxid);
      if (own) confirmed.add(own);
      for (let i = 0; i < tx.inputCount; i++) {
        const spender = this.spenderEntry(tx.prevoutKey(i));
        if (spender && spender !== own) conflicting.add(spender);
      }
      this.#feeDeltas.delete(rawTxid);
    }
    this.#tip = tip;
    this.#floor.noteBlock(nowSeconds);
    return [...this.#remove(confirmed, "block"), ...this.#remove(withDescendants(conflicting), "conflict")];
  }

  /** The chain now ends elsewhere; what waits is the caller's to put right (follow-chain.ts). */
  moveTip(_at: Holds<"MEMPOOL", "write">, tip: HeaderAncestry): void {
    this.#tip = tip;
  }

  /** Drops what pays least until the pool is within its bound. */
  trim(_at: Holds<"MEMPOOL", "write">): Removal[] {
    const removed: Removal[] = [];
    while (this.usage > this.policy.poolBytesMax) {
      const worst = this.#index.eviction.worst();
      if (worst === undefined) break;
      this.#floor.raise((worst.fee * 4000) / worst.size);
      removed.push(...this.#remove(new Set(worst.entries), "size-limit"));
    }
    return removed;
  }

  /** Drops what has waited too long, with descendants. O(entries). */
  expire(_at: Holds<"MEMPOOL", "write">, nowSeconds: number): readonly Removal[] {
    const cutoff = nowSeconds - this.policy.expirySeconds;
    const old = [...this.entries()].filter((entry) => entry.time < cutoff);
    return old.length === 0 ? [] : this.#remove(withDescendants(old), "expiry");
  }

  /** Makes a transaction count as paying `delta` satoshis more, now or when it comes. */
  prioritise(_at: Holds<"MEMPOOL", "write">, txid: Txid, delta: number): void {
    const rawTxid = rawTxidOf(fromDisplayHash(txid));
    const sum = this.feeDelta(rawTxid) + delta;
    if (sum === 0) this.#feeDeltas.delete(rawTxid);
    else this.#feeDeltas.set(rawTxid, sum);
    const entry = this.findRaw(rawTxid);
    if (entry) this.#index.addToFee(entry, delta);
  }

  /** The best transactions for a block, parents first. */
  select(limits: SelectLimits): Selection {
    return selectForBlock(this.#index.clusters, limits);
  }

  #remove(entries: ReadonlySet<PoolEntry>, reason: RemovalReason): Removal[] {
    if (entries.size === 0) return [];
    this.#index.remove(entries);
    return [...entries].map((entry) => ({ entry, reason }));
  }
}
