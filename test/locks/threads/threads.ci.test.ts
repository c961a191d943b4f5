import { expect, test } from "vitest";
import { stress } from "./stress.ts";
import { terminateFuzz } from "./terminate.ts";

test("five threads with 80 tasks for 5 s: counters add up, nothing is torn, nobody is stuck", async () => {
  const { complaints, totals } = await stress(5, Date.now() & 0xffffff);
  console.log("stress:", JSON.stringify(totals));
  expect(complaints).toEqual([]);
  expect(totals.writes).toBeGreaterThan(1000);
  expect(totals.timeouts + totals.aborts).toBeGreaterThan(0);
});

test("200 workers die in the middle of something and leave every lock usable", async () => {
  const report = await terminateFuzz(200, 1, Date.now() & 0xffffff);
  console.log("terminate:", JSON.stringify(report));
  expect(report.complaints).toEqual([]);
  expect(report.rounds).toBe(200);
});

test("three workers die at once and leave every lock usable", async () => {
  const report = await terminateFuzz(30, 3, Date.now() & 0xffffff);
  console.log("terminate three:", JSON.stringify(report));
  expect(report.complaints).toEqual([]);
});
