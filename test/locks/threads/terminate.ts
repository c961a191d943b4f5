import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { HEADER, OWNER, ownerAt, THREAD, threadAt } from "../../../src/core/locks/layout.ts";
import { LockManager } from "../../../src/core/locks/manager.ts";
import { LockSpace } from "../../../src/core/locks/space.ts";
import { randomOf } from "./random.ts";
import { LEVELS } from "./stress-task.ts";

export interface TerminateReport {
  readonly rounds: number;
  readonly complaints: readonly string[];
  /** How long after the last exit the main thread had all locks, in milliseconds. */
  readonly backMs: { readonly median: number; readonly max: number };
  readonly poisonings: number;
}

/** Terminates `workers` workers at once, in the middle of what they do, again and again; every lock must be usable afterwards. */
export async function terminateFuzz(rounds: number, workers: number, seed: number): Promise<TerminateReport> {
  console.log(`terminate: ${rounds} rounds of ${workers} workers, seed ${seed}`);
  const random = randomOf(seed);
  const space = LockSpace.create({ locks: 8, owners: 64, threads: 16 });
  const locks = new LockManager(space);
  const named = LEVELS.map((level) => locks.getLock(level.toLowerCase(), level, { repair: () => {} }));
  const complaints: string[] = [];
  const back: number[] = [];
  for (let round = 0; round < rounds && complaints.length === 0; round++) {
    const alive = Array.from({ length: workers }, () => {
      const worker = new Worker(new URL("./fuzz-worker.ts", import.meta.url), {
        workerData: { handle: space.handle(), seed: random(2 ** 30) },
      });
      space.watch(worker);
      return worker;
    });
    await Promise.all(alive.map((worker) => once(worker, "message")));
    await sleep(random(8));
    // While they die the main thread wants the locks too.
    const during = takeAll(locks, named, 10_000);
    await Promise.all(alive.map((worker) => worker.terminate()));
    const from = performance.now();
    await Promise.all([during, takeAll(locks, named, 10_000)]).catch((error) => complaints.push(`round ${round}: ${error}`));
    back.push(performance.now() - from);
    complaints.push(...(await leftovers(space, locks)).map((what) => `round ${round}: ${what}`));
  }
  back.sort((a, b) => a - b);
  const poisonings = locks.stats().reduce((sum, { poisonings }) => sum + poisonings, 0);
  locks.close();
  return { rounds: back.length, complaints, backMs: { median: back[back.length >> 1]!, max: back.at(-1)! }, poisonings };
}

async function takeAll(locks: LockManager, named: ReturnType<LockManager["getLock"]>[], timeoutMs: number): Promise<void> {
  for (const lock of named) await locks.task("main", (at) => lock.withWrite(at as never, () => {}, { timeoutMs }));
}

/** What the dead have left: given a moment, nothing. */
async function leftovers(space: LockSpace, locks: LockManager): Promise<string[]> {
  for (let turn = 0; ; turn++) {
    const found = look(space, locks);
    if (found.length === 0 || turn > 200) return found;
    await sleep(5);
  }
}

function look(space: LockSpace, locks: LockManager): string[] {
  const { layout } = space;
  const { words, capacity } = layout;
  const found = locks
    .stats()
    .flatMap(({ name, state, waiters, poisoned }) =>
      state === "free" && waiters.length === 0 && !poisoned ? [] : [`${name} is ${state}`],
    );
  for (let thread = 0; thread < capacity.threads; thread++) {
    if (thread !== space.thread && words[threadAt(layout, thread) + THREAD.ID] !== 0)
      found.push(`thread ${thread} is still known`);
  }
  for (let owner = 0; owner < capacity.owners; owner++) {
    const thread = words[ownerAt(layout, owner) + OWNER.THREAD]!;
    if (thread !== 0 && thread !== space.thread + 1) found.push(`owner ${owner} is still in use`);
  }
  if (words[HEADER.MUTEX] !== 0) found.push("the graph mutex is taken");
  return found;
}
