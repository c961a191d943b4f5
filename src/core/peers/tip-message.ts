import { fromDisplayHash, toDisplayHash } from "../encoding/hex.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import type { BlockHash, FeeRate, Height, Work } from "../primitives/units.ts";
import type { PeerTip } from "./link.ts";

/*
 * ping, both ways: hash 32, height u32, chainwork 32 (little-endian). fee-filter: i64. What follows is for later versions and is
 * ignored.
 */

const WORK_BYTES = 32;

export function encodeTip({ hash, height, chainwork }: PeerTip): Uint8Array {
  const work = Buffer.from(chainwork.toString(16).padStart(2 * WORK_BYTES, "0"), "hex").reverse();
  return new Writer(68).bytes(fromDisplayHash(hash)).u32(height).bytes(work).finish();
}

/** @throws DecodeError */
export function decodeTip(body: Uint8Array): PeerTip {
  const reader = new Reader(body);
  const hash = toDisplayHash(reader.bytes(32)) as BlockHash;
  const height = reader.u32() as Height;
  const work = Buffer.from(reader.bytes(WORK_BYTES)).reverse();
  return { hash, height, chainwork: BigInt(`0x${work.toString("hex")}`) as Work };
}

export function encodeFeeFilter(feeRateMin: FeeRate): Uint8Array {
  return new Writer(8).i64(feeRateMin).finish();
}

/** Satoshis per 1,000 virtual bytes. @throws DecodeError */
export function decodeFeeFilter(body: Uint8Array): FeeRate {
  return new Reader(body).i64() as FeeRate;
}
