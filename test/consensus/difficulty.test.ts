import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeHeight } from "../../src/core/consensus/coinbase-height.ts";
import { type DifficultyParams, nextBits } from "../../src/core/consensus/difficulty.ts";
import { MAINNET, REGTEST } from "../../src/core/consensus/params.ts";
import { subsidy, totalSupply } from "../../src/core/consensus/subsidy.ts";
import { bitsToTarget, workOfBits } from "../../src/core/primitives/target.ts";
import type { BlockHash, UnixSeconds } from "../../src/core/primitives/units.ts";
import { ancestry, buildCoinbase, solveBlock } from "../support/build-block.ts";
import { hasTestData, testJson } from "../support/test-data.ts";

test("regtest never changes its difficulty", () => {
  const slow = ancestry(Array.from({ length: 2016 }, (_, i) => 1_700_000_000 + 100_000 * i));
  expect(nextBits(slow, REGTEST)).toBe(0x207fffff);
});

test.skipIf(!hasTestData)("2,016 headers with mainnet's proof of work, and the retarget behind them", () => {
  const { timestamps, nonces } = testJson<{ timestamps: number[]; nonces: number[] }>("vectors/core/mainnet_alt.json");
  const script = Buffer.from("76a914eadbac7f36c37e39361168b7aaee3cb24a25312d88ac", "hex");
  let prevHash = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" as BlockHash;
  timestamps.forEach((time, i) => {
    const height = i + 1;
    const scriptSig = Buffer.concat([encodeHeight(height), new Uint8Array(height <= 16 ? 1 : 0)]);
    const coinbase = buildCoinbase(height, { scriptSig, outputs: [{ value: 5_000_000_000, script }] });
    const bits = height < 2016 ? 0x1d00ffff : 0x1c3fffc0;
    const fields = { version: 0x20000000, prevHash, time: time as UnixSeconds, bits, nonce: nonces[i]! };
    const block = solveBlock(fields, [coinbase]);
    expect(block.hash.startsWith("00000000"), `height ${height}`).toBe(true);
    prevHash = block.hash;
  });
  const period = ancestry([1_231_006_505, ...timestamps.slice(0, 2015)], 0x1d00ffff);
  expect(nextBits(period, MAINNET)).toBe(0x1c3fffc0); // A quarter of the time wanted, or less: four times as hard.
  expect(nextBits(period.ancestor(2014) as never, MAINNET)).toBe(0x1d00ffff);
});

test("mainnet's first retargets come out as they did", () => {
  // Times and bits of the blocks at the ends of their periods, as Bitcoin Core's pow_tests have them.
  const cases = [
    { first: 1_261_130_161, last: 1_262_152_739, bits: 0x1d00ffff, next: 0x1d00d86a }, // Height 32,255.
    { first: 1_231_006_505, last: 1_233_061_996, bits: 0x1d00ffff, next: 0x1d00ffff }, // 2,015: at the limit.
    { first: 1_279_008_237, last: 1_279_297_671, bits: 0x1c05a3f4, next: 0x1c0168fd }, // 68,543: a quarter at most.
    { first: 1_263_163_443, last: 1_269_211_443, bits: 0x1c387f6f, next: 0x1d00e1fd }, // 46,367: four times at most.
  ];
  for (const { first, last, bits, next } of cases) {
    const times = [first, ...Array.from({ length: 2014 }, () => first), last];
    expect(nextBits(ancestry(times, bits), MAINNET).toString(16)).toBe(next.toString(16));
  }
});

const T = 15;
const PRIVATE: DifficultyParams = {
  powLimitBits: 0x207fffff,
  targetSpacingSeconds: T,
  retarget: { kind: "relative-exponential", halfLifeSeconds: 20 * T },
};
const START = 1_700_000_000;

function targetAfter(solveTime: number, bits = 0x1e00ffff): bigint {
  return bitsToTarget(nextBits(ancestry([START, START + 1000, START + 1000 + solveTime], bits), PRIVATE)).target;
}

test("a private network's difficulty stays when blocks come on time", () => {
  expect(nextBits(ancestry([START, START + 1000, START + 1000 + T], 0x1e00ffff), PRIVATE)).toBe(0x1e00ffff);
});

test("it follows 2^((solve time - T) / 20 T), within a hundredth of a percent or the form's last digit", () => {
  const before = Number(bitsToTarget(0x1e00ffff).target);
  for (const solveTime of [1, 5, 14, 16, 30, 60, 90]) {
    const wanted = 2 ** ((solveTime - T) / (20 * T));
    expect(Math.abs(Number(targetAfter(solveTime)) / before / wanted - 1), `${solveTime} s`).toBeLessThan(0.0002);
  }
});

test("a solve time counts six spacings at most", () => {
  expect(targetAfter(6 * T)).toBe(targetAfter(100_000));
  expect(targetAfter(6 * T)).toBeGreaterThan(targetAfter(6 * T - 1));
});

test("a time that is set back counts as none at all, and the next block makes up for nothing", () => {
  expect(targetAfter(-900)).toBe(targetAfter(0));
  const after = (times: number[]) => nextBits(ancestry(times, 0x1e00ffff), PRIVATE);
  expect(after([START, START + 1000, START + 100, START + 1000 + T])).toBe(after([START, START + 1000, START + 1000 + T]));
});

test("the first block has genesis' bits, whatever genesis' time", () => {
  expect(nextBits(ancestry([5], 0x1e00ffff), PRIVATE)).toBe(0x1e00ffff);
});

test("targets stay between the limit and possible, for any times", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 1, max: 0x207fffff }), (gap, bits) => {
      const { target, negative, overflow } = bitsToTarget(bits);
      fc.pre(!negative && !overflow && target > 0n && target <= bitsToTarget(PRIVATE.powLimitBits).target);
      const next = bitsToTarget(nextBits(ancestry([START, START, START + gap], bits), PRIVATE));
      expect(next.negative || next.overflow).toBe(false);
      expect(next.target > 0n && next.target <= bitsToTarget(PRIVATE.powLimitBits).target).toBe(true);
    }),
  );
});

test("a network whose hash rate falls to a tenth finds its pace again within 120 blocks", () => {
  let bits = 0x1d00ffff;
  const rate = Number(workOfBits(bits)) / T / 10;
  let times = [START, START + T];
  for (let block = 0; block < 120; block++) {
    const solveTime = Math.max(1, Math.round(Number(workOfBits(bits)) / rate));
    times = [times.at(-1)!, times.at(-1)! + solveTime];
    bits = nextBits(ancestry([0, ...times], bits), PRIVATE);
  }
  expect(Number(workOfBits(bits)) / rate / T).toBeGreaterThan(0.9);
  expect(Number(workOfBits(bits)) / rate / T).toBeLessThan(1.1);
});

test("the subsidy halves until nothing is left", () => {
  expect([0, 149, 150, 300, 150 * 32, 150 * 33, 150 * 64].map((height) => subsidy(height, REGTEST))).toEqual([
    5_000_000_000, 5_000_000_000, 2_500_000_000, 1_250_000_000, 1, 0, 0,
  ]);
  expect(subsidy(209_999, MAINNET)).toBe(5_000_000_000);
  expect(subsidy(840_000, MAINNET)).toBe(312_500_000);
  expect(totalSupply(MAINNET)).toBe(2_099_999_997_690_000n);
});
