import { expect, test } from "vitest";
import { randomCycles } from "./cycles.ts";

test("3,000 random cycles: each has one victim, and nobody is refused who would have had his turn", async () => {
  const report = await randomCycles(3_000, Date.now() & 0xffffff);
  console.log("cycles:", JSON.stringify(report));
  expect(report.complaints).toEqual([]);
  expect(report.cycles).toBe(3_000);
  expect(report.waits).toBeGreaterThan(3_000);
});
