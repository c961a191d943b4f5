import { assert } from "../errors.ts";

declare const unit: unique symbol;
/** A value that knows what it measures; made by the checking functions below, or by a decoder that has checked. */
export type Unit<T, Name extends string> = T & { readonly [unit]: Name };

/** Money in satoshis. Decoded outputs may hold any int64 until consensus/check-transaction has seen them. */
export type Sats = Unit<number, "Sats">;
/** Blocks above genesis; genesis is 0. */
export type Height = Unit<number, "Height">;
/** Seconds since 1970-01-01 UTC, as headers carry them. */
export type UnixSeconds = Unit<number, "UnixSeconds">;
/** BIP141: three times the size without witness plus the whole size. */
export type Weight = Unit<number, "Weight">;
/** Virtual bytes: a quarter of the weight, rounded up. */
export type VBytes = Unit<number, "VBytes">;
/** Satoshis per 1,000 virtual bytes. */
export type FeeRate = Unit<number, "FeeRate">;
/** Expected hashes, 256 bits. */
export type Work = Unit<bigint, "Work">;

/** Lowercase hex in display order, 64 characters. */
export type Txid = Unit<string, "Txid">;
export type Wtxid = Unit<string, "Wtxid">;
/** A txid as a Map's key: its 32 raw bytes as Latin-1 text. An OutpointKey begins with it. Not for people. */
export type RawTxid = Unit<string, "RawTxid">;
export type BlockHash = Unit<string, "BlockHash">;

/** Satoshis in a coin. */
export const COIN = 100_000_000;
/** 21 million coins: no amount and no sum of amounts may pass it (Bitcoin Core's MAX_MONEY). */
export const MAX_MONEY = 21_000_000 * COIN;
/** BIP141: bytes of the stripped form count four times. */
export const WITNESS_SCALE = 4;

/** Whether an amount is one that consensus allows. */
export function isMoney(value: number): value is Sats {
  return value >= 0 && value <= MAX_MONEY;
}

export function sats(value: number): Sats {
  assert(Number.isSafeInteger(value), `an amount in satoshis is a whole number, not ${value}`);
  return value as Sats;
}

export function height(value: number): Height {
  assert(Number.isSafeInteger(value) && value >= 0, `a height is a whole number from 0, not ${value}`);
  return value as Height;
}

export function unixSeconds(value: number): UnixSeconds {
  assert(Number.isSafeInteger(value) && value >= 0, `a time is whole seconds from 0, not ${value}`);
  return value as UnixSeconds;
}

const HASH = /^[0-9a-f]{64}$/;

/** The three checks for text from outside: 64 lowercase hex digits, else undefined. */
export function findTxid(text: string): Txid | undefined {
  return HASH.test(text) ? (text as Txid) : undefined;
}

export function findBlockHash(text: string): BlockHash | undefined {
  return HASH.test(text) ? (text as BlockHash) : undefined;
}

/** The hash that "no block" has: genesis names it as its parent. */
export const NO_BLOCK = "0".repeat(64) as BlockHash;
