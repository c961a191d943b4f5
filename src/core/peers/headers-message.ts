import { fromDisplayHash, toDisplayHash } from "../encoding/hex.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { HEADER_LENGTH, Header } from "../primitives/header.ts";
import type { BlockHash } from "../primitives/units.ts";
import { HEADERS_MAX, LOCATOR_HASHES_MAX } from "./messages.ts";
import { readCount } from "./read-count.ts";

/* get-headers asks with a locator: a count, then hashes, newest first. The answer: a count, then headers of 80 bytes. */

export function encodeLocator(hashes: readonly BlockHash[]): Uint8Array {
  const writer = new Writer(3 + 32 * hashes.length).compactSize(hashes.length);
  for (const hash of hashes) writer.bytes(fromDisplayHash(hash));
  return writer.finish();
}

/** @throws DecodeError */
export function decodeLocator(body: Uint8Array): readonly BlockHash[] {
  const reader = new Reader(body);
  const count = readCount(reader, LOCATOR_HASHES_MAX);
  return Array.from({ length: count }, () => toDisplayHash(reader.bytes(32)) as BlockHash);
}

export function encodeHeaders(headers: readonly Header[]): Uint8Array {
  const writer = new Writer(3 + HEADER_LENGTH * headers.length).compactSize(headers.length);
  for (const header of headers) writer.bytes(header.raw);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeHeaders(body: Uint8Array): readonly Header[] {
  const reader = new Reader(body);
  const count = readCount(reader, HEADERS_MAX);
  return Array.from({ length: count }, () => Header.read(reader));
}
