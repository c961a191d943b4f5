import { expect, test } from "vitest";
import { Turns } from "../src/core/turns.ts";

test("work whose slice is used up lets what waits run, then has a slice of its own again", async () => {
  const turns = new Turns(1);
  const start = performance.now();
  while (!turns.isDue) expect(performance.now() - start, "a slice ends").toBeLessThan(10_000);
  const seen: string[] = [];
  setImmediate(() => seen.push("immediate"));
  setTimeout(() => seen.push("timer"), 0);
  while (!seen.includes("timer")) {
    seen.push("work");
    await turns.give();
  }
  expect(seen).toContain("immediate");
  const long = new Turns(60_000);
  expect(long.isDue).toBe(false);
});
