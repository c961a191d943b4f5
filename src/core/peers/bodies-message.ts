import { fromDisplayHash, toDisplayHash } from "../encoding/hex.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import type { BlockHash, Txid } from "../primitives/units.ts";
import { BLOCK_BYTES_MAX } from "./messages.ts";
import { readCount } from "./read-count.ts";

/*
 * get-blocks and get-transactions ask with a count and hashes, and are answered with a count and as many bodies: each a length
 * and bytes. A block's length of 0 means that it is not there; the answer may end before the question does, and is asked on.
 * Transactions that are not there are left out.
 *
 * get-block-transactions asks with a block's hash, a count and places, each as its distance from the one before (BIP152); the
 * answer has exactly those, in that order.
 */

export function encodeHashes(hashes: readonly (BlockHash | Txid)[]): Uint8Array {
  const writer = new Writer(3 + 32 * hashes.length).compactSize(hashes.length);
  for (const hash of hashes) writer.bytes(fromDisplayHash(hash));
  return writer.finish();
}

/** @throws DecodeError */
export function decodeHashes<H extends BlockHash | Txid>(body: Uint8Array, max: number): readonly H[] {
  const reader = new Reader(body);
  const count = readCount(reader, max);
  return Array.from({ length: count }, () => toDisplayHash(reader.bytes(32)) as H);
}

export function encodeBodies(bodies: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(8 + bodies.reduce((sum, body) => sum + body.length + 5, 0)).compactSize(bodies.length);
  for (const body of bodies) writer.varBytes(body);
  return writer.finish();
}

/** Views into `message`. @throws DecodeError */
export function decodeBodies(message: Uint8Array, max: number): readonly Uint8Array[] {
  const reader = new Reader(message);
  const count = readCount(reader, max);
  return Array.from({ length: count }, () => reader.varBytes(BLOCK_BYTES_MAX));
}

export interface TransactionPlaces {
  readonly block: BlockHash;
  /** Ascending. */
  readonly places: readonly number[];
}

export function encodePlaces({ block, places }: TransactionPlaces): Uint8Array {
  const writer = new Writer(40 + 3 * places.length).bytes(fromDisplayHash(block)).compactSize(places.length);
  let next = 0;
  for (const place of places) {
    writer.compactSize(place - next);
    next = place + 1;
  }
  return writer.finish();
}

/** @throws DecodeError */
export function decodePlaces(body: Uint8Array, max: number): TransactionPlaces {
  const reader = new Reader(body);
  const block = toDisplayHash(reader.bytes(32)) as BlockHash;
  const count = readCount(reader, max);
  let next = 0;
  const places = Array.from({ length: count }, () => {
    const place = next + reader.compactSize();
    next = place + 1;
    return place;
  });
  return { block, places };
}
