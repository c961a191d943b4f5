import { createHash } from "node:crypto";

/*
 * BIP152: a transaction's short id is SipHash-2-4 of its wtxid, keyed by header and nonce, cut to 48 bits. SipHash (Aumasson and
 * Bernstein 2012) in 32-bit halves: no BigInt, as all the pool is hashed for each block.
 */

/** The four words of both keys: k0 low, k0 high, k1 low, k1 high. */
export type SipKey = readonly [number, number, number, number];

/** @param headerRaw 80 bytes. @param nonce 8 bytes. */
export function shortIdKey(headerRaw: Uint8Array, nonce: Uint8Array): SipKey {
  const digest = createHash("sha256").update(headerRaw).update(nonce).digest();
  return [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12)];
}

/** @param wtxidBytes 32 bytes, internal order. @returns 48 bits */
export function shortId(key: SipKey, wtxidBytes: Uint8Array): number {
  const state = new SipState(key);
  for (let at = 0; at < 32; at += 8) state.word(readWord(wtxidBytes, at), readWord(wtxidBytes, at + 4));
  state.word(0, 32 << 24); // The last word: no bytes are left, the length in its top byte.
  return state.finish48();
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** v0 to v3, each as its low and its high half. */
class SipState {
  #a: number;
  #A: number;
  #b: number;
  #B: number;
  #c: number;
  #C: number;
  #d: number;
  #D: number;

  constructor([k0, K0, k1, K1]: SipKey) {
    this.#a = k0 ^ 0x70736575;
    this.#A = K0 ^ 0x736f6d65;
    this.#b = k1 ^ 0x6e646f6d;
    this.#B = K1 ^ 0x646f7261;
    this.#c = k0 ^ 0x6e657261;
    this.#C = K0 ^ 0x6c796765;
    this.#d = k1 ^ 0x79746573;
    this.#D = K1 ^ 0x74656462;
  }

  word(low: number, high: number): void {
    this.#d ^= low;
    this.#D ^= high;
    this.#rounds(2);
    this.#a ^= low;
    this.#A ^= high;
  }

  finish48(): number {
    this.#c ^= 0xff;
    this.#rounds(4);
    const low = (this.#a ^ this.#b ^ this.#c ^ this.#d) >>> 0;
    const high = (this.#A ^ this.#B ^ this.#C ^ this.#D) & 0xffff;
    return low + high * 2 ** 32;
  }

  #rounds(count: number): void {
    let [a, A, b, B, c, C, d, D] = [this.#a, this.#A, this.#b, this.#B, this.#c, this.#C, this.#d, this.#D];
    for (let i = 0; i < count; i++) {
      let sum = (a >>> 0) + (b >>> 0);
      A = (A + B + (sum > 0xffffffff ? 1 : 0)) | 0;
      a = sum | 0;
      let t = (b << 13) | (B >>> 19);
      B = ((B << 13) | (b >>> 19)) ^ A;
      b = t ^ a;
      t = a;
      a = A;
      A = t;
      sum = (c >>> 0) + (d >>> 0);
      C = (C + D + (sum > 0xffffffff ? 1 : 0)) | 0;
      c = sum | 0;
      t = (d << 16) | (D >>> 16);
      D = ((D << 16) | (d >>> 16)) ^ C;
      d = t ^ c;
      sum = (a >>> 0) + (d >>> 0);
      A = (A + D + (sum > 0xffffffff ? 1 : 0)) | 0;
      a = sum | 0;
      t = (d << 21) | (D >>> 11);
      D = ((D << 21) | (d >>> 11)) ^ A;
      d = t ^ a;
      sum = (c >>> 0) + (b >>> 0);
      C = (C + B + (sum > 0xffffffff ? 1 : 0)) | 0;
      c = sum | 0;
      t = (b << 17) | (B >>> 15);
      B = ((B << 17) | (b >>> 15)) ^ C;
      b = t ^ c;
      t = c;
      c = C;
      C = t;
    }
    this.#a = a;
    this.#A = A;
    this.#b = b;
    this.#B = B;
    this.#c = c;
    this.#C = C;
    this.#d = d;
    this.#D = D;
  }
}
