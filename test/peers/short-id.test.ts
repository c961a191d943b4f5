import { expect, test } from "vitest";
import { type SipKey, shortId } from "../../src/core/peers/short-id.ts";

const MASK = 2n ** 64n - 1n;

/** SipHash-2-4 word for word as the paper has it, in BigInt. */
function sipHash(k0: bigint, k1: bigint, bytes: Uint8Array): bigint {
  let [v0, v1, v2, v3] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn, k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  const rotate = (v: bigint, by: bigint) => ((v << by) | (v >> (64n - by))) & MASK;
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const padded = Buffer.alloc(Math.ceil((bytes.length + 1) / 8) * 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

test("the oracle is SipHash-2-4: the paper's example", () => {
  const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
  const message = Uint8Array.from({ length: 15 }, (_, i) => i);
  expect(sipHash(key.readBigUInt64LE(0), key.readBigUInt64LE(8), message)).toBe(0xa129ca6149be45e5n);
});

test("short ids are the low 48 bits of SipHash-2-4", () => {
  for (let round = 0; round < 500; round++) {
    const random = crypto.getRandomValues(Buffer.alloc(48));
    const key = [0, 4, 8, 12].map((at) => random.readInt32LE(at)) as unknown as SipKey;
    const expected = sipHash(random.readBigUInt64LE(0), random.readBigUInt64LE(8), random.subarray(16)) & (2n ** 48n - 1n);
    expect(BigInt(shortId(key, random.subarray(16))), random.toString("hex")).toBe(expected);
  }
});
