import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Root } from "../locks/context.ts";
import { DeadlockError } from "../locks/errors.ts";
import { LockManager } from "../locks/manager.ts";
import type { RwLock } from "../locks/rwlock.ts";
import { LockSpace } from "../locks/space.ts";
import { closesCycle } from "../locks/wait-graph.ts";
import { nsPerAwait, threadCpuNs } from "./measure.ts";
import { withPthreadMutex } from "./pthread-mutex.ts";
import { type BenchRow, median, quantile, row } from "./report.ts";

/** Enough that the ticks of the CPU clock, 4 ms on some machines, do not show. */
const PAIRS = 1_000_000;
const AWAITS = 1_000_000;
const RUNS = 9;

const left: string[] = [];

export function notes(): readonly string[] {
  return left;
}

/** The goal table of the lock family, one row each; every reference runs in the same run. */
export async function rows(): Promise<readonly BenchRow[]> {
  return [
    ...(await uncontendedRows()),
    ...(await handOverRows()),
    await detectionRow(),
    ...(await cycleRows()),
    await deadWorkerRow(),
  ];
}

async function uncontendedRows(): Promise<readonly BenchRow[]> {
  const manager = new LockManager();
  const lock = manager.getLock("bench", "MEMPOOL");
  return manager.task("bench", async (at) => {
    const { rows, sync } = await syncRows(lock, at);
    const given = {};
    // Each in an async function of its own, as a caller would be.
    const bareOne = async () => void (await undefined);
    const objectOne = async () => void (await Promise.resolve(given));
    const acquireOne = async () => (await lock.acquire(at, "write")).release();
    const loops = {
      bare: async () => {
        for (let i = 0; i < AWAITS; i++) await bareOne();
      },
      object: async () => {
        for (let i = 0; i < AWAITS; i++) await objectOne();
      },
      acquire: async () => {
        for (let i = 0; i < AWAITS; i++) await acquireOne();
      },
      withWrite: async () => {
        for (let i = 0; i < AWAITS; i++) await lock.withWrite(at, nothing);
      },
    };
    const { bare, object, acquire: awaited, withWrite } = await byTurns(loops, AWAITS);
    const above = (samples: readonly number[]) => samples.map((ns, run) => ns - bare[run]!);
    return [
      ...rows,
      row({
        name: "awaited acquire and release, above a bare await (CPU)",
        unit: "ns",
        samples: above(awaited),
        goal: atMost("value", 100),
      }),
      row({ name: "of it what V8 takes to await any object", unit: "ns", samples: above(object) }),
      row({ name: "withWrite (CPU)", unit: "ns", samples: withWrite, reference: { name: "bare await", value: median(bare) } }),
      ...(await otherLocks(sync, awaited)),
    ];
  });
}

/** Without waiting for a promise; the manager's statistics on, but for one row. */
async function syncRows(lock: RwLock<"MEMPOOL">, at: Root) {
  const uncounted = new LockManager(undefined, { statistics: false }).getLock("bench", "MEMPOOL");
  const word = new Int32Array(new SharedArrayBuffer(4));
  // A loop each, as the C program has it: a loop that calls what it is given would measure V8's call as well.
  const loops = {
    raw: () => {
      for (let i = 0; i < PAIRS; i++) {
        Atomics.compareExchange(word, 0, 0, 1);
        Atomics.compareExchange(word, 0, 1, 0);
      }
    },
    write: () => {
      for (let i = 0; i < PAIRS; i++) lock.tryAcquire(at, "write")!.release();
    },
    uncounted: () => {
      for (let i = 0; i < PAIRS; i++) uncounted.tryAcquire(at, "write")!.release();
    },
    read: () => {
      for (let i = 0; i < PAIRS; i++) lock.tryAcquire(at, "read")!.release();
    },
  };
  const [samples, pthread] = await withPthreadMutex(async (c) => {
    const pthread: number[] = [];
    const samples = await byTurns(loops, PAIRS, async () => void (c !== undefined && pthread.push(await c())));
    return [samples, pthread] as const;
  });
  const pair = { name: "raw compare-exchange pair", value: median(samples.raw) };
  const without = { name: "statistics off", value: median(samples.uncounted) };
  return {
    sync: samples.write,
    rows: [
      row({
        name: "write, acquire and release (CPU)",
        unit: "ns",
        samples: samples.write,
        reference: pair,
        goal: atMost("ratio", 3),
      }),
      ...pthreadRows(samples.write, samples.raw, pthread),
      row({ name: "the same with statistics", unit: "ns", samples: samples.write, reference: without }),
      row({ name: "read, acquire and release (CPU)", unit: "ns", samples: samples.read, reference: pair }),
    ],
  };
}

function nothing(): void {}

/** CPU nanoseconds of one of `times`, a figure a run. Neighbours on the same processor slow one down as much as the other if they take turns. */
async function byTurns<N extends string>(
  loops: Readonly<Record<N, () => void | Promise<void>>>,
  times: number,
  between?: () => Promise<void>,
): Promise<Record<N, number[]>> {
  const names = Object.keys(loops) as N[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<N, number[]>;
  for (let run = -1; run < RUNS; run++) {
    for (const name of names) {
      const start = threadCpuNs();
      await loops[name]();
      if (run >= 0) samples[name].push((threadCpuNs() - start) / times);
    }
    if (run >= 0) await between?.();
  }
  return samples;
}

function pthreadRows(samples: readonly number[], raw: readonly number[], pthread: readonly number[]): readonly BenchRow[] {
  if (pthread.length === 0) {
    left.push("no C compiler (cc) here: write over a C pthread_mutex is left out");
    return [];
  }
  const reference = { name: "C pthread_mutex", value: median(pthread) };
  return [
    row({ name: "the same over C", unit: "ns", samples, reference, goal: atMost("ratio", 4) }),
    row({ name: "raw compare-exchange pair over C", unit: "ns", samples: raw, reference }),
  ];
}

function atMost(on: "value" | "ratio", bound: number) {
  return { on, sign: "<=", bound } as const;
}

/** async-mutex where it is installed, and Node's own navigator.locks, as how many times slower they are. */
async function otherLocks(sync: readonly number[], awaited: readonly number[]): Promise<readonly BenchRow[]> {
  const found: BenchRow[] = [];
  const name: string = "async-mutex"; // Not resolved by the compiler: the published package does without it.
  const module = (await import(name).catch(() => undefined)) as { Mutex: new () => AsyncMutex } | undefined;
  if (module !== undefined) {
    const mutex = new module.Mutex();
    const samples = await nsPerAwait(async () => (await mutex.acquire())(), AWAITS);
    const goal = { on: "ratio", sign: ">=", bound: 10 } as const;
    found.push(row({ name: "async-mutex, over ours", unit: "ns", samples, reference: ours(sync), goal }));
    found.push(row({ name: "async-mutex, over ours awaited", unit: "ns", samples, reference: ours(awaited) }));
  }
  const { locks } = navigator as { readonly locks?: { request(name: string, run: () => void): Promise<void> } };
  if (locks !== undefined) {
    const samples = await nsPerAwait(() => locks.request("bench", nothing), 2_000);
    found.push(row({ name: "navigator.locks, over ours awaited", unit: "ns", samples, reference: ours(awaited) }));
  }
  return found;
}

interface AsyncMutex {
  acquire(): Promise<() => void>;
}

function ours(samples: readonly number[]) {
  return { name: "ours", value: median(samples) };
}

/** Strands that queue for one lock and hand it on, with the search for cycles and without, by turns. */
async function handOverRows(): Promise<readonly BenchRow[]> {
  const searched = handOver(true);
  const plain = handOver(false);
  const samples: number[] = [];
  const without: number[] = [];
  for (let run = -1; run < 7; run++) {
    const [ns, nsWithout] = [await searched(), await plain()];
    if (run < 0) continue;
    samples.push(ns);
    without.push(nsWithout);
  }
  const reference = { name: "without the search for cycles", value: median(without) };
  return [row({ name: "contended hand-over of 64 strands (CPU)", unit: "ns", samples, reference, goal: atMost("ratio", 1.2) })];
}

function handOver(detect: boolean, strands = 64, rounds = 500): () => Promise<number> {
  const manager = new LockManager(undefined, { detect });
  const outer = manager.getLock("outer", "BLOCKCHAIN");
  const lock = manager.getLock("bench", "MEMPOOL");
  const one = () =>
    manager.task("strand", (at) =>
      // Something held: a strand with nothing to lose is not searched.
      outer.withRead(at, async (at) => {
        for (let round = 0; round < rounds; round++) await lock.withWrite(at, turnOver);
      }),
    );
  return async () => {
    const start = threadCpuNs();
    await Promise.all(Array.from({ length: strands }, one));
    return (threadCpuNs() - start) / (strands * rounds);
  };
}

/** Keeps the lock while the others come to ask for it. */
async function turnOver(): Promise<void> {}

/** What the strand that 1,000 others wait for pays when it waits itself: the search alone, on the clock. */
async function detectionRow(): Promise<BenchRow> {
  const manager = new LockManager();
  const { layout, search } = manager.space;
  const lock = manager.getLock("bench", "MEMPOOL");
  const samples: number[] = [];
  await manager.task("holder", async (at) => {
    const held = await lock.acquire(at, "write");
    const queue = Array.from({ length: 1_000 }, () => manager.task("waiter", (at) => lock.withWrite(at, nothing)));
    await turn();
    // As before a wait: what is held is shown, then searched.
    at.owner.publish();
    for (let run = -1; run < 7; run++) {
      const start = performance.now();
      for (let i = 0; i < 1_000; i++) closesCycle(layout, search, at.owner.index);
      if (run >= 0) samples.push(performance.now() - start);
    }
    held.release();
    await Promise.all(queue);
  });
  return row({ name: "search for cycles with 1,000 waiters", unit: "us", samples, goal: atMost("value", 10) });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** AB/BA without an order of levels in the way: how soon the victim hears, and that there is just one. */
async function cycleRows(): Promise<readonly BenchRow[]> {
  const manager = new LockManager(undefined, { enforceOrder: false });
  const a = manager.getLock("a", "BLOCKCHAIN");
  const b = manager.getLock("b", "UTXO_SET");
  const rounds = 12_000;
  const warmUp = 2_000; // V8 compiles in the first of them.
  const micros: number[] = [];
  let victims = 0;
  for (let round = 0; round < rounds; round++) {
    const gate = Promise.withResolvers<void>();
    const strand = (first: typeof a, second: typeof a, waits: boolean) =>
      manager.task("strand", async (at: Root) => {
        const held = await first.acquire(at, "write");
        if (waits) await gate.promise;
        const start = performance.now();
        try {
          const inner = second.acquire(at as never, "write");
          gate.resolve();
          (await inner).release();
        } catch (error) {
          if (!(error instanceof DeadlockError)) throw error;
          micros.push((performance.now() - start) * 1000);
          victims++;
        } finally {
          held.release();
        }
      });
    await Promise.all([strand(a, b as never, false), strand(b as never, a, true)]);
  }
  return [
    row({ name: "a cycle is refused after", unit: "us", samples: [median(micros.slice(warmUp))] }),
    row({ name: "the same, p99", unit: "us", samples: [quantile(micros.slice(warmUp), 0.99)], goal: atMost("value", 50) }),
    row({ name: "victims of a cycle", unit: "strands", samples: [victims / rounds], goal: atMost("value", 1) }),
  ];
}

/** From a worker's exit event to its lock in somebody else's hands. */
async function deadWorkerRow(): Promise<BenchRow> {
  const manager = new LockManager(LockSpace.create({ threads: 64 }));
  const lock = manager.getLock("bench dead", "MEMPOOL", { repair: nothing });
  const file = new URL(import.meta.url.endsWith(".ts") ? "./locks-worker.ts" : "./locks-worker.js", import.meta.url);
  const samples: number[] = [];
  for (let run = 0; run < 7; run++) {
    const worker = new Worker(file, { workerData: manager.space.handle() });
    manager.space.watch(worker);
    await once(worker, "message");
    let exitedAt = 0;
    worker.once("exit", () => {
      exitedAt = performance.now();
    });
    const back = manager.task("heir", (at) => lock.withWrite(at, () => performance.now()));
    await worker.terminate();
    samples.push(Math.max(0, (await back) - exitedAt));
  }
  return row({ name: "a dead worker's lock is back after its exit", unit: "ms", samples, goal: atMost("value", 5) });
}
