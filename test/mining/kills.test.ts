import { expect, test } from "vitest";
import { mineWhileKilling } from "./kills.ts";

test("workers killed while they mine leave no nonce out and none twice", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const { finished, expected } = await mineWhileKilling({ seed, jobs: 2, teams: [2] });
  expect(finished, `seed ${seed}`).toEqual(expected);
});
