import type { Coin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH, type OutpointKey, outpointKeyAt, outpointKeyBytes } from "../primitives/outpoint.ts";

/**
 * The net change of one commit: of a block, of a block taken back, or of a whole reorganisation. A coin that is made and
 * spent within it is in neither list; a coin that is spent and comes back (another block makes it) is in both.
 */
export interface CoinChange {
  /** `coin` is for the caller's own books (undo, hashes); the table asks only for `key`: as text or as its 36 bytes. */
  readonly spends: readonly { readonly key: OutpointKey | Uint8Array; readonly coin?: Coin }[];
  readonly creates: readonly { readonly outpoint: Uint8Array; readonly coin: Coin }[];
}

/** Made visible or taken back by its one holder; nothing else can be prepared before. */
export interface PreparedCommit {
  /** The commit number that `publish` makes visible. */
  readonly version: number;
  /** Makes the commit visible to all threads at once; returns its number. */
  publish(): number;
  /** Undoes it: no reader has seen anything, the next commit finds the coins as before. */
  abort(): void;
}

/** Somebody else was first: `conflict` is a coin that is not there to be spent, or is there already, or changed since `basedOn`. */
export interface CommitConflict {
  readonly conflict: OutpointKey;
}

/** Coins that came and went between two versions, each as net effect. */
export interface CoinDiff {
  readonly created: readonly (readonly [outpoint: Uint8Array, coin: Coin])[];
  readonly spent: readonly (readonly [outpoint: Uint8Array, coin: Coin])[];
}

export function keyBytes(key: OutpointKey | Uint8Array): Uint8Array {
  return typeof key === "string" ? outpointKeyBytes(key) : key;
}

export function keyText(key: OutpointKey | Uint8Array): OutpointKey {
  return typeof key === "string" ? key : outpointKeyAt(key, 0);
}

export function isOutpoint(bytes: Uint8Array): boolean {
  return bytes.length === OUTPOINT_LENGTH;
}
