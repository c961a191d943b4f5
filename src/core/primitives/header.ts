import { sha256d } from "../encoding/hash.ts";
import { fromDisplayHash, toDisplayHash } from "../encoding/hex.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import type { BlockHash, UnixSeconds } from "./units.ts";

/** version 4, parent 32, merkle root 32, time 4, bits 4, nonce 4. */
export const HEADER_LENGTH = 80;

export interface HeaderFields {
  /** Signed, 32 bits. */
  readonly version: number;
  readonly prevHash: BlockHash;
  /** Internal order. */
  readonly merkleRootBytes: Uint8Array;
  readonly time: UnixSeconds;
  readonly bits: number;
  readonly nonce: number;
}

/** A block header over its 80 bytes; hash and text forms are made when first asked for. */
export class Header implements HeaderFields {
  readonly raw: Uint8Array;
  readonly version: number;
  readonly time: UnixSeconds;
  readonly bits: number;
  readonly nonce: number;
  #prevHash: BlockHash | undefined;
  #hashBytes: Uint8Array | undefined;
  #hash: BlockHash | undefined;

  private constructor(raw: Uint8Array) {
    const reader = new Reader(raw);
    this.raw = raw;
    this.version = reader.i32();
    reader.skip(64);
    this.time = reader.u32() as UnixSeconds;
    this.bits = reader.u32();
    this.nonce = reader.u32();
  }

  /** @throws DecodeError unless there are at least 80 bytes left. Keeps a view of them. */
  static read(reader: Reader): Header {
    return new Header(reader.bytes(HEADER_LENGTH));
  }

  /** @throws DecodeError unless `bytes` is exactly 80 long. */
  static decode(bytes: Uint8Array): Header {
    const reader = new Reader(bytes);
    const header = Header.read(reader);
    reader.finish();
    return header;
  }

  static build(fields: HeaderFields): Header {
    const writer = new Writer(HEADER_LENGTH)
      .i32(fields.version)
      .bytes(fromDisplayHash(fields.prevHash))
      .bytes(fields.merkleRootBytes);
    return new Header(writer.u32(fields.time).u32(fields.bits).u32(fields.nonce).finish());
  }

  get prevHash(): BlockHash {
    this.#prevHash ??= toDisplayHash(this.raw, 4) as BlockHash;
    return this.#prevHash;
  }

  get merkleRootBytes(): Uint8Array {
    return this.raw.subarray(36, 68);
  }

  /** Internal order. */
  get hashBytes(): Uint8Array {
    this.#hashBytes ??= sha256d(this.raw);
    return this.#hashBytes;
  }

  get hash(): BlockHash {
    this.#hash ??= toDisplayHash(this.hashBytes) as BlockHash;
    return this.#hash;
  }
}
