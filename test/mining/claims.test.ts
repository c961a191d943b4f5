import { expect, test } from "vitest";
import { WorkCoordinator } from "../../src/core/mining/coordinator.ts";
import { jobOf, type RangeWord, rangeWord, tagOf, unitOf } from "../../src/core/mining/range-word.ts";
import { type AtomicOperations, REISSUES_MAX, WorkSpace } from "../../src/core/mining/work-space.ts";
import { WorkerClaims, type WorkRange } from "../../src/core/mining/worker-claims.ts";
import { seededNumbers } from "../support/seeded.ts";
import { draft, HOLDING } from "./drafts.ts";

const clock = { monotonicMs: () => 0 };
const unitsOf = () => 1_000;

/** The death of a worker's thread between two atomic steps. */
class Death extends Error {}

/** Atomics that call `before` with the number of the operation, from 0, ahead of each. */
function watched(before: (step: number) => void): AtomicOperations {
  let step = 0;
  const watch = <F extends (...args: never[]) => unknown>(operation: F) =>
    ((...args: Parameters<F>) => {
      before(step++);
      return operation(...args);
    }) as unknown as F;
  const { load, store, add, compareExchange } = Atomics;
  return { load: watch(load), store: watch(store), add: watch(add), compareExchange: watch(compareExchange) };
}

function units(range: WorkRange): number[] {
  return Array.from({ length: range.units }, (_, index) => range.unit + index);
}

/** Every unit that the journal says is finished for `job`. */
function finishedUnits(coordinator: WorkCoordinator, job: number): number[] {
  const entries = coordinator.journal().filter(({ range, outcome }) => outcome === "finished" && jobOf(range) === job);
  return entries.flatMap((entry) => units({ job, unit: unitOf(entry.range), units: entry.units })).sort((a, b) => a - b);
}

function setup(unitsOfJob = 40) {
  const coordinator = new WorkCoordinator({ workers: 4, journalLength: 600 }, { clock });
  const job = coordinator.publish(HOLDING, { ...draft(), units: unitsOfJob });
  const [first, second] = [coordinator.openSlot(), coordinator.openSlot()];
  const worker = (slot: number, atomics?: AtomicOperations) =>
    new WorkerClaims(WorkSpace.attach(coordinator.handle, atomics), slot);
  return { coordinator, job, first, second, worker };
}

test("a range word holds job, unit and tag apart", () => {
  const word: RangeWord = rangeWord(0xfedcba98, 0xffffff, 0xab);
  expect([jobOf(word), unitOf(word), tagOf(word)]).toEqual([0xfedcba98, 0xffffff, 0xab]);
});

const UNITS = 24;

/**
 * A victim takes and ends ranges; before its `meets`-th atomic step another worker takes and ends one, before its `dies`-th step it
 * dies. Then its slot is closed and the other finishes the job. Returns whether the victim lived to do all that it wanted.
 */
function dieBetween(meets: number, dies: number, prepare?: (coordinator: WorkCoordinator, job: number) => void): boolean {
  const { coordinator, job, first, second, worker } = setup(UNITS);
  prepare?.(coordinator, job);
  const other = worker(second);
  const victim = worker(
    first,
    watched((step) => {
      if (step === meets) takeAndEnd(other, 2);
      if (step === dies) throw new Death();
    }),
  );
  let lived = true;
  try {
    for (let round = 0; round < 3; round++) takeAndEnd(victim, 1 + round);
  } catch (error) {
    expect(error).toBeInstanceOf(Death);
    lived = false;
  }
  if (dies % 2 === 0) takeAndEnd(other, 1); // Somebody moves the head on before the death is noticed.
  coordinator.closeSlot(first);
  while (takeAndEnd(other, 3)) {}
  const label = `meets at ${meets}, dies at ${dies}`;
  expect(finishedUnits(coordinator, job), label).toEqual(Array.from({ length: UNITS }, (_, unit) => unit));
  const { issued, finished, stale } = coordinator.statistics();
  expect({ issued, finished, stale }, label).toEqual({ issued: UNITS, finished: UNITS, stale: 0 });
  return lived;
}

function takeAndEnd(claims: WorkerClaims, count: number): boolean {
  const range = claims.take(count, () => UNITS);
  if (range) claims.end(range, "complete");
  return range !== undefined;
}

test("a worker that dies between any two atomic steps, met by another at any step before, leaves no hole and no double", () => {
  let dies = 0;
  for (let lived = false; !lived; dies++) {
    for (let meets = 0; meets <= dies; meets++) lived = dieBetween(meets, dies);
  }
  expect(dies).toBeGreaterThan(40);
});

test("the same while it mines ranges that others left behind", () => {
  const leaveBehind = (coordinator: WorkCoordinator) => {
    for (let death = 0; death < 2; death++) {
      const slot = coordinator.openSlot();
      new WorkerClaims(WorkSpace.attach(coordinator.handle), slot).take(2, () => UNITS);
      coordinator.closeSlot(slot);
    }
  };
  let dies = 0;
  for (let lived = false; !lived; dies++) {
    for (let meets = dies % 5; meets <= dies; meets += 5) lived = dieBetween(meets, dies, leaveBehind);
  }
  expect(dies).toBeGreaterThan(40);
});

test("more ranges than the shared table holds wait in the coordinator and are all mined", () => {
  const count = REISSUES_MAX + 20;
  const { coordinator, job, first, worker } = setup(count);
  const claims = worker(first);
  const left = Array.from({ length: count }, () => coordinator.claim(1)!);
  for (const range of left) coordinator.offerAgain(range);
  while (finishedUnits(coordinator, job).length < count) {
    coordinator.tend();
    const range = claims.take(1, () => count);
    expect(range).toBeDefined();
    if (range) claims.end(range, "complete");
  }
  expect(finishedUnits(coordinator, job)).toEqual(Array.from({ length: count }, (_, unit) => unit));
});

test("claims of many workers in any interleaving are disjoint", () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const next = seededNumbers(seed);
  const { coordinator, job, first, second, worker } = setup(500);
  const workers = [worker(first), worker(second), worker(coordinator.openSlot())];
  const held = new Map<WorkerClaims, WorkRange>();
  const taken: number[] = [];
  while (taken.length < 500) {
    const claims = workers[next() % 3]!;
    const range = held.get(claims);
    if (range) {
      claims.end(range, "complete");
      held.delete(claims);
      continue;
    }
    const fresh = claims.take(1 + (next() % 5), () => 500);
    if (fresh) held.set(claims, fresh);
    if (fresh) taken.push(...units(fresh));
  }
  for (const [claims, range] of held) claims.end(range, "complete");
  expect(
    taken.toSorted((a, b) => a - b),
    `seed ${seed}`,
  ).toEqual(Array.from({ length: 500 }, (_, unit) => unit));
  expect(finishedUnits(coordinator, job)).toEqual(Array.from({ length: 500 }, (_, unit) => unit));
});

test("a worker cannot take a range of a job that came after the one it read", () => {
  const { coordinator, first, second, worker } = setup();
  const publishes: AtomicOperations = {
    ...atomics(),
    compareExchange: ((array: BigInt64Array, index: number, from: bigint, to: bigint) => {
      if (index === 0 && coordinator.jobNumber === 1) coordinator.publish(HOLDING, { ...draft(), units: 40 }); // Between reading the head and moving it.
      return Atomics.compareExchange(array, index, from, to);
    }) as AtomicOperations["compareExchange"],
  };
  expect(worker(first, publishes).take(5, unitsOf)).toEqual({ job: 2, unit: 0, units: 5 });
  expect(worker(second).take(5, unitsOf)).toEqual({ job: 2, unit: 5, units: 5 });
});

function atomics(): AtomicOperations {
  const { load, store, add, compareExchange } = Atomics;
  return { load, store, add, compareExchange };
}

test("a range ended after its job is over counts as stale", () => {
  const { coordinator, first, worker } = setup();
  const claims = worker(first);
  const range = claims.take(4, unitsOf)!;
  coordinator.publish(HOLDING, draft());
  claims.end(range, "complete");
  expect(coordinator.statistics()).toMatchObject({ issued: 4, finished: 0, stale: 4 });
});

test("only the first hit of a job counts, and only once", () => {
  const { coordinator, job, first, second, worker } = setup();
  const [one, two] = [worker(first), worker(second)];
  expect(two.report({ job: job - 1, extranonce: 0, nonce: 1 })).toBe(false);
  expect(one.report({ job, extranonce: 7, nonce: 0xfffffffe })).toBe(true);
  expect(two.report({ job, extranonce: 8, nonce: 3 })).toBe(false);
  expect(coordinator.takeHit()).toEqual({ job, extranonce: 7, nonce: 0xfffffffe });
  expect(coordinator.takeHit()).toBeUndefined();
  expect(one.take(1, unitsOf)).toBeUndefined(); // A solved job has no more work.
  expect(coordinator.statistics()).toMatchObject({ hits: 1, duplicatesPrevented: 2 });
});

test("a late report for an old job does not open a newer one that is solved", () => {
  const { coordinator, first, second, worker } = setup();
  const job = coordinator.publish(HOLDING, draft());
  expect(worker(first).report({ job, extranonce: 0, nonce: 1 })).toBe(true);
  const space = WorkSpace.attach(coordinator.handle);
  expect(space.markSolved(job - 1)).toBe(false);
  expect(worker(second).take(1, unitsOf)).toBeUndefined();
});
