import { expect, test } from "vitest";
import type { PoolStatistics } from "../../src/core/mining/pool.ts";
import { miningLines, WorkerRates } from "../../src/ui/mining-lines.ts";

const statistics = (hashes: readonly number[], rest: Partial<PoolStatistics> = {}): PoolStatistics => ({
  miners: [
    {
      id: "core0",
      kernel: "wasm-simd",
      workers: hashes.map((count, index) => ({ name: `core0_worker_${index}`, hashes: count })),
      hashes: 0,
    },
  ],
  hashesPerSecond: 4e6,
  accepted: 12,
  rejected: 1,
  stale: 2,
  target: 2n ** 256n / 8_000_000n,
  height: 113,
  work: {} as PoolStatistics["work"],
  ...rest,
});

test("the live view says rate, rate per worker, kernel, what became of blocks, difficulty and when to expect the next", () => {
  expect(miningLines(statistics([0, 0]), [1.5e6, 2.5e6], 61_000)).toEqual([
    "4.0 MH/s = 1.5 MH/s + 2.5 MH/s  wasm-simd",
    "12 accepted, 2 stale, 1 refused in 1 min 1 s",
    "block 113 at difficulty 0.00186, expected every 2.0 s",
  ]);
});

test("before the first rate and the first job it says what there is", () => {
  expect(miningLines(statistics([0], { hashesPerSecond: 0, target: undefined, height: undefined }), [], 10)).toEqual([
    "warming up  wasm-simd",
    "12 accepted, 2 stale, 1 refused in 10.0 ms",
  ]);
});

test("a worker's rate is what it hashed since the last look; one that was replaced begins again", () => {
  const rates = new WorkerRates(0);
  expect(rates.sample(statistics([1_000, 500]), 1_000)).toEqual([1_000, 500]);
  expect(rates.sample(statistics([4_000, 100]), 3_000)).toEqual([1_500, 50]);
  expect(rates.last).toEqual([1_500, 50]);
});
