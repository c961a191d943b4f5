import { crc32 } from "node:zlib";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { type Coin, readCoin, writeCoin } from "../primitives/coin.ts";
import { HEADER_LENGTH } from "../primitives/header.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";
import { shortCrc32 } from "./checksum.ts";
import { type Fingerprint, fingerprint } from "./set-sum.ts";

/*
 * The records of the database. A key is one byte naming the table, then the record's own key; a value is the payload, then the
 * CRC-32 of key and payload, because LevelDB serves a flipped bit without a word.
 *
 *   B height(4, big-endian) hash(32)    a block: header, status, where its body stands
 *   C txid(32) vout(4, big-endian)      a coin; big-endian, so that key order is the order of hash_serialized_3
 *   U hash(32)                          the coins that a block spent, in the order of its inputs
 *   T txid(32) file(4) offset(4)        that a transaction stands in the block there, and at which place in it
 *   S                                   the state: tip, counts, sums (state.ts)
 *   V                                   data format and network
 *   R number(4), M                      a change too large for one batch (large-change.ts)
 *   A ...                               kept for the address index of coins/
 */
export const TABLE = {
  block: 0x42,
  coin: 0x43,
  undo: 0x55,
  transaction: 0x54,
  state: 0x53,
  version: 0x56,
  redo: 0x52,
  marker: 0x4d,
} as const;

export const CHECKSUM_LENGTH = 4;

/** A record ready to be written. */
export interface SealedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly fingerprint: Fingerprint;
}

/** Key and value in one buffer: the checksum runs over both. */
function seal(keyLength: number, writer: Writer): SealedRecord {
  const checksum = crc32(writer.finish());
  const bytes = writer.u32(checksum).finish();
  return {
    key: bytes.subarray(0, keyLength),
    value: bytes.subarray(keyLength),
    fingerprint: fingerprint(checksum, keyWord(bytes)),
  };
}

/** Four bytes of the txid or block hash. */
export function keyWord(key: Uint8Array, start = 0): number {
  return key[start + 5]! | (key[start + 6]! << 8) | (key[start + 7]! << 16) | (key[start + 8]! << 24);
}

export interface OpenedRecord {
  readonly payload: Reader;
  readonly fingerprint: Fingerprint;
}

/** From so many bytes on zlib's CRC-32 is faster, for all that it takes to call it. */
const LONG = 300;

/** Undefined when the checksum does not hold. */
export function openRecord(key: Uint8Array, value: Uint8Array): OpenedRecord | undefined {
  const end = value.length - CHECKSUM_LENGTH;
  if (end < 0) return undefined;
  const checksum =
    end > LONG ? crc32(value.subarray(0, end), crc32(key)) : shortCrc32(value, 0, end, shortCrc32(key, 0, key.length));
  const plain = new Uint8Array(value.buffer, value.byteOffset, value.length); // LevelDB hands out Buffers.
  if (readU32(plain, end) !== checksum) return undefined;
  return { payload: new Reader(plain, 0, end), fingerprint: fingerprint(checksum, keyWord(key)) };
}

/** Any record whose key is made elsewhere. */
export function sealRecord(key: Uint8Array, payload: Uint8Array): SealedRecord {
  return seal(key.length, new Writer(key.length + payload.length + CHECKSUM_LENGTH).bytes(key).bytes(payload));
}

export function tableKey(table: number, rest: Uint8Array = new Uint8Array(0)): Uint8Array {
  const key = new Uint8Array(1 + rest.length);
  key[0] = table;
  key.set(rest, 1);
  return key;
}

export function redoKey(number: number): Uint8Array {
  return Uint8Array.of(TABLE.redo, number >>> 24, number >>> 16, number >>> 8, number);
}

// Coins

const COIN_KEY_LENGTH = 1 + OUTPOINT_LENGTH;

/** @param outpoint 36 bytes as inputs carry them, vout little-endian. */
export function coinKey(outpoint: Uint8Array): Uint8Array {
  const key = new Uint8Array(COIN_KEY_LENGTH);
  key[0] = TABLE.coin;
  key.set(outpoint, 1);
  for (let i = 0; i < 4; i++) key[33 + i] = outpoint[35 - i]!;
  return key;
}

/** Writes the outpoint, as inputs carry it, over the 36 bytes of `target`. */
export function readOutpoint(key: Uint8Array, target: Uint8Array): void {
  for (let i = 0; i < 32; i++) target[i] = key[1 + i]!;
  for (let i = 0; i < 4; i++) target[32 + i] = key[36 - i]!;
}

// Undo

/** @param hashBytes of the block, internal order. @param spent the coins of all inputs but the coinbase's, in order. */
export function sealUndo(hashBytes: Uint8Array, spent: readonly Coin[]): SealedRecord {
  const writer = new Writer(64 + spent.length * 48).u8(TABLE.undo).bytes(hashBytes).compactSize(spent.length);
  for (const coin of spent) writeCoin(writer, coin);
  return seal(1 + hashBytes.length, writer);
}

export function readUndo(payload: Reader): readonly Coin[] {
  const count = payload.compactSize();
  const spent: Coin[] = [];
  for (let i = 0; i < count; i++) spent.push(readCoin(payload));
  payload.finish();
  return spent;
}

// Transactions

/** Where a body stands in the block files: its first byte behind magic and length. */
export interface BlockPosition {
  readonly file: number;
  readonly offset: number;
  readonly size: number;
  /** CRC-32 of the body. */
  readonly checksum: number;
}

export interface TransactionPlace {
  readonly file: number;
  readonly offset: number;
  /** Place within the block; the coinbase is 0. */
  readonly index: number;
}

const TXID_LENGTH = 32;

export function readTransactionPlace(key: Uint8Array, payload: Reader): TransactionPlace {
  const place = new Reader(key, 1 + TXID_LENGTH);
  return { file: place.u32(), offset: place.u32(), index: payload.u32() };
}

// Blocks

/** How far a block has been checked. */
export type BlockStatus = "header" | "stored" | "valid";
const STATUSES: readonly BlockStatus[] = ["header", "stored", "valid"];

export interface BlockRecord {
  readonly headerRaw: Uint8Array;
  readonly hashBytes: Uint8Array;
  readonly height: number;
  /** header: only that is known; stored: the body is on disk; valid: it has been connected once. */
  readonly status: BlockStatus;
  /** It, or an ancestor, is not to be built on. */
  readonly invalid: boolean;
  /** The order in which blocks became complete (they and all their ancestors stored); 0 = not yet. */
  readonly sequence: number;
  readonly transactionCount: number;
  readonly position: BlockPosition | undefined;
}

export function sealBlock(record: BlockRecord): SealedRecord {
  const { height, position } = record;
  const writer = new Writer(192).u8(TABLE.block);
  writer
    .u8(height >>> 24)
    .u8(height >>> 16)
    .u8(height >>> 8)
    .u8(height)
    .bytes(record.hashBytes);
  writer
    .bytes(record.headerRaw)
    .u8(STATUSES.indexOf(record.status))
    .u8(record.invalid ? 1 : 0);
  writer
    .u64(record.sequence)
    .u32(record.transactionCount)
    .u8(position === undefined ? 0 : 1);
  if (position !== undefined) writer.u32(position.file).u32(position.offset).u32(position.size).u32(position.checksum);
  return seal(37, writer);
}

/** @throws DecodeError */
export function readBlock(key: Uint8Array, payload: Reader): BlockRecord {
  const height = new DataView(key.buffer, key.byteOffset).getUint32(1);
  const headerRaw = new Uint8Array(payload.bytes(HEADER_LENGTH));
  const status = STATUSES[payload.u8()] ?? "header";
  const invalid = payload.u8() === 1;
  const sequence = payload.u64();
  const transactionCount = payload.u32();
  const position =
    payload.u8() === 0 ? undefined : { file: payload.u32(), offset: payload.u32(), size: payload.u32(), checksum: payload.u32() };
  payload.finish();
  return {
    headerRaw,
    hashBytes: new Uint8Array(key.subarray(5, 37)),
    height,
    status,
    invalid,
    sequence,
    transactionCount,
    position,
  };
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
