import { bytesToHex, toDisplayHash } from "../../encoding/hex.ts";
import type { Block } from "../../primitives/block.ts";
import type { Header } from "../../primitives/header.ts";
import { bitsToTarget } from "../../primitives/target.ts";
import { type BlockHash, NO_BLOCK } from "../../primitives/units.ts";
import { double, type NumberText } from "./amount.ts";

/** Where a block stands, beside what its own bytes say. */
export interface BlockPlace {
  readonly header: Header;
  readonly height: number;
  /** -1 on a side branch. */
  readonly confirmations: number;
  readonly medianTimePast: number;
  readonly chainwork: bigint;
  readonly transactionCount: number;
  readonly next: BlockHash | undefined;
}

/** What `getblockheader` answers; `getblock` goes on behind it. */
export function headerJson(place: BlockPlace): Record<string, unknown> {
  const { header } = place;
  return {
    hash: header.hash,
    confirmations: place.confirmations,
    height: place.height,
    version: header.version,
    versionHex: hex32(header.version),
    merkleroot: toDisplayHash(header.merkleRootBytes),
    time: header.time,
    mediantime: place.medianTimePast,
    nonce: header.nonce,
    bits: hex32(header.bits),
    target: hex256(bitsToTarget(header.bits).target),
    difficulty: difficulty(header.bits),
    chainwork: hex256(place.chainwork),
    nTx: place.transactionCount,
    ...(header.prevHash === NO_BLOCK ? {} : { previousblockhash: header.prevHash }),
    ...(place.next === undefined ? {} : { nextblockhash: place.next }),
  };
}

/** What `getblock` answers at verbosity 1 and above; `transactions` are ids or decoded forms. */
export function blockJson(place: BlockPlace, block: Block, transactions: readonly unknown[]): Record<string, unknown> {
  return {
    ...headerJson(place),
    strippedsize: block.strippedSize,
    size: block.size,
    weight: block.weight,
    coinbase_tx: coinbaseJson(block),
    tx: transactions,
  };
}

function coinbaseJson(block: Block): Record<string, unknown> {
  const coinbase = block.transactions[0]!;
  const witness = coinbase.witness(0);
  return {
    version: coinbase.version,
    locktime: coinbase.lockTime,
    sequence: coinbase.sequence(0),
    coinbase: bytesToHex(coinbase.scriptSig(0)),
    ...(witness.length === 0 ? {} : { witness: bytesToHex(witness[0]!) }),
  };
}

/** Eight digits of the unsigned 32 bits. */
export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

export function hex256(value: bigint): string {
  return value.toString(16).padStart(64, "0");
}

/** How much harder than the easiest target of the main network (GetDifficulty in Bitcoin Core). */
export function difficultyOf(bits: number): number {
  let shift = bits >>> 24;
  let result = 0xffff / (bits & 0x00ffffff);
  for (; shift < 29; shift++) result *= 256;
  for (; shift > 29; shift--) result /= 256;
  return result;
}

export function difficulty(bits: number): NumberText {
  return double(difficultyOf(bits));
}
