import { fromDisplayHash, toDisplayHash } from "../encoding/hex.ts";
import type { Txid, Unit } from "./units.ts";

/** txid (32 bytes, internal order) and output index (4 bytes, little-endian), as inputs carry it. */
export const OUTPOINT_LENGTH = 36;

/** Those 36 bytes as latin1 text: equal outpoints are equal strings, so that a Map can key on them. Not for people. */
export type OutpointKey = Unit<string, "OutpointKey">;

export interface Outpoint {
  readonly txid: Txid;
  readonly vout: number;
}

/** The key of the outpoint that stands in `bytes` at `offset`. */
export function outpointKeyAt(bytes: Uint8Array, offset: number): OutpointKey {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, OUTPOINT_LENGTH).toString("latin1") as OutpointKey;
}

/** The 36 bytes of an outpoint. */
export function outpointBytes(txid: Txid, vout: number): Uint8Array {
  const bytes = new Uint8Array(OUTPOINT_LENGTH);
  bytes.set(fromDisplayHash(txid));
  writeVout(bytes, vout);
  return bytes;
}

/** The same from raw txid bytes (internal order). */
export function outpointBytesOf(txidBytes: Uint8Array, vout: number): Uint8Array {
  const bytes = new Uint8Array(OUTPOINT_LENGTH);
  bytes.set(txidBytes);
  writeVout(bytes, vout);
  return bytes;
}

/** Puts another output index into the 36 bytes of an outpoint. */
export function writeVout(bytes: Uint8Array, vout: number): void {
  bytes[32] = vout;
  bytes[33] = vout >>> 8;
  bytes[34] = vout >>> 16;
  bytes[35] = vout >>> 24;
}

export function outpointKey(txid: Txid, vout: number): OutpointKey {
  return outpointKeyAt(outpointBytes(txid, vout), 0);
}

export function outpointKeyBytes(key: OutpointKey): Uint8Array {
  return new Uint8Array(Buffer.from(key, "latin1"));
}

export function parseOutpointKey(key: OutpointKey): Outpoint {
  return outpointAt(outpointKeyBytes(key), 0);
}

/** The outpoint that stands in `bytes` at `offset`. */
export function outpointAt(bytes: Uint8Array, offset: number): Outpoint {
  const at = offset + 32;
  const vout = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  return { txid: toDisplayHash(bytes, offset) as Txid, vout };
}

/** Whether the outpoint at `offset` is the one that spends nothing, which a coinbase has: 32 zero bytes and index 0xffffffff. */
export function isNullOutpoint(bytes: Uint8Array, offset: number): boolean {
  for (let i = offset; i < offset + 32; i++) if (bytes[i] !== 0) return false;
  for (let i = offset + 32; i < offset + OUTPOINT_LENGTH; i++) if (bytes[i] !== 0xff) return false;
  return true;
}
