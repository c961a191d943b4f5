import { atMutex, type Op, strand, undertaker } from "./strand.ts";
import type { Scenario } from "./world.ts";

const r = (take: number): Op => ({ take, mode: "read" });
const w = (take: number): Op => ({ take, mode: "write" });
/** With a time limit that may run out at any moment. */
const up = (op: Op): Op => ({ ...op, give: "up" }) as Op;
/** On an event loop, with a signal that may fire at any moment. */
const abort = (op: Op): Op => ({ ...op, give: "abort" }) as Op;
/** On an event loop. */
const parked = (op: Op): Op => ({ ...op, parks: true }) as Op;
const release: Op = { release: true };

const never = (word: string) => (results: readonly string[]) =>
  results.includes(word) ? `unexpected ${word}: ${results}` : undefined;
const calm = never("deadlock");
/** A cycle has a victim at most, and somebody gets through. */
const oneVictim = (results: readonly string[]) =>
  results.filter((result) => result === "deadlock").length > 1 ? `several victims: ${results}` : undefined;

/** A step of a unit of work: adds to the shared data, or takes it away again. */
const addTo = (index: number, amount: number): Op => ({
  change: (shared) => {
    shared[index]! += amount;
  },
  undo: (shared) => {
    shared[index]! -= amount;
  },
});

export const SCENARIOS: readonly Scenario[] = [
  { name: "write/write, mutex step by step", locks: 1, threads: [strand(w(0)), strand(w(0))], fullMutex: true, check: calm },
  { name: "read/write, mutex step by step", locks: 1, threads: [strand(r(0)), strand(w(0))], fullMutex: true, check: calm },
  { name: "write/write", locks: 1, threads: [strand(w(0)), strand(w(0))], check: calm },
  { name: "three at the mutex, step by step", locks: 1, threads: [atMutex(1), atMutex(1), atMutex(1)], fullMutex: true },
  {
    name: "phases are fair",
    locks: 1,
    threads: [strand(w(0)), strand(w(0)), strand(w(0)), strand(r(0))],
    prepare: [0, 1, 2, 3],
    check: calm,
  },
  { name: "write/write/write", locks: 1, threads: [strand(w(0)), strand(w(0)), strand(w(0))], check: calm },
  { name: "read/write", locks: 1, threads: [strand(r(0)), strand(w(0))], check: calm },
  { name: "read/read/write", locks: 1, threads: [strand(r(0)), strand(r(0)), strand(w(0))], check: calm },
  { name: "read/write/write", locks: 1, threads: [strand(r(0)), strand(w(0)), strand(w(0))], check: calm },
  { name: "read/write on event loops", locks: 1, threads: [strand(parked(r(0))), strand(parked(w(0)))], check: calm },
  { name: "writers first", locks: 1, threads: [strand(w(0)), strand(w(0)), strand(r(0))], writerPriority: true, check: calm },
  {
    name: "queue hand-over, twice each",
    locks: 1,
    threads: [strand(w(0), release, w(0)), strand(w(0), release, r(0))],
    check: calm,
  },
  { name: "AB/BA", locks: 2, threads: [strand(w(0), w(1)), strand(w(1), w(0))], check: oneVictim },
  { name: "AB/BA, one reads", locks: 2, threads: [strand(w(0), r(1)), strand(w(1), r(0))], check: oneVictim },
  { name: "AB/BA through readers", locks: 2, threads: [strand(r(0), w(1)), strand(r(1), w(0))], check: oneVictim },
  {
    name: "AB/BA behind a queued writer",
    locks: 2,
    threads: [strand(r(0), w(1)), strand(w(0)), strand(w(1), r(0))],
    check: oneVictim,
  },
  {
    name: "a hold given back during a wait",
    locks: 2,
    threads: [strand(w(0), { take: 1, mode: "write", parks: true, drops: 0 }), strand(w(1), { awaits: 2 }, w(0)), strand(w(0))],
    prepare: [0, 1, 2],
    check: calm,
  },
  {
    name: "three-party cycle",
    locks: 3,
    threads: [strand(w(0), w(1)), strand(w(1), w(2)), strand(w(2), w(0))],
    check: oneVictim,
  },
  { name: "timeout vs grant", locks: 1, threads: [strand(w(0)), strand(up(w(0)))], check: calm },
  { name: "timeout vs grant of a reader", locks: 1, threads: [strand(w(0)), strand(up(r(0)))], check: calm },
  {
    name: "a reader behind a writer that gives up",
    locks: 1,
    threads: [strand(r(0), { awaits: 2 }), strand(up(w(0))), strand(r(0))],
    check: calm,
  },
  { name: "a writer gives up before another", locks: 1, threads: [strand(r(0)), strand(up(w(0))), strand(w(0))], check: calm },
  {
    name: "timeout of a writer with a reader behind",
    locks: 1,
    threads: [strand(r(0)), strand(up(w(0))), strand(r(0))],
    check: calm,
  },
  { name: "timeouts of readers", locks: 1, threads: [strand(up(r(0))), strand(w(0)), strand(up(r(0)))], check: calm },
  { name: "abort vs grant", locks: 1, threads: [strand(parked(w(0))), strand(abort(w(0)))], check: calm },
  {
    name: "abort vs grant of readers",
    locks: 1,
    threads: [strand(parked(w(0))), strand(abort(r(0))), strand(parked(r(0)))],
    check: calm,
  },
  {
    name: "unit of work vs unit of work",
    locks: 2,
    threads: [strand(w(0), addTo(0, 1), w(1), addTo(1, 1)), strand(w(0), addTo(0, 5), w(1), addTo(1, 5), { fail: true })],
    check: (results) => (results.join() === "ok,rolled back" ? undefined : `units of work ended ${results}`),
  },
];

/** The first thread may die at any step; the last one buries it. */
export const CRASHES: readonly Scenario[] = [
  { name: "reap vs acquire", locks: 1, threads: [strand(w(0)), strand(w(0)), undertaker()], mortal: [0] },
  { name: "reap of a reader vs writer", locks: 1, threads: [strand(r(0)), strand(w(0)), undertaker()], mortal: [0] },
  { name: "reap of a writer vs reader", locks: 1, threads: [strand(w(0)), strand(r(0)), undertaker()], mortal: [0] },
  { name: "reap of a reader vs reader", locks: 1, threads: [strand(r(0)), strand(r(0)), undertaker()], mortal: [0] },
  {
    name: "a death inside is told",
    locks: 1,
    threads: [strand(w(0)), strand(r(0)), undertaker()],
    mortal: [0],
    prepare: [0, 1],
    killed: [0],
    check: (results) => (results.join() === "dead,torn,done" ? undefined : `the reader was not told: ${results}`),
  },
  { name: "reap vs release, the dead one waits", locks: 1, threads: [strand(up(w(0))), strand(w(0)), undertaker()], mortal: [0] },
  { name: "reap of a reader that waits", locks: 1, threads: [strand(up(r(0))), strand(w(0)), undertaker()], mortal: [0] },
  { name: "death in a refused cycle", locks: 2, threads: [strand(w(0), w(1)), strand(w(1), w(0)), undertaker()], mortal: [0] },
  { name: "two die", locks: 1, threads: [strand(w(0)), strand(r(0)), undertaker()], mortal: [0, 1] },
  {
    name: "death while granting readers",
    locks: 1,
    threads: [strand(w(0)), strand(r(0)), strand(r(0)), undertaker()],
    mortal: [0],
    prepare: [0, 1, 2],
  },
  {
    name: "death while granting a reader, another comes",
    locks: 1,
    threads: [strand(w(0)), strand(r(0)), strand(r(0)), undertaker()],
    mortal: [0],
    prepare: [0, 1],
  },
  {
    name: "death while granting, reader and writer",
    locks: 1,
    threads: [strand(w(0)), strand(r(0)), strand(w(0)), undertaker()],
    mortal: [0],
    prepare: [0, 1, 2],
  },
  {
    name: "death of a reader, another and a writer",
    locks: 1,
    threads: [strand(r(0)), strand(r(0)), strand(w(0)), undertaker()],
    mortal: [0],
    prepare: [0, 1, 2],
  },
  {
    name: "two die, a third waits",
    locks: 1,
    threads: [strand(r(0)), strand(w(0)), strand(r(0)), undertaker()],
    mortal: [0, 1],
    prepare: [0, 1, 2],
  },
  {
    name: "death in a queue",
    locks: 1,
    threads: [strand(w(0)), strand(r(0)), strand(r(0)), undertaker()],
    mortal: [0],
    prepare: [1, 0, 2],
  },
  {
    name: "the undertaker of a writer dies",
    locks: 1,
    threads: [strand(w(0)), strand(r(0)), undertaker([0]), undertaker([0, 2])],
    mortal: [0, 2],
    prepare: [0, 1],
    killed: [0],
  },
  {
    name: "the undertaker of a reader dies",
    locks: 1,
    threads: [strand(r(0)), strand(w(0)), undertaker([0]), undertaker([0, 2])],
    mortal: [0, 2],
    prepare: [0, 1],
    killed: [0],
  },
];
