import { expect, test } from "vitest";
import { checkSequenceLocks, isFinalTx } from "../../src/core/consensus/lock-time.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import type { Height, Sats } from "../../src/core/primitives/units.ts";
import { ancestry, buildTx, OPEN_SCRIPT } from "../support/build-block.ts";

const START = 1_700_000_000;
/** 41 blocks, a thousand seconds apart: the median of the tip lies 5,000 s before it. */
const tip = ancestry(Array.from({ length: 41 }, (_, i) => START + 1000 * i));
const UNCONFIRMED = 0x7fffffff;

function coin(height: number): Coin {
  return { value: 1 as Sats, script: OPEN_SCRIPT, height: height as Height, isCoinbase: false };
}

function isOpen(sequence: number, coinHeight: number, version = 2): boolean {
  return checkSequenceLocks(buildTx({ version, inputs: [{ sequence }] }), [coin(coinHeight)], tip);
}

test("lock times below 500,000,000 are heights, from there on times", () => {
  const tx = (lockTime: number, sequence = 0) => buildTx({ lockTime, inputs: [{ sequence }] });
  expect([41, 42].map((height) => isFinalTx(tx(41), height, 0))).toEqual([false, true]);
  expect(isFinalTx(tx(499_999_999), 500_000_000, 0)).toBe(true);
  expect([500_000_000, 500_000_001].map((cutoff) => isFinalTx(tx(500_000_000), 0, cutoff))).toEqual([false, true]);
  expect(isFinalTx(tx(0), 0, 0)).toBe(true);
});

test("inputs that are all final switch the lock time off", () => {
  const tx = (...sequences: number[]) =>
    buildTx({ lockTime: 100, inputs: sequences.map((sequence, vout) => ({ sequence, vout })) });
  expect(isFinalTx(tx(0xffffffff, 0xffffffff), 1, 0)).toBe(true);
  expect(isFinalTx(tx(0xffffffff, 0xfffffffe), 1, 0)).toBe(false);
});

test("a relative lock counts blocks from the coin's (BIP68)", () => {
  expect(isOpen(10, 31)).toBe(true);
  expect(isOpen(10, 32)).toBe(false);
  expect(isOpen(0, UNCONFIRMED)).toBe(true);
  expect(isOpen(1, UNCONFIRMED)).toBe(false);
  expect(isOpen(0xffff, 0)).toBe(false);
});

test("a relative lock in time counts 512 seconds from the median before the coin's block", () => {
  const time = (units: number) => 0x00400000 | units;
  // The block before the coin's at 31 has a median of START + 25,000; the tip's is START + 35,000.
  expect(isOpen(time(19), 31)).toBe(true);
  expect(isOpen(time(20), 31)).toBe(false);
  expect(isOpen(time(0), UNCONFIRMED)).toBe(true);
  expect(isOpen(time(1), UNCONFIRMED)).toBe(false);
  expect(isOpen(time(1), 0)).toBe(true);
});

test("bit 31 of a sequence and versions below 2 have no relative locks", () => {
  expect(isOpen(0x8000ffff, 40)).toBe(true);
  expect(isOpen(0xffff, 40, 1)).toBe(true);
  expect(isOpen(0xffff, 40, 0)).toBe(true);
  expect(isOpen(0xffff, 40, 0xffffffff)).toBe(false); // Unsigned: the largest version of all.
});

test("bits without a meaning are not looked at", () => {
  expect(isOpen(0x003f000a, 31)).toBe(true);
  expect(isOpen(0x003f000a, 32)).toBe(false);
});

test("every input has to be open", () => {
  const tx = buildTx({ inputs: [{ sequence: 1 }, { sequence: 20, vout: 1 }] });
  expect(checkSequenceLocks(tx, [coin(10), coin(21)], tip)).toBe(true);
  expect(checkSequenceLocks(tx, [coin(10), coin(22)], tip)).toBe(false);
});
