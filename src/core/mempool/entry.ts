import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { Height, RawTxid, Sats, UnixSeconds, VBytes, Weight } from "../primitives/units.ts";

/** The height of a coin that no block has made yet (Core's MEMPOOL_HEIGHT). */
export const UNCONFIRMED_HEIGHT = 0x7fffffff as Height;

export function rawTxidOf(txidBytes: Uint8Array): RawTxid {
  return Buffer.from(txidBytes.buffer, txidBytes.byteOffset, 32).toString("latin1") as RawTxid;
}

/** What is known of a transaction once it has been checked against its coins. */
export interface EntryFields {
  readonly tx: Transaction;
  readonly rawTxid: RawTxid;
  readonly fee: Sats;
  /** The larger of its weight and what its signature operations count as. */
  readonly adjustedWeight: Weight;
  readonly sigopCost: number;
  /** When and on which chain height it was accepted. */
  readonly time: UnixSeconds;
  readonly height: Height;
  /** It spends a coinbase, or has a relative lock: a reorganisation may make it premature again. */
  readonly dependsOnChain: boolean;
}

export function virtualSize(adjustedWeight: number): VBytes {
  return Math.ceil(adjustedWeight / 4) as VBytes;
}

/** Bytes of objects, index entries and keys around a transaction's own bytes: 2,140 were measured over 20,000 entries of one input. */
const ENTRY_OVERHEAD_BYTES = 2040;
const INPUT_OVERHEAD_BYTES = 100;

/** Memory that an entry takes, as the pool's bound counts it. */
export function usageOf(tx: Transaction): number {
  return tx.raw.length + ENTRY_OVERHEAD_BYTES + INPUT_OVERHEAD_BYTES * tx.inputCount;
}

/** The coin that an output of a pooled transaction is. */
export function unconfirmedCoin(tx: Transaction, vout: number): Coin {
  return { value: tx.value(vout), script: tx.outputScript(vout), height: UNCONFIRMED_HEIGHT, isCoinbase: false };
}
