import { compactSizeLength } from "../encoding/compact-size.ts";
import type { Coin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";
import { shortCrc32 } from "./checksum.ts";
import { type Fingerprint, fingerprint } from "./set-sum.ts";
import { type BlockPosition, CHECKSUM_LENGTH, keyWord, type SealedRecord, TABLE } from "./tables.ts";

const SLAB_BYTES = 256 * 1024;
const COIN_KEY_LENGTH = 1 + OUTPOINT_LENGTH;
/** Height and coinbase flag, value. */
const COIN_FIXED_LENGTH = 12;
const PLACE_LENGTH = 1 + 32 + 8 + 4;

/**
 * Seals the short records of a batch, thousands of them, into few buffers: a buffer for each would cost more than all the rest of
 * it.
 */
export class Sealer {
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** The same record that encodeCoin makes. @param outpoint 36 bytes as inputs carry them, vout little-endian. */
  coin(outpoint: Uint8Array, { value, script, height, isCoinbase }: Coin): SealedRecord {
    const sizeLength = compactSizeLength(script.length);
    const start = this.#reserve(COIN_KEY_LENGTH + COIN_FIXED_LENGTH + sizeLength + script.length + CHECKSUM_LENGTH);
    this.#coinKey(start, outpoint);
    const at = start + COIN_KEY_LENGTH;
    const high = Math.floor(value / 0x1_0000_0000);
    this.#view.setUint32(at, height * 2 + (isCoinbase ? 1 : 0), true);
    this.#view.setUint32(at + 4, value - high * 0x1_0000_0000, true);
    this.#view.setInt32(at + 8, high, true);
    this.#compactSize(at + COIN_FIXED_LENGTH, sizeLength, script.length);
    this.#bytes.set(script, at + COIN_FIXED_LENGTH + sizeLength);
    return this.#seal(start, COIN_KEY_LENGTH);
  }

  /**
   * That a transaction stands in a block: one record for each block that holds it, so that branches do not overwrite each other.
   */
  transaction(txidBytes: Uint8Array, block: BlockPosition, index: number): SealedRecord {
    const start = this.#reserve(PLACE_LENGTH + CHECKSUM_LENGTH);
    this.#bytes[start] = TABLE.transaction;
    this.#bytes.set(txidBytes, start + 1);
    this.#view.setUint32(start + 33, block.file, true);
    this.#view.setUint32(start + 37, block.offset, true);
    this.#view.setUint32(start + 41, index, true);
    return this.#seal(start, PLACE_LENGTH - 4);
  }

  /** Key order is the order of hash_serialized_3: txid bytes, then vout as a number. */
  #coinKey(start: number, outpoint: Uint8Array): void {
    const bytes = this.#bytes;
    bytes[start] = TABLE.coin;
    bytes.set(outpoint, start + 1);
    for (let i = 0; i < 4; i++) bytes[start + 33 + i] = outpoint[35 - i]!;
  }

  #compactSize(at: number, sizeLength: number, size: number): void {
    if (sizeLength === 1) {
      this.#bytes[at] = size;
    } else if (sizeLength === 3) {
      this.#bytes[at] = 0xfd;
      this.#view.setUint16(at + 1, size, true);
    } else {
      this.#bytes[at] = 0xfe;
      this.#view.setUint32(at + 1, size, true);
    }
  }

  #reserve(length: number): number {
    if (this.#at + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(SLAB_BYTES, length));
      this.#view = new DataView(this.#bytes.buffer);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += length;
    return start;
  }

  #seal(start: number, keyLength: number): SealedRecord {
    const end = this.#at;
    const checksum = shortCrc32(this.#bytes, start, end - CHECKSUM_LENGTH);
    this.#view.setUint32(end - CHECKSUM_LENGTH, checksum, true);
    const mark: Fingerprint = fingerprint(checksum, keyWord(this.#bytes, start));
    return {
      key: this.#bytes.subarray(start, start + keyLength),
      value: this.#bytes.subarray(start + keyLength, end),
      fingerprint: mark,
    };
  }
}
