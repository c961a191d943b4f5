import type { Coin } from "../primitives/coin.ts";
import { SEQUENCE_FINAL, type Transaction } from "../primitives/transaction.ts";
import type { HeaderAncestry } from "./header-ancestry.ts";

/** Lock times below this are heights, from it on seconds since 1970 (BIP65). */
export const LOCK_TIME_THRESHOLD = 500_000_000;
/** BIP68: no relative lock. */
const SEQUENCE_DISABLE = 0x80000000;
/** BIP68: the value counts units of 512 seconds, not blocks. */
const SEQUENCE_TYPE_TIME = 0x00400000;
const SEQUENCE_MASK = 0x0000ffff;
const SEQUENCE_GRANULARITY_BITS = 9;

/** Whether the lock time lets a transaction into a block of this height; `cutoff` is the median time past of its parent (BIP113). */
export function isFinalTx(tx: Transaction, height: number, cutoff: number): boolean {
  if (tx.lockTime === 0) return true;
  if (tx.lockTime < (tx.lockTime < LOCK_TIME_THRESHOLD ? height : cutoff)) return true;
  for (let i = 0; i < tx.inputCount; i++) {
    if (tx.sequence(i) !== SEQUENCE_FINAL) return false;
  }
  return true;
}

/**
 * Whether the relative lock times (BIP68) let a transaction into the block after `parent`.
 * `spent` are the coins of its inputs, in order; one that is not confirmed counts as made in that next block.
 */
export function checkSequenceLocks(tx: Transaction, spent: readonly Coin[], parent: HeaderAncestry): boolean {
  if (tx.version < 2) return true;
  for (let i = 0; i < tx.inputCount; i++) {
    const sequence = tx.sequence(i);
    if ((sequence & SEQUENCE_DISABLE) !== 0) continue;
    const coinHeight = Math.min(spent[i]!.height, parent.height + 1);
    const value = sequence & SEQUENCE_MASK;
    if ((sequence & SEQUENCE_TYPE_TIME) === 0) {
      if (coinHeight + value > parent.height + 1) return false;
    } else {
      const start = parent.ancestor(Math.max(coinHeight - 1, 0))!.medianTimePast;
      if (start + (value << SEQUENCE_GRANULARITY_BITS) > parent.medianTimePast) return false;
    }
  }
  return true;
}
