import type { BlockEntry } from "../chain/block-entry.ts";
import type { BlockOutcome, HeaderOutcome } from "../chain/outcome.ts";
import type { Block } from "../primitives/block.ts";
import type { Header } from "../primitives/header.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, FeeRate, Txid } from "../primitives/units.ts";
import type { PeerTip } from "./link.ts";

/*
 * What peers need of the node, as interfaces: node/ adapts chain and pool to them. Reads are plain, synchronous and of the last
 * commit; what awaits takes the locks that it needs by itself, and no caller holds one.
 */

/** The chain as peers see it. */
export interface PeerChain {
  readonly tip: PeerTip;
  /** The header with the most work that is not known to be invalid. */
  readonly bestHeader: BlockEntry;
  readonly genesis: BlockEntry;
  find(hash: BlockHash): BlockEntry | undefined;
  /** On the best chain. */
  atHeight(height: number): BlockEntry | undefined;
  /** The body's bytes; undefined when it is not stored. */
  readBody(hash: BlockHash): Promise<Uint8Array | undefined>;
  /** Parents first. */
  acceptHeaders(headers: readonly Header[]): Promise<readonly HeaderOutcome[]>;
  /** Parents first; all in one commit, durable when this resolves. */
  acceptBlocks(blocks: readonly Block[]): Promise<readonly BlockOutcome[]>;
}

export type RelayVerdict =
  /** It is pooled now; `added` are orphans that waited for it, and were taken with it. */
  | { readonly kind: "accepted" }
  /** It is, or was, here already: pooled, or in the chain. */
  | { readonly kind: "known" }
  /** Kept for a while; these transactions may be its parents. */
  | { readonly kind: "missing-parents"; readonly parents: readonly Txid[] }
  /** Not now, or never: its sender may not know better. */
  | { readonly kind: "refused"; readonly code: string };

/** A pooled transaction. */
export interface PooledTransaction {
  readonly tx: Transaction;
  /** Satoshis per 1,000 virtual bytes, with what was added by hand. */
  readonly feeRate: FeeRate;
}

/** The pool as peers see it. */
export interface PeerPool {
  readonly size: number;
  find(txid: Txid): PooledTransaction | undefined;
  /** Parents before children. */
  entries(): Iterable<PooledTransaction>;
  /** What enters now must pay this at least. */
  readonly feeRateMin: FeeRate;
  accept(tx: Transaction): Promise<RelayVerdict>;
}
