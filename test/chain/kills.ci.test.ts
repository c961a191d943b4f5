import { expect, test } from "vitest";
import { killRounds } from "./kills.ts";

test("killed at any moment, a node starts again with what it confirmed and the coins of a replay", async () => {
  expect(await killRounds(20, 11)).toBeGreaterThan(10);
});
