import { expect, test } from "vitest";
import { amountText, doubleText, parseAmount } from "../../src/core/api/format/amount.ts";
import { difficultyOf } from "../../src/core/api/format/block-json.ts";

test("amounts have eight decimals and never an exponent", () => {
  expect([0, 1, 1000, 100_000_000, 2_100_000_000_000_000, -5000].map(amountText)).toEqual([
    "0.00000000",
    "0.00000001",
    "0.00001000",
    "1.00000000",
    "21000000.00000000",
    "-0.00005000",
  ]);
});

test("amounts are read from numbers and texts without rounding", () => {
  for (const [value, sats] of [
    [0, 0],
    ["0.1", 10_000_000],
    [1e-8, 1],
    ["1e-8", 1],
    [20999999.9769, 2_099_999_997_690_000],
    ["21000000", 2_100_000_000_000_000],
    ["1.000000000", 100_000_000],
  ] as const) {
    expect(parseAmount(value)).toBe(sats);
  }
  for (const value of ["", "x", "1.", ".5", "01", "1e", " 1", "0.000000001", "0x10", "1e999"]) {
    expect(() => parseAmount(value), value).toThrow("Invalid amount");
  }
  for (const value of [-1, "21000000.00000001"]) expect(() => parseAmount(value)).toThrow("Amount out of range");
  expect(() => parseAmount(true)).toThrow("Amount is not a number or string");
});

test("doubles have at most sixteen significant digits, as printf's %.16g", () => {
  expect(
    [0, 1, 0.1, 1 / 3, 4.656542373906925e-10, 0.00347252365656741, 1e15, 1e16, 123456789012345680, 0.0001, 0.00001].map(
      doubleText,
    ),
  ).toEqual([
    "0",
    "1",
    "0.1",
    "0.3333333333333333",
    "4.656542373906925e-10",
    "0.00347252365656741",
    "1000000000000000",
    "1e+16",
    "1.234567890123457e+17",
    "0.0001",
    "1e-05",
  ]);
});

test("difficulty is relative to the main network's easiest target", () => {
  expect(difficultyOf(0x1d00ffff)).toBe(1);
  expect(doubleText(difficultyOf(0x207fffff))).toBe("4.656542373906925e-10");
  expect(doubleText(difficultyOf(0x1b0404cb))).toBe("16307.42093852398");
});
