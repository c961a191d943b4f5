import fc from "fast-check";
import { expect, test } from "vitest";
import type { Sats } from "../../src/core/primitives/units.ts";
import { selectCoins } from "../../src/core/wallet/coin-selection.ts";

const sizes = { baseVsize: 42, inputVsize: 68, changeVsize: 31, changeMin: 294 };

test("what is chosen pays amount, fee and change exactly, at the rate or a little above it", () => {
  const value = fc.integer({ min: 1, max: 5_000_000 }).map((v) => v as Sats);
  const request = fc.record({
    coins: fc.array(
      value.map((v) => ({ value: v })),
      { maxLength: 30 },
    ),
    amount: fc.integer({ min: 600, max: 20_000_000 }),
    feeRate: fc.integer({ min: 100, max: 50_000 }),
    subtractsFee: fc.boolean(),
  });
  fc.assert(
    fc.property(request, (wanted) => {
      const chosen = selectCoins({ ...wanted, ...sizes });
      const useful = wanted.coins.filter(({ value }) => value > Math.ceil((wanted.feeRate * 68) / 1000));
      const total = useful.reduce((sum, coin) => sum + coin.value, 0);
      if (chosen === undefined) {
        const fee = Math.ceil((wanted.feeRate * (42 + 68 * useful.length)) / 1000);
        if (wanted.subtractsFee && fee + Math.ceil((wanted.feeRate * 31) / 1000) >= wanted.amount) return;
        expect(total).toBeLessThan(wanted.amount + (wanted.subtractsFee ? 0 : fee));
        return;
      }
      const sum = chosen.coins.reduce((all, coin) => all + coin.value, 0);
      expect(chosen.paid + chosen.fee + chosen.change).toBe(sum);
      expect(chosen.paid).toBeGreaterThan(0);
      expect(wanted.amount - chosen.paid).toBeLessThanOrEqual(wanted.subtractsFee ? chosen.fee : 0);
      expect(wanted.amount - chosen.paid).toBeGreaterThanOrEqual(0);
      const vsize = 42 + 68 * chosen.coins.length + (chosen.change > 0 ? 31 : 0);
      expect(chosen.fee).toBeGreaterThanOrEqual(Math.ceil((wanted.feeRate * vsize) / 1000));
      expect(chosen.change === 0 || chosen.change >= 294).toBe(true);
      expect(new Set(chosen.coins).size).toBe(chosen.coins.length);
    }),
    { numRuns: 500 },
  );
});

test("a set of coins that needs no change is found", () => {
  const coins = [50_000, 30_000, 20_000, 7_000, 3_000].map((value) => ({ value: value as Sats }));
  const fee = (inputs: number) => 42 + 68 * inputs;
  const chosen = selectCoins({ coins, amount: 27_000 - fee(2), feeRate: 1000, ...sizes });
  expect(chosen?.coins.map(({ value }) => value)).toEqual([20_000, 7_000]);
  expect(chosen?.change).toBe(0);
});
