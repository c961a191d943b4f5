import { expect, test } from "vitest";
import { mineWhileKilling } from "./kills.ts";

test("over 50 jobs of two miners with workers killed at random, every nonce is tried once", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const { finished, expected, kills, reissued } = await mineWhileKilling({ seed, jobs: 50, teams: [4, 8] });
  expect(finished, `seed ${seed}`).toEqual(expected);
  expect(kills).toBeGreaterThan(50);
  expect(reissued, `seed ${seed}: no kill hit a worker in the middle of a range`).toBeGreaterThan(0);
});
