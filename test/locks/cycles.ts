import type { Root } from "../../src/core/locks/context.ts";
import { DeadlockError } from "../../src/core/locks/errors.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { RwLock } from "../../src/core/locks/rwlock.ts";
import { LockSpace } from "../../src/core/locks/space.ts";
import { randomOf } from "./threads/random.ts";

/*
 * Random strands hold random locks and ask for more, one request at a time. Before each request an oracle says whether it would leave
 * somebody waiting for ever. It knows nothing of graphs: it plays to the end what all others would do, by the rules of the lock.
 */

type Mode = "read" | "write";

export interface CycleReport {
  /** Requests that would have closed a cycle, each of which was refused: just one a round. */
  readonly cycles: number;
  /** Requests that had to wait and were not refused. */
  readonly waits: number;
  readonly rounds: number;
  readonly complaints: readonly string[];
  /** From asking to hearing the refusal, in microseconds. */
  readonly refusalMicros: { readonly p50: number; readonly p99: number; readonly max: number };
}

const STRANDS_MAX = 6;
const LOCKS = 5;
const LEVELS = ["BLOCKCHAIN", "UTXO_SET", "MEMPOOL", "PEERS", "SESSION"] as const;

/** A lock as its door page describes it. */
interface ModelLock {
  readonly holders: Map<number, Mode>;
  readonly queue: { readonly strand: number; readonly mode: Mode }[];
}

const isFree = ({ holders }: ModelLock, mode: Mode) =>
  holders.size === 0 || (mode === "read" && [...holders.values()].every((held) => held === "read"));

/** Takes the lock or joins its queue: a writer that waits bars new readers. */
function request(lock: ModelLock, strand: number, mode: Mode): boolean {
  const taken = lock.queue.length === 0 && isFree(lock, mode);
  if (taken) lock.holders.set(strand, mode);
  else lock.queue.push({ strand, mode });
  return taken;
}

/** A writer's release lets all readers in that wait, the last reader's release the first writer. */
function release(lock: ModelLock, strand: number): number[] {
  const wasWriter = lock.holders.get(strand) === "write";
  lock.holders.delete(strand);
  if (lock.holders.size > 0) return [];
  const readers = lock.queue.filter(({ mode }) => mode === "read");
  const granted = wasWriter && readers.length > 0 ? readers : lock.queue.slice(0, 1);
  const kept = lock.queue.filter((waiter) => !granted.includes(waiter));
  lock.queue.splice(0, lock.queue.length, ...kept);
  for (const { strand, mode } of granted) lock.holders.set(strand, mode);
  return granted.map((waiter) => waiter.strand);
}

/** Does anybody wait for ever, once all that do not wait have finished? Works on a copy. */
function isStuck(locks: readonly ModelLock[], strands: number): boolean {
  const copy = locks.map(({ holders, queue }) => ({ holders: new Map(holders), queue: [...queue] }));
  const waiting = new Set(copy.flatMap(({ queue }) => queue.map(({ strand }) => strand)));
  const running = Array.from({ length: strands }, (_, strand) => strand).filter((strand) => !waiting.has(strand));
  while (running.length > 0) {
    const strand = running.pop()!;
    for (const lock of copy) {
      if (!lock.holders.has(strand)) continue;
      for (const woken of release(lock, strand)) {
        waiting.delete(woken);
        running.push(woken);
      }
    }
  }
  return waiting.size > 0;
}

/** One strand of the real locks, told what to do from outside. */
class Strand {
  readonly at: Root;
  readonly held: { release(): void }[] = [];
  readonly #end: () => void;

  private constructor(at: Root, end: () => void) {
    this.at = at;
    this.#end = end;
  }

  static async open(manager: LockManager): Promise<Strand> {
    return await new Promise((resolve) => {
      void manager.task("strand", (at) => new Promise<void>((end) => resolve(new Strand(at, end))));
    });
  }

  finish(): void {
    for (const guard of this.held.splice(0)) guard.release();
    this.#end();
  }
}

/** Plays rounds until `cycles` requests were refused rightly, or something is wrong. */
export async function randomCycles(cycles: number, seed: number): Promise<CycleReport> {
  console.log(`cycles: seed ${seed}`);
  const random = randomOf(seed);
  const manager = new LockManager(LockSpace.create({ locks: LOCKS, owners: 32, threads: 2 }), { enforceOrder: false });
  manager.setDefaultTimeout(10_000);
  const locks = LEVELS.map((level) => manager.getLock(level.toLowerCase(), level) as unknown as RwLock);
  const complaints: string[] = [];
  const micros: number[] = [];
  let [rounds, waits, found] = [0, 0, 0];
  while (found < cycles && complaints.length === 0) {
    const outcome = await playRound(manager, locks, random);
    rounds++;
    waits += outcome.waits;
    if (outcome.complaint !== undefined) complaints.push(`round ${rounds}: ${outcome.complaint}`);
    if (outcome.refusedAfterMicros === undefined) continue;
    found++;
    micros.push(outcome.refusedAfterMicros);
  }
  const { prevented, found: broken } = manager.deadlockStats();
  if (prevented !== found || broken !== 0) complaints.push(`${prevented} cycles counted, ${found} seen`);
  const left = manager.stats().filter(({ state, waiters }) => state !== "free" || waiters.length > 0);
  complaints.push(...left.map(({ name, state }) => `${name} is ${state}`));
  manager.close();
  micros.sort((a, b) => a - b);
  const at = (share: number) => micros[Math.min(micros.length - 1, Math.floor(micros.length * share))] ?? 0;
  return { cycles: found, waits, rounds, complaints, refusalMicros: { p50: at(0.5), p99: at(0.99), max: at(1) } };
}

interface Outcome {
  readonly waits: number;
  readonly refusedAfterMicros?: number;
  readonly complaint?: string;
}

async function playRound(manager: LockManager, locks: readonly RwLock[], random: (n: number) => number): Promise<Outcome> {
  const strands = await Promise.all(Array.from({ length: 2 + random(STRANDS_MAX - 1) }, () => Strand.open(manager)));
  const model: ModelLock[] = locks.map(() => ({ holders: new Map(), queue: [] }));
  const some = 2 + random(LOCKS - 1); // The fewer locks, the more cycles.
  const mode = (): Mode => (random(3) === 0 ? "read" : "write");
  strands.forEach((strand, index) => {
    for (let takes = 1 + random(2); takes > 0; takes--) {
      const [lock, wanted] = [random(some), mode()];
      if (model[lock]!.holders.has(index) || !isFree(model[lock]!, wanted)) continue;
      model[lock]!.holders.set(index, wanted);
      strand.held.push(locks[lock]!.tryAcquire(strand.at as never, wanted)!);
    }
  });
  const pending: Promise<void>[] = [];
  const refusals: unknown[] = [];
  let outcome: Outcome = { waits: 0 };
  const turns = Array.from({ length: 3 }, () => shuffled(strands.length, random)).flat();
  for (const index of turns) {
    if (model.some(({ queue }) => queue.some((waiter) => waiter.strand === index))) continue;
    const [lock, wanted] = [random(some), mode()];
    if (model[lock]!.holders.has(index)) continue; // Refused as a wait for itself, whatever others do.
    const waits = !request(model[lock]!, index, wanted);
    const mustRefuse = waits && isStuck(model, strands.length);
    const strand = strands[index]!;
    const asked = performance.now();
    const answer = locks[lock]!.acquire(strand.at as never, wanted).then((guard) => void strand.held.push(guard as never));
    if (!mustRefuse) {
      if (waits) outcome = { ...outcome, waits: outcome.waits + 1 };
      pending.push(
        answer.then(
          () => void (waits && strand.finish()),
          (error) => void refusals.push(error),
        ),
      );
      continue;
    }
    const error = await answer.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (error instanceof DeadlockError) outcome = { ...outcome, refusedAfterMicros: (performance.now() - asked) * 1_000 };
    else outcome = { ...outcome, complaint: `a cycle was not refused, but ${error === undefined ? "granted" : String(error)}` };
    model[lock]!.queue.splice(
      model[lock]!.queue.findIndex((waiter) => waiter.strand === index),
      1,
    );
    break; // The victim gives up; nobody else may be refused.
  }
  return await endRound(strands, model, pending, refusals, outcome);
}

/** Whoever does not wait gives back all that it holds; then the others come in by turns, and finish too. */
async function endRound(
  strands: readonly Strand[],
  model: readonly ModelLock[],
  pending: readonly Promise<void>[],
  refusals: readonly unknown[],
  outcome: Outcome,
): Promise<Outcome> {
  const waiting = new Set(model.flatMap(({ queue }) => queue.map(({ strand }) => strand)));
  if (outcome.complaint !== undefined) return outcome;
  await null; // What was granted at once has come.
  strands.forEach((strand, index) => {
    if (!waiting.has(index)) strand.finish();
  });
  const late = Promise.withResolvers<"late">();
  const watchdog = setTimeout(() => late.resolve("late"), 20_000);
  const ended = await Promise.race([Promise.all(pending), late.promise]);
  clearTimeout(watchdog);
  if (ended === "late") return { ...outcome, complaint: "somebody waits for ever, and nobody was refused" };
  return refusals.length === 0 ? outcome : { ...outcome, complaint: `refused without a cycle: ${String(refusals[0])}` };
}

function shuffled(count: number, random: (n: number) => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let at = count - 1; at > 0; at--) {
    const other = random(at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}
