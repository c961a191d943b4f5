import { expect, test } from "vitest";
import { workOfTarget } from "../../src/core/mining/difficulty.ts";
import { defaultBlockTime, isTrivial, pacedTarget, RateMeter } from "../../src/core/mining/pace.ts";
import { bitsToTarget } from "../../src/core/primitives/target.ts";
import { seededNumbers } from "../support/seeded.ts";

const REGTEST_TARGET = bitsToTarget(0x207fffff).target;
const MAIN_TARGET = bitsToTarget(0x1d00ffff).target;

/** Mines by a simulated clock: solve times are exponential around what the target asks of the rate. Returns the mean interval. */
function meanInterval(
  seed: number,
  options: { blocks: number; blockTimeSeconds: number; sharedBy?: number; rateAt: (block: number) => number },
) {
  const { blocks, blockTimeSeconds, sharedBy = 1, rateAt } = options;
  const next = seededNumbers(seed);
  let nowMs = 0;
  let hashes = 0;
  const meter = new RateMeter({ monotonicMs: () => nowMs }, 100e6);
  const pace = { blockTimeSeconds, fastUntilHeight: 0, sharedBy };
  for (let block = 0; block < blocks; block++) {
    const rate = rateAt(block);
    meter.resume(hashes);
    let isSolved = false;
    while (!isSolved) {
      // A tick retunes once a second, as the cycle does.
      const work = Number(workOfTarget(pacedTarget(REGTEST_TARGET, 1, meter.hashesPerSecond, pace)));
      const solveMs = (-Math.log((next() + 1) / 2 ** 32) * work * 1000) / rate;
      const stepMs = Math.min(solveMs, 1_000);
      isSolved = solveMs <= 1_000;
      nowMs += stepMs;
      hashes += (rate * stepMs) / 1000;
      meter.sample(hashes);
    }
    meter.pause(hashes);
    nowMs += 3; // Until the next job is out.
  }
  return nowMs / 1000 / blocks;
}

test.each([
  { name: "a steady rate", rateAt: () => 12e6, blockTimeSeconds: 1, sharedBy: 1, wanted: 1 },
  { name: "a slow machine", rateAt: () => 0.4e6, blockTimeSeconds: 1, sharedBy: 1, wanted: 1 },
  {
    name: "a rate that changes tenfold",
    rateAt: (block: number) => (block % 400 < 200 ? 12e6 : 1.2e6),
    blockTimeSeconds: 2,
    sharedBy: 1,
    wanted: 2,
  },
  { name: "many blocks a second", rateAt: () => 12e6, blockTimeSeconds: 0.1, sharedBy: 1, wanted: 0.1 },
  { name: "a pace shared by four", rateAt: () => 12e6, blockTimeSeconds: 1, sharedBy: 4, wanted: 4 },
])("keeps its pace within 10 %: $name", ({ rateAt, blockTimeSeconds, sharedBy, wanted }) => {
  const seed = Number(process.env["SEED"] ?? 1);
  const mean = meanInterval(seed, { blocks: 4_000, blockTimeSeconds, sharedBy, rateAt });
  expect(mean / wanted, `seed ${seed}`).toBeGreaterThan(0.9);
  expect(mean / wanted, `seed ${seed}`).toBeLessThan(1.1);
});

test("the first blocks after a start come late rather than in a flood", () => {
  const pace = { blockTimeSeconds: 1, fastUntilHeight: 101, sharedBy: 1 };
  expect(pacedTarget(REGTEST_TARGET, 101, 16e6, pace)).toBe(REGTEST_TARGET);
  expect(Number(workOfTarget(pacedTarget(REGTEST_TARGET, 102, 16e6, pace)))).toBeCloseTo(16e6, -3);
});

test("a network with a difficulty of its own is never made easier", () => {
  expect(pacedTarget(MAIN_TARGET, 1, 1_000, { blockTimeSeconds: 1, fastUntilHeight: 0, sharedBy: 1 })).toBe(MAIN_TARGET);
});

test("a pace of one second is for trivial targets without a number of blocks", () => {
  expect(defaultBlockTime(REGTEST_TARGET, undefined)).toBe(1);
  expect(defaultBlockTime(REGTEST_TARGET, 101)).toBe(0);
  expect(defaultBlockTime(MAIN_TARGET, undefined)).toBe(0);
  expect([isTrivial(bitsToTarget(0x1f00ffff).target), isTrivial(bitsToTarget(0x1d00ffff).target)]).toEqual([true, false]);
});

test("time without hashing does not lower the rate", () => {
  let nowMs = 0;
  const meter = new RateMeter({ monotonicMs: () => nowMs }, 5);
  meter.resume(0);
  nowMs = 1_000;
  meter.pause(7_000);
  expect(meter.hashesPerSecond).toBe(7_000);
  nowMs = 100_000;
  meter.resume(7_000);
  nowMs = 101_000;
  meter.pause(14_000);
  expect(meter.hashesPerSecond).toBe(7_000);
});
