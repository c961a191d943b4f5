import { expect, test } from "vitest";
import { killRounds } from "./kills.ts";

test("a thousand kills lose nothing that was confirmed", async () => {
  const seed = 1000;
  console.log(`first seed ${seed}`);
  expect(await killRounds(1000, seed)).toBeGreaterThan(500);
});
