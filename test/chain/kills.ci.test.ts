import { expect, test } from "vitest";
import { Killer } from "./kills.ts";

test("killed at any moment, a node starts again with what it confirmed and the coins of a replay", async () => {
  await using killer = await Killer.create(11);
  await killer.rounds(20);
  console.log(`kills hit ${JSON.stringify(killer.hits)}; ${killer.aheads} steps were done and not confirmed`);
  const hits = Object.values(killer.hits).reduce((sum, count) => sum + count, 0);
  expect(hits).toBeGreaterThan(10);
});
