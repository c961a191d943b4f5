import { Worker } from "node:worker_threads";
import { LockManager } from "../../../src/core/locks/manager.ts";
import { LockSpace } from "../../../src/core/locks/space.ts";
import { DATA_WORDS, LEVELS, type StressJob, type StressResult, stressTasks } from "./stress-task.ts";

export interface StressReport {
  readonly complaints: readonly string[];
  readonly totals: Omit<StressResult, "written"> & { writes: number };
}

/** Four workers and the main thread, 16 tasks each: counters must add up, nothing be torn, nobody be stuck, everything be free. */
export async function stress(seconds: number, seed: number): Promise<StressReport> {
  console.log(`stress: seed ${seed}`);
  const space = LockSpace.create({ locks: 8, owners: 256, threads: 8 });
  const data = new SharedArrayBuffer(LEVELS.length * DATA_WORDS * 4);
  const job = (thread: number): StressJob => ({
    handle: space.handle(),
    data,
    seconds,
    tasks: 16,
    seed: seed + thread * 7919,
    blocks: thread >= 3,
  });
  const locks = new LockManager(space);
  const workers = [1, 2, 3, 4].map((thread) => {
    const worker = new Worker(new URL("./stress-worker.ts", import.meta.url), { workerData: job(thread) });
    space.watch(worker);
    return new Promise<StressResult>((resolve, reject) => worker.once("message", resolve).once("error", reject));
  });
  const stuck = Promise.withResolvers<never>();
  const watchdog = setTimeout(() => stuck.reject(new Error(`stuck: ${JSON.stringify(locks.graph())}`)), seconds * 1000 + 60_000);
  const results = await Promise.race([Promise.all([stressTasks(job(0)), ...workers]), stuck.promise]);
  clearTimeout(watchdog);
  return { complaints: complaintsOf(results, new Int32Array(data), locks), totals: totalsOf(results) };
}

function complaintsOf(results: readonly StressResult[], data: Int32Array, locks: LockManager): string[] {
  const complaints = LEVELS.flatMap((level, lock) => {
    const written = results.reduce((sum, result) => sum + result.written[lock]!, 0);
    const words = [...data.subarray(lock * DATA_WORDS, (lock + 1) * DATA_WORDS)];
    return words.every((word) => word === written) ? [] : [`${level}: ${written} writes left ${words}`];
  });
  const torn = results.reduce((sum, result) => sum + result.torn, 0);
  if (torn > 0) complaints.push(`${torn} torn reads`);
  for (const { name, state, waiters } of locks.stats())
    if (state !== "free" || waiters.length > 0) complaints.push(`${name} is ${state}`);
  const acquisitions = locks.stats().reduce((sum, stats) => sum + stats.acquisitions, 0);
  const done = results.reduce((sum, result) => sum + result.reads + result.written.reduce((a, b) => a + b), 0);
  if (acquisitions !== done) complaints.push(`${acquisitions} acquisitions counted, ${done} done`);
  return complaints;
}

function totalsOf(results: readonly StressResult[]): StressReport["totals"] {
  const sum = (of: (result: StressResult) => number) => results.reduce((total, result) => total + of(result), 0);
  return {
    writes: sum((result) => result.written.reduce((a, b) => a + b)),
    reads: sum((result) => result.reads),
    torn: sum((result) => result.torn),
    timeouts: sum((result) => result.timeouts),
    deadlocks: sum((result) => result.deadlocks),
    aborts: sum((result) => result.aborts),
  };
}
