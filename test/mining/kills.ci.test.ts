import { expect, test } from "vitest";
import { findBlocksWhileKilling, mineWhileKilling } from "./kills.ts";

test("over 50 jobs of two miners with workers killed at random, every nonce is tried once", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const { finished, expected, kills, reissued } = await mineWhileKilling({ seed, jobs: 50, teams: [4, 8] });
  expect(finished, `seed ${seed}`).toEqual(expected);
  expect(kills).toBeGreaterThan(20); // On a busy machine many a moment finds nobody who has begun.
  expect(reissued, `seed ${seed}: no kill hit a worker in the middle of a range`).toBeGreaterThan(0);
});

test("blocks found while workers are killed at random are handed in once each", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const { heights, kills, rejected, stale } = await findBlocksWhileKilling({ seed, blocks: 50, threads: 4 });
  expect(heights, `seed ${seed}`).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect({ rejected, stale }, `seed ${seed}`).toEqual({ rejected: 0, stale: 0 });
  expect(kills).toBeGreaterThan(10);
});
