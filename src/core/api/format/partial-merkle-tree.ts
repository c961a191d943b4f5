import { sha256d } from "../../encoding/hash.ts";
import type { Reader } from "../../encoding/reader.ts";
import { Writer } from "../../encoding/writer.ts";

/*
 * Some leaves of a merkle tree, with what it takes to compute its root: the tree walked from the top, depth first. One bit a
 * node says whether a wanted leaf lies below; where none does, and at the leaves, a hash stands (BIP37).
 */

/** 80 bytes of a header are not part of this: count of leaves, hashes, bits. */
export function writePartialTree(leaves: readonly Uint8Array[], isWanted: readonly boolean[]): Uint8Array {
  const hashes: Uint8Array[] = [];
  const bits: boolean[] = [];
  const walk = (level: number, at: number): void => {
    const first = at << level;
    const wantsBelow = isWanted.slice(first, first + (1 << level)).includes(true);
    bits.push(wantsBelow);
    if (level === 0 || !wantsBelow) {
      hashes.push(nodeHash(leaves, level, at));
      return;
    }
    walk(level - 1, at * 2);
    if (at * 2 + 1 < width(leaves.length, level - 1)) walk(level - 1, at * 2 + 1);
  };
  walk(heightOf(leaves.length), 0);
  const packed = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [index, bit] of bits.entries()) if (bit) packed[index >>> 3]! |= 1 << (index & 7);
  const writer = new Writer().u32(leaves.length).compactSize(hashes.length);
  for (const hash of hashes) writer.bytes(hash);
  return writer.varBytes(packed).finish();
}

export interface PartialTree {
  readonly leafCount: number;
  /** Undefined when the tree is not put together as it must be. */
  readonly root: Uint8Array | undefined;
  readonly wanted: readonly Uint8Array[];
}

/** Smallest transaction in a block of four million weight: more leaves than this are no block. */
const LEAVES_MAX = 4_000_000 / (60 * 4);

/** @throws DecodeError for bytes that end too early */
export function readPartialTree(reader: Reader): PartialTree {
  const leafCount = reader.u32();
  const hashes = Array.from({ length: reader.compactSize() }, () => reader.bytes(32));
  const packed = reader.varBytes();
  const wanted: Uint8Array[] = [];
  const isPlausible =
    leafCount > 0 && leafCount <= LEAVES_MAX && hashes.length <= leafCount && packed.length * 8 >= hashes.length;
  if (!isPlausible) return { leafCount, root: undefined, wanted };
  let [hashAt, bitAt, isBad] = [0, 0, false];
  const walk = (level: number, at: number): Uint8Array => {
    const wantsBelow = ((packed[bitAt >>> 3] ?? 0) & (1 << (bitAt & 7))) !== 0;
    if (bitAt++ >= packed.length * 8) isBad = true;
    if (level === 0 || !wantsBelow || isBad) {
      const hash = hashes[hashAt++];
      if (hash === undefined) isBad = true;
      else if (level === 0 && wantsBelow) wanted.push(hash);
      return hash ?? new Uint8Array(32);
    }
    const left = walk(level - 1, at * 2);
    if (at * 2 + 1 >= width(leafCount, level - 1)) return sha256d(Buffer.concat([left, left]));
    const right = walk(level - 1, at * 2 + 1);
    if (Buffer.compare(left, right) === 0) isBad = true; // Two equal halves could hide a leaf (CVE-2012-2459).
    return sha256d(Buffer.concat([left, right]));
  };
  const root = walk(heightOf(leafCount), 0);
  const isUsedUp = hashAt === hashes.length && Math.ceil(bitAt / 8) === packed.length;
  return isBad || !isUsedUp ? { leafCount, root: undefined, wanted } : { leafCount, root, wanted };
}

function width(leafCount: number, level: number): number {
  return Math.ceil(leafCount / 2 ** level);
}

function heightOf(leafCount: number): number {
  return leafCount <= 1 ? 0 : Math.ceil(Math.log2(leafCount));
}

function nodeHash(leaves: readonly Uint8Array[], level: number, at: number): Uint8Array {
  if (level === 0) return leaves[at]!;
  const left = nodeHash(leaves, level - 1, at * 2);
  const hasRight = at * 2 + 1 < width(leaves.length, level - 1);
  return sha256d(Buffer.concat([left, hasRight ? nodeHash(leaves, level - 1, at * 2 + 1) : left]));
}
