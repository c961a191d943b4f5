import { explore } from "./explorer/explore.ts";
import { CRASHES, SCENARIOS } from "./explorer/scenarios.ts";
import { FAULTS, type Fault } from "./mutations.ts";

/*
 * npm run mutate:locks [words of a fault's name]: seeds each fault into the lock source, in memory, and sees that a scenario of the
 * explorer complains. Ends with 1 if a fault survives that is not argued to be equivalent.
 */

const ALL = [...SCENARIOS, ...CRASHES];
const LIMITS = { msMax: 900_000, statesMax: 1_000_000 };

function killer(fault: Fault): string | undefined {
  for (const name of fault.scenarios) {
    const scenario = ALL.find((candidate) => candidate.name === name);
    if (scenario === undefined) throw new Error(`"${fault.name}" names no scenario: "${name}"`);
    try {
      const { complaint, complete, states } = explore(scenario, LIMITS, fault);
      if (complaint !== undefined) return `${name}: ${complaint}`;
      // The original has a hundred times fewer states: going round for ever is a fault too.
      if (!complete && states >= LIMITS.statesMax) return `${name}: does not end`;
    } catch (error) {
      return `${name}: ${error}`;
    }
  }
  return undefined;
}

const wanted = process.argv.slice(2).join(" ");
let survivors = 0;
let killed = 0;
const chosen = FAULTS.filter((fault) => fault.name.includes(wanted));
for (const fault of chosen) {
  const by = killer(fault);
  if (by !== undefined) killed++;
  else if (fault.equivalent === undefined) survivors++;
  const verdict =
    by !== undefined ? `killed by ${by}` : fault.equivalent !== undefined ? `equivalent: ${fault.equivalent}` : "SURVIVED";
  console.log(`${fault.name}: ${verdict.slice(0, 160)}`);
}
console.log(
  `${chosen.length} faults, ${killed} killed, ${chosen.length - killed - survivors} argued equivalent, ${survivors} survived`,
);
process.exitCode = survivors > 0 ? 1 : 0;
