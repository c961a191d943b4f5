import fc from "fast-check";
import { expect, test } from "vitest";
import { bitsToTarget, hashMeetsTarget, hashToNumber, targetToBits, workOfBits } from "../../src/core/primitives/target.ts";

test("known targets read as Bitcoin Core's arith_uint256 reads them", () => {
  // From Core's arith_uint256_tests (bignum_SetCompact).
  const cases: [number, string, boolean, boolean][] = [
    [0x00000000, "0", false, false],
    [0x00123456, "0", false, false],
    [0x01003456, "0", false, false],
    [0x01123456, "12", false, false],
    [0x01fedcba, "7e", true, false],
    [0x02123456, "1234", false, false],
    [0x03123456, "123456", false, false],
    [0x04123456, "12345600", false, false],
    [0x04923456, "12345600", true, false],
    [0x05009234, "92340000", false, false],
    [0x20123456, "1234560000000000000000000000000000000000000000000000000000000000", false, false],
  ];
  for (const [bits, hex, negative, overflow] of cases) {
    const decoded = bitsToTarget(bits);
    expect([decoded.target.toString(16), decoded.negative, decoded.overflow], bits.toString(16)).toEqual([
      hex,
      negative,
      overflow,
    ]);
  }
  expect(bitsToTarget(0xff123456).overflow).toBe(true);
});

test("a positive target survives its compact form, rounded down to 15 bits or more", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: (1n << 256n) - 1n }), (target) => {
      const back = bitsToTarget(targetToBits(target));
      expect(back.negative || back.overflow).toBe(false);
      expect(back.target <= target && target - back.target <= target >> 14n).toBe(true);
      expect(targetToBits(back.target)).toBe(targetToBits(target));
    }),
  );
});

test("work is the expected number of hashes", () => {
  expect(workOfBits(0x207fffff)).toBe(2n);
  expect(workOfBits(0x1d00ffff)).toBe(0x100010001n);
  expect(workOfBits(0)).toBe(0n);
});

test("a hash is compared as a little-endian number", () => {
  const hash = new Uint8Array(32);
  hash[0] = 1;
  expect(hashToNumber(hash)).toBe(1n);
  hash[31] = 0x80;
  expect(hashToNumber(hash)).toBe((0x80n << 248n) + 1n);
  expect([hashMeetsTarget(hash, (0x80n << 248n) + 1n), hashMeetsTarget(hash, 0x80n << 248n)]).toEqual([true, false]);
});
