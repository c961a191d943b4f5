import type { Invalid } from "../consensus/verdict.ts";
import { unreachable } from "../errors.ts";
import type { Block } from "../primitives/block.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, Height, UnixSeconds, Work } from "../primitives/units.ts";
import type { BlockEntry } from "./block-entry.ts";

/** The last block of the active chain, as one value. */
export interface Tip {
  readonly hash: BlockHash;
  readonly height: Height;
  readonly chainwork: Work;
  readonly time: UnixSeconds;
  /** BIP113. */
  readonly medianTime: UnixSeconds;
  readonly bits: number;
}

/** What one commit did to the active chain. Events follow from it, in this order: disconnected, connected, displaced. */
export interface TipMove {
  readonly tip: Tip;
  /** Highest first. */
  readonly disconnected: readonly BlockHash[];
  /** Lowest first. */
  readonly connected: readonly Block[];
  /** Transactions of disconnected blocks that no connected one has, parents first, without coinbases; at most 20 MB. */
  readonly displaced: readonly Transaction[];
}

/**
 * What became of a block. Any outcome can carry a move: a block that is found invalid, or stays on a side branch, may be the
 * reason why a better part of its branch was adopted.
 */
export type BlockOutcome =
  /** It is part of the active chain. */
  | ({ readonly kind: "connected" } & TipMove)
  /** Stored. `wasConnected`: it was found valid, but its branch did not win. */
  | { readonly kind: "side-branch"; readonly chainwork: Work; readonly wasConnected: boolean; readonly move?: TipMove }
  /** The block `missing` is not known; the orphan is kept if that was asked for. */
  | { readonly kind: "orphan"; readonly missing: BlockHash }
  /** Stored before. */
  | { readonly kind: "known" }
  | { readonly kind: "invalid"; readonly why: Invalid; readonly move?: TipMove };

export type HeaderOutcome =
  | { readonly kind: "accepted"; readonly entry: BlockEntry }
  | { readonly kind: "known"; readonly entry: BlockEntry }
  | { readonly kind: "orphan"; readonly missing: BlockHash }
  | { readonly kind: "invalid"; readonly why: Invalid };

/** The move that an outcome carries, if any. */
export function moveOf(outcome: BlockOutcome): TipMove | undefined {
  switch (outcome.kind) {
    case "connected":
      return outcome;
    case "side-branch":
    case "invalid":
      return outcome.move;
    case "orphan":
    case "known":
      return undefined;
    default:
      return unreachable(outcome);
  }
}

/** What Bitcoin Core's `submitblock` answers: null for a block that was connected, else a word (BIP22). */
export function submitBlockResult(outcome: BlockOutcome): string | null {
  switch (outcome.kind) {
    case "connected":
      return null;
    case "side-branch":
      return outcome.wasConnected ? null : "inconclusive";
    case "orphan":
      return "prev-blk-not-found";
    case "known":
      return "duplicate";
    case "invalid":
      return outcome.why.code;
    default:
      return unreachable(outcome);
  }
}
