import { compactSizeLength } from "./compact-size.ts";

/** Writes little-endian values into a buffer that grows by doubling; the counterpart of Reader. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(sizeHint = 256) {
    this.#bytes = new Uint8Array(Math.max(16, sizeHint));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      wider.set(this.#bytes);
      this.#bytes = wider;
      this.#view = new DataView(wider.buffer);
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  i32(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
    return this;
  }

  /** Exact for integers of either sign up to 2^53. */
  i64(value: number): this {
    const at = this.#grow(8);
    const high = Math.floor(value / 0x100000000);
    this.#view.setUint32(at, value - high * 0x100000000, true);
    this.#view.setInt32(at + 4, high, true);
    return this;
  }

  u64(value: number): this {
    return this.i64(value);
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  compactSize(value: number): this {
    const length = compactSizeLength(value);
    if (length === 1) return this.u8(value);
    if (length === 3) return this.u8(0xfd).u16(value);
    if (length === 5) return this.u8(0xfe).u32(value);
    return this.u8(0xff).u64(value);
  }

  varBytes(value: Uint8Array): this {
    return this.compactSize(value.length).bytes(value);
  }

  /** What was written; a view of exactly that length. Writing on afterwards may change it. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
