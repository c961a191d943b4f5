import type { Work } from "./units.ts";

/** What `bits` says, with the two ways in which it can be no target. */
export interface DecodedBits {
  /** 256 bits; only meaningful when neither flag is set. */
  readonly target: bigint;
  readonly negative: boolean;
  readonly overflow: boolean;
}

/** Bitcoin's compact form of a target: one byte of size, three of mantissa, a sign bit nobody wants (arith_uint256::SetCompact). */
export function bitsToTarget(bits: number): DecodedBits {
  const size = bits >>> 24;
  const mantissa = bits & 0x007fffff;
  const word = size <= 3 ? mantissa >>> (8 * (3 - size)) : mantissa;
  const target = size <= 3 ? BigInt(word) : BigInt(mantissa) << BigInt(8 * (size - 3));
  return {
    target: BigInt.asUintN(256, target),
    negative: word !== 0 && (bits & 0x00800000) !== 0,
    overflow: word !== 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
  };
}

/** The compact form, rounded down as Bitcoin Core does (arith_uint256::GetCompact). */
export function targetToBits(target: bigint): number {
  let size = Math.ceil(target.toString(2).length / 8);
  if (target === 0n) size = 0;
  let mantissa = Number(size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3)));
  if (mantissa & 0x00800000) {
    mantissa >>>= 8;
    size++;
  }
  return ((size << 24) | mantissa) >>> 0;
}

const TWO_256 = 1n << 256n;

/** Hashes expected to find a block at `bits`: 2^256 / (target + 1); 0 for bits that are no target. */
export function workOfBits(bits: number): Work {
  const { target, negative, overflow } = bitsToTarget(bits);
  if (negative || overflow || target === 0n) return 0n as Work;
  return (TWO_256 / (target + 1n)) as Work;
}

/** A hash read as the number that proof of work compares: little-endian. */
export function hashToNumber(hashBytes: Uint8Array): bigint {
  const view = new DataView(hashBytes.buffer, hashBytes.byteOffset, 32);
  let value = 0n;
  for (let at = 24; at >= 0; at -= 8) value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}

/** @param hashBytes 32 bytes, internal order. */
export function hashMeetsTarget(hashBytes: Uint8Array, target: bigint): boolean {
  return hashToNumber(hashBytes) <= target;
}
