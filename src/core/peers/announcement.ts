import { fromDisplayHash, toDisplayHash } from "../encoding/hex.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { HEADER_LENGTH, Header } from "../primitives/header.ts";
import type { Txid } from "../primitives/units.ts";
import { ANNOUNCED_TRANSACTIONS_MAX, BLOCK_BYTES_MAX } from "./messages.ts";
import { readCount } from "./read-count.ts";

/*
 * announce: sections, each a kind (u8), a length and bytes; a reader passes over kinds that it does not know.
 *   1 compact block   header 80, nonce 8, a count and short ids of 6 bytes, a count and transactions: distance, length, bytes (BIP152)
 *   2 headers         a count and headers, the last one the tip; for a reorganisation
 *   3 transactions    a count and txids
 */

const SECTION = { COMPACT: 1, HEADERS: 2, TRANSACTIONS: 3 } as const;

export const SHORT_ID_BYTES = 6;
/** A block has room for fewer transactions: the smallest takes 60 bytes. */
export const BLOCK_TRANSACTIONS_MAX = 70_000;
/** Headers of a reorganisation that are announced at once, as Bitcoin Core does; a longer one is asked for. */
export const ANNOUNCED_HEADERS_MAX = 8;

export interface CompactBlock {
  readonly header: Header;
  /** 8 bytes, fresh for each block. */
  readonly nonce: Uint8Array;
  /** Of all transactions but the prefilled ones, in the block's order; below 2^48. */
  readonly shortIds: readonly number[];
  readonly prefilled: readonly { readonly place: number; readonly raw: Uint8Array }[];
}

export interface Announcement {
  readonly compact?: CompactBlock | undefined;
  readonly headers?: readonly Header[] | undefined;
  readonly txids?: readonly Txid[] | undefined;
}

export function encodeAnnouncement({ compact, headers, txids }: Announcement): Uint8Array {
  const writer = new Writer(1024);
  if (compact !== undefined) section(writer, SECTION.COMPACT, encodeCompact(compact));
  if (headers !== undefined) {
    const body = new Writer(3 + HEADER_LENGTH * headers.length).compactSize(headers.length);
    for (const header of headers) body.bytes(header.raw);
    section(writer, SECTION.HEADERS, body.finish());
  }
  if (txids !== undefined) {
    const body = new Writer(3 + 32 * txids.length).compactSize(txids.length);
    for (const txid of txids) body.bytes(fromDisplayHash(txid));
    section(writer, SECTION.TRANSACTIONS, body.finish());
  }
  return writer.finish();
}

/** @throws DecodeError */
export function decodeAnnouncement(body: Uint8Array): Announcement {
  const reader = new Reader(body);
  let news: Announcement = {};
  while (reader.remaining > 0) {
    const kind = reader.u8();
    const part = new Reader(reader.varBytes(BLOCK_BYTES_MAX));
    if (kind === SECTION.COMPACT) news = { ...news, compact: readCompact(part) };
    if (kind === SECTION.HEADERS) news = { ...news, headers: readMany(part, ANNOUNCED_HEADERS_MAX, () => Header.read(part)) };
    if (kind === SECTION.TRANSACTIONS) {
      const txids = readMany(part, ANNOUNCED_TRANSACTIONS_MAX, () => toDisplayHash(part.bytes(32)) as Txid);
      news = { ...news, txids };
    }
  }
  return news;
}

function section(writer: Writer, kind: number, bytes: Uint8Array): void {
  writer.u8(kind).varBytes(bytes);
}

function encodeCompact({ header, nonce, shortIds, prefilled }: CompactBlock): Uint8Array {
  const writer = new Writer(200 + SHORT_ID_BYTES * shortIds.length).bytes(header.raw).bytes(nonce).compactSize(shortIds.length);
  for (const id of shortIds) writer.u32(id % 2 ** 32).u16(Math.floor(id / 2 ** 32));
  writer.compactSize(prefilled.length);
  let next = 0;
  for (const { place, raw } of prefilled) {
    writer.compactSize(place - next).varBytes(raw);
    next = place + 1;
  }
  return writer.finish();
}

function readCompact(reader: Reader): CompactBlock {
  const header = Header.read(reader);
  const nonce = reader.bytes(8);
  const shortIds = readMany(reader, BLOCK_TRANSACTIONS_MAX, () => reader.u32() + reader.u16() * 2 ** 32);
  let next = 0;
  const prefilled = readMany(reader, BLOCK_TRANSACTIONS_MAX, () => {
    const place = next + reader.compactSize();
    next = place + 1;
    return { place, raw: reader.varBytes(BLOCK_BYTES_MAX) };
  });
  return { header, nonce, shortIds, prefilled };
}

function readMany<T>(reader: Reader, max: number, read: () => T): readonly T[] {
  return Array.from({ length: readCount(reader, max) }, read);
}
