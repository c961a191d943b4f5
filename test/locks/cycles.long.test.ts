import { expect, test } from "vitest";
import { randomCycles } from "./cycles.ts";

test("a million random cycles: each has one victim, and nobody is refused who would have had his turn", async () => {
  const report = await randomCycles(1_000_000, Date.now() & 0xffffff);
  console.log("cycles:", JSON.stringify(report));
  expect(report.complaints).toEqual([]);
  expect(report.cycles).toBe(1_000_000);
});
