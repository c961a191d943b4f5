import { ChainCoreError } from "../errors.ts";

/** Bytes that are not what they claim to be. `offset` is where reading stopped, from the start of the reader's buffer. */
export class DecodeError extends ChainCoreError {
  readonly offset: number;

  constructor(reason: string, offset: number, message: string) {
    super(`decode-${reason}`, message, { detail: { offset } });
    this.offset = offset;
  }
}

/** 32 MiB, Bitcoin's MAX_SIZE: no length read from outside may ask for more. */
export const LENGTH_MAX = 0x02000000;

/**
 * Reads little-endian values from a window of a byte array, as Bitcoin's wire format has them.
 * Every read checks the window's end first, so that hostile bytes end in a DecodeError and nothing else.
 */
export class Reader {
  readonly source: Uint8Array;
  /** Index into `source` of the next byte. */
  offset: number;
  readonly end: number;

  constructor(source: Uint8Array, offset = 0, end = source.length) {
    this.source = source;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves past `count` bytes and returns where they start.
   * @throws DecodeError "decode-truncated" when fewer are left. */
  skip(count: number): number {
    const at = this.offset;
    if (count > this.end - at) {
      throw new DecodeError("truncated", at, `ends too early: ${count} bytes wanted at offset ${at}, ${this.end - at} are left`);
    }
    this.offset = at + count;
    return at;
  }

  u8(): number {
    return this.source[this.skip(1)]!;
  }

  u16(): number {
    const at = this.skip(2);
    return this.source[at]! | (this.source[at + 1]! << 8);
  }

  u32(): number {
    return this.#word(this.skip(4)) >>> 0;
  }

  i32(): number {
    return this.#word(this.skip(4));
  }

  /** Inexact above 2^53; every caller compares it with a smaller limit. */
  u64(): number {
    const at = this.skip(8);
    return (this.#word(at + 4) >>> 0) * 0x100000000 + (this.#word(at) >>> 0);
  }

  /** Inexact beyond 2^53 either way; range rules reject such amounts, and the raw bytes stay exact. */
  i64(): number {
    const at = this.skip(8);
    return this.#word(at + 4) * 0x100000000 + (this.#word(at) >>> 0);
  }

  /** Signed. From single bytes: a DataView for each reader would cost more than what most readers read. */
  #word(at: number): number {
    const { source } = this;
    return source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
  }

  /** A view, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.skip(count);
    return this.source.subarray(at, at + count);
  }

  /** A length in Bitcoin's variable form.
   * @throws DecodeError "decode-non-canonical" when a shorter form exists, "decode-oversized" above LENGTH_MAX. */
  compactSize(): number {
    const at = this.offset;
    const first = this.u8();
    if (first < 0xfd) return first;
    const [value, least] =
      first === 0xfd ? [this.u16(), 0xfd] : first === 0xfe ? [this.u32(), 0x10000] : [this.u64(), 0x100000000];
    if (value < least) throw new DecodeError("non-canonical", at, `a length at offset ${at} is not in its shortest form`);
    if (value > LENGTH_MAX)
      throw new DecodeError("oversized", at, `a length of ${value} at offset ${at}, at most ${LENGTH_MAX} is allowed`);
    return value;
  }

  /** A length, then so many bytes; a view. */
  varBytes(max = LENGTH_MAX): Uint8Array {
    const at = this.offset;
    const count = this.compactSize();
    if (count > max) throw new DecodeError("oversized", at, `${count} bytes at offset ${at}, at most ${max} are allowed`);
    return this.bytes(count);
  }

  /** @throws DecodeError "decode-trailing" when bytes are left. */
  finish(): void {
    if (this.offset !== this.end) {
      throw new DecodeError("trailing", this.offset, `${this.end - this.offset} bytes too many after offset ${this.offset}`);
    }
  }
}
