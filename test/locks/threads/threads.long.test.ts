import { expect, test } from "vitest";
import { stress } from "./stress.ts";
import { terminateFuzz } from "./terminate.ts";

test("five threads with 80 tasks for a minute: counters add up, nothing is torn, nobody is stuck", async () => {
  const { complaints, totals } = await stress(60, Date.now() & 0xffffff);
  console.log("stress:", JSON.stringify(totals));
  expect(complaints).toEqual([]);
});

test("10,000 workers die in the middle of something and leave every lock usable", async () => {
  const report = await terminateFuzz(10_000, 1, Date.now() & 0xffffff);
  console.log("terminate:", JSON.stringify(report));
  expect(report.complaints).toEqual([]);
  expect(report.rounds).toBe(10_000);
});
