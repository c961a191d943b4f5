import { setTimeout as delay } from "node:timers/promises";
import { WorkCoordinator } from "../../src/core/mining/coordinator.ts";
import { nonceRange } from "../../src/core/mining/job.ts";
import { JobCycle } from "../../src/core/mining/job-cycle.ts";
import { jobOf, unitOf } from "../../src/core/mining/range-word.ts";
import { WorkSpace } from "../../src/core/mining/work-space.ts";
import { WorkerTeam } from "../../src/core/mining/worker-team.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { seededNumbers } from "../support/seeded.ts";
import { draft, HOLDING } from "./drafts.ts";

export interface KillRun {
  readonly seed: number;
  readonly jobs: number;
  readonly teams: readonly number[];
}

export interface KillOutcome {
  readonly kills: number;
  /** Per job every finished unit's (extranonce, nonce) start, in order of the search; and what a whole job should give. */
  readonly finished: readonly (readonly string[])[];
  readonly expected: readonly (readonly string[])[];
  readonly reissued: number;
}

/** Units of a job: seven and a half extranonces. */
const UNITS = 120;

/**
 * Real threads mine jobs that nobody can solve, each to its end, while threads are killed at random moments. What was finished is read
 * from the journal in shared memory, which a thread cannot have written half.
 */
export async function mineWhileKilling({ seed, jobs, teams }: KillRun): Promise<KillOutcome> {
  const next = seededNumbers(seed);
  const clock = { monotonicMs: () => performance.now() };
  const coordinator = new WorkCoordinator({ unitBits: 12, nonceBits: 16, journalLength: jobs * UNITS }, { clock });
  const space = WorkSpace.attach(coordinator.handle);
  const log = new QuietLog();
  const fail = (error: Error) => {
    throw error;
  };
  const running = teams.map((threads, index) => {
    const team = new WorkerTeam({ id: `miner${index}`, threads }, { coordinator, log, tell: () => {}, fail });
    team.start();
    return team;
  });
  const finished: string[][] = [];
  const expected: string[][] = [];
  let kills = 0;
  for (let round = 0; round < jobs; round++) {
    const job = coordinator.publish(HOLDING, { ...draft(), units: UNITS });
    const label = (unit: number) => {
      const { extranonce, startNonce } = nonceRange(space, coordinator.job!, { unit, units: 1 });
      return `${job} ${extranonce} ${startNonce}`;
    };
    const done = () => coordinator.journal().filter(({ range, outcome }) => outcome === "finished" && jobOf(range) === job);
    while (done().reduce((sum, { units }) => sum + units, 0) < UNITS) {
      await delay(next() % 8);
      if (next() % 3 !== 0) continue;
      const team = running[next() % running.length]!;
      const index = next() % team.options.threads;
      if (team.hashes()[index]?.hashes === 0) continue; // Else none would ever live long enough to mine.
      await team.kill(index);
      kills++;
    }
    const units = done().flatMap((entry) => Array.from({ length: entry.units }, (_, index) => unitOf(entry.range) + index));
    finished.push(units.toSorted((a, b) => a - b).map(label));
    expected.push(Array.from({ length: UNITS }, (_, unit) => label(unit)));
  }
  await Promise.all(running.map((team) => team.stop()));
  return { kills, finished, expected, reissued: coordinator.statistics().reissued };
}

export interface HitRun {
  readonly seed: number;
  readonly blocks: number;
  readonly threads: number;
}

/** Mines blocks at a pace of about 30 a second while threads are killed at random; returns what was handed in, in order. */
export async function findBlocksWhileKilling({ seed, blocks, threads }: HitRun) {
  const next = seededNumbers(seed);
  const chain = new FakeChain();
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const coordinator = new WorkCoordinator({}, { clock });
  const heights: number[] = [];
  const cycle = new JobCycle(
    { blocks, blockTimeSeconds: 0.03, fastUntilHeight: 0 },
    {
      coordinator,
      clock,
      log: new QuietLog(),
      source: async () => chain.candidate(),
      submit: async (block) => {
        const reason = chain.submit(block);
        heights.push(chain.tip.height);
        return reason === undefined ? { accepted: true } : { accepted: false, reason };
      },
      guarded: async (publish) => publish(HOLDING),
      totalHashes: () => team.totalHashes(),
      rateGuess: 5e6,
    },
  );
  const deps = { coordinator, log: new QuietLog(), tell: cycle.hear.bind(cycle), fail: cycle.fail.bind(cycle) };
  const team = new WorkerTeam({ id: "miner", threads }, deps);
  team.start();
  const running = cycle.run();
  let kills = 0;
  while (chain.tip.height < blocks) {
    await delay(next() % 40);
    const index = next() % threads;
    if (team.hashes()[index]?.hashes === 0) continue;
    await team.kill(index);
    kills++;
  }
  await running;
  await team.stop();
  return { heights, kills, rejected: cycle.rejected, stale: cycle.stale };
}
