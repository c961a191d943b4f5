import { expect, test } from "vitest";
import { decodeNumber, encodeNumber, isTrue, LOCKTIME_BYTES } from "../../src/core/script/script-number.ts";

const BOUNDS = [
  0,
  1,
  16,
  127,
  128,
  255,
  256,
  32_767,
  32_768,
  0x7fffff,
  0x800000,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  2 ** 39 - 1,
];

test("numbers come back as they were written, in their shortest form", () => {
  for (const bound of BOUNDS) {
    for (const value of [bound, -bound, bound - 1, 1 - bound]) {
      const bytes = encodeNumber(value);
      expect(decodeNumber(bytes, true, 5)).toBe(value || 0);
      // The definition in another way: magnitude little-endian, the sign in the top bit, a byte more where that is taken.
      const magnitude = BigInt(Math.abs(value));
      const length = value === 0 ? 0 : Math.floor(magnitude.toString(2).length / 8) + 1;
      expect(bytes.length, String(value)).toBe(length);
    }
  }
});

test("operands have at most 4 bytes, lock times 5", () => {
  expect(decodeNumber(Uint8Array.of(0xff, 0xff, 0xff, 0xff), true)).toBe(-0x7fffffff);
  expect(decodeNumber(Uint8Array.of(0, 0, 0, 0x80, 0), true)).toBeNaN();
  expect(decodeNumber(Uint8Array.of(0, 0, 0, 0x80, 0), true, LOCKTIME_BYTES)).toBe(0x80000000);
  expect(decodeNumber(new Uint8Array(6), false, LOCKTIME_BYTES)).toBeNaN();
});

test("bytes to spare are refused only where the shortest form is asked for", () => {
  for (const bytes of [[0], [0x80], [1, 0], [1, 0x80], [0xff, 0, 0]]) {
    expect(decodeNumber(Uint8Array.from(bytes), true)).toBeNaN();
    expect(decodeNumber(Uint8Array.from(bytes), false)).not.toBeNaN();
  }
  for (const bytes of [
    [0x80, 0],
    [0x80, 0x80],
    [0xff, 0xff, 0],
  ])
    expect(decodeNumber(Uint8Array.from(bytes), true)).not.toBeNaN();
});

test("false is zeros of any length, with or without a sign", () => {
  for (const bytes of [[], [0], [0x80], [0, 0], [0, 0x80]]) expect(isTrue(Uint8Array.from(bytes))).toBe(false);
  for (const bytes of [[1], [0x80, 0], [0, 1], [0x81]]) expect(isTrue(Uint8Array.from(bytes))).toBe(true);
});
