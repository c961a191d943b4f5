import { expect, test } from "vitest";
import { explore } from "./explore.ts";
import { CRASHES, SCENARIOS } from "./scenarios.ts";

/** The small ones; all of them in explorer.ci.test.ts. */
const QUICK = ["write/write", "read/write", "AB/BA", "AB/BA through readers", "timeout vs grant", "unit of work vs unit of work"];

test.each([...SCENARIOS, ...CRASHES].filter(({ name }) => QUICK.includes(name)))(
  "every interleaving of $name keeps the promises",
  (scenario) => {
    const { complaint, complete, schedule } = explore(scenario);
    expect({ complaint, complete, schedule: complaint === undefined ? [] : schedule }).toEqual({
      complaint: undefined,
      complete: true,
      schedule: [],
    });
  },
);
