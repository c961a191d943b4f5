import { expect, test } from "vitest";
import { explore } from "./explore.ts";
import { CRASHES, SCENARIOS } from "./scenarios.ts";

test.each([...SCENARIOS, ...CRASHES])("every interleaving of $name keeps the promises", (scenario) => {
  const { complaint, complete, states, runs, ms, outcomes, schedule } = explore(scenario);
  console.log(`${scenario.name}: ${states} states, ${runs} runs, ${ms} ms; ends: ${outcomes.join(" | ")}`);
  expect({ complaint, complete, schedule: complaint === undefined ? [] : schedule }).toEqual({
    complaint: undefined,
    complete: true,
    schedule: [],
  });
});
