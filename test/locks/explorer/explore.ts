import type { Mutation } from "./source.ts";
import { Hash, StateSet } from "./state-set.ts";
import { codeFor, type Scenario, World } from "./world.ts";

export interface Exploration {
  readonly name: string;
  readonly complaint: string | undefined;
  /** False: a limit was reached first. */
  readonly complete: boolean;
  readonly states: number;
  readonly runs: number;
  readonly ms: number;
  readonly outcomes: readonly string[];
  /** The choices that led to the complaint: strand * 2, + 1 for its death. */
  readonly schedule: readonly number[];
}

/** One choice of a schedule; schedules share their beginnings. */
interface Choice {
  readonly before: Choice | undefined;
  readonly choice: number;
}

/**
 * Goes through every interleaving of a scenario, depth first. Threads cannot be copied, so going back means running the choices
 * again from the start. Two things keep it small: a state seen before is not left again (memory and what each strand has read
 * since its last boundary), and a step that no other strand can notice is taken at once.
 */
export function explore(
  scenario: Scenario,
  limits: { statesMax?: number; msMax?: number } = {},
  mutation?: Mutation,
): Exploration {
  const { code, link } = codeFor(scenario, mutation);
  const { statesMax = 20_000_000, msMax = 600_000 } = limits;
  const start = performance.now();
  const seen = new StateSet();
  const outcomes = new Set<string>();
  const open: (Choice | undefined)[] = [undefined];
  const hash = new Hash();
  let runs = 0;
  const end = (complete: boolean, complaint?: string, at?: Choice): Exploration => ({
    name: scenario.name,
    complaint,
    complete,
    states: seen.size,
    runs,
    ms: Math.round(performance.now() - start),
    outcomes: [...outcomes].sort(),
    schedule: scheduleOf(at),
  });
  while (open.length > 0) {
    if (seen.size > statesMax || performance.now() - start > msMax) return end(false);
    let at = open.pop();
    runs++;
    const world = new World(scenario, code, link);
    for (const choice of scheduleOf(at)) world.step(choice >> 1, (choice & 1) === 0 ? "go" : "die");
    for (;;) {
      if (world.complaint !== undefined) return end(true, world.complaint, at);
      const choices = choicesOf(world);
      if (choices.length === 0) {
        const complaint = world.verdict();
        if (complaint !== undefined) return end(true, complaint, at);
        outcomes.add(world.strands.map((strand) => strand.result).join(","));
        break;
      }
      if (!seen.add(world.key(hash))) break;
      for (let i = choices.length - 1; i > 0; i--) open.push({ before: at, choice: choices[i]! });
      at = { before: at, choice: choices[0]! };
      world.step(choices[0]! >> 1, (choices[0]! & 1) === 0 ? "go" : "die");
    }
  }
  return end(true);
}

function choicesOf(world: World): number[] {
  const choices: number[] = [];
  for (let me = 0; me < world.strands.length; me++) {
    const own = world.choices(me).map((choice) => me * 2 + (choice === "die" ? 1 : 0));
    if (own.length > 0 && world.isPrivate(me)) return own;
    choices.push(...own);
  }
  return choices;
}

function scheduleOf(at: Choice | undefined): number[] {
  const schedule: number[] = [];
  for (let choice = at; choice !== undefined; choice = choice.before) schedule.push(choice.choice);
  return schedule.reverse();
}
