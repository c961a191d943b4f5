import type { Inside, MayTake } from "../locks/context.ts";
import type { RwLock } from "../locks/rwlock.ts";

/** Proofs as chain/ uses them, by short names. */
export type MayTakeChain = MayTake<"BLOCKCHAIN">;
/** BLOCKCHAIN is held for writing, and nothing above it yet. */
export type HoldsChain = Inside<"BLOCKCHAIN", "write", unknown>;

export interface ChainLocks {
  readonly chainLock: RwLock<"BLOCKCHAIN">;
  readonly coinsLock: RwLock<"UTXO_SET">;
}
