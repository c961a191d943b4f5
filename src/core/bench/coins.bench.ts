import { Worker } from "node:worker_threads";
import type { CoinChange } from "../coins/changes.ts";
import type { CoinsWrite } from "../coins/guard.ts";
import { CoinTable } from "../coins/table.ts";
import { LockManager } from "../locks/manager.ts";
import type { Coin } from "../primitives/coin.ts";
import { height, sats } from "../primitives/units.ts";
import { diskRows } from "./coins-on-disk.ts";
import type { CoinsReaderTask } from "./coins-reader.ts";
import { nsPerCall, threadCpuNs } from "./measure.ts";
import { type BenchRow, median, row } from "./report.ts";

const COINS = 1_000_000;
/** Of a full block: as many coins go as come. */
const CHANGES = 5_000;
const RUNS = 7;
const SERIES = 10;
const OUTPOINT = 36;

/** The original's copy.deepcopy of its dict of a million coins, and its ten threads' reads at best, measured when this project began. */
const ORIGINAL_SNAPSHOT_NS = 23_076e6;
const ORIGINAL_READS = 75_000;
const GUIDE_NAME = "the guide's benchmark_thread_safety: 10 threads x 1,000 x balance and coins of an address";

/** Commits one after the other, on a table of a million coins. */
export async function rows(): Promise<readonly BenchRow[]> {
  const locks = new LockManager();
  const lock = locks.getLock("bench coins", "UTXO_SET");
  const inMemory = await locks.task("bench coins", (at) => lock.withWrite(at, measure, { site: "bench" }));
  return [...inMemory, ...(await diskRows())];
}

async function measure(at: CoinsWrite): Promise<readonly BenchRow[]> {
  const table = CoinTable.create({ clock: { monotonicMs: () => performance.now() } });
  const outpoints = randomOutpoints();
  const loadNs = load(at, table, new Uint8Array(outpoints));
  const memory = table.statistics();
  const first = [snapshotRow(table), getsRow(table, new Uint8Array(outpoints))];
  const blocks = blocksOver(new Uint8Array(outpoints));
  const readers = new Readers(table, 2, { outpoints });
  await readers.go();
  const { alone, shared } = commitSamples(at, table, blocks, readers);
  const read = await readers.stop();
  const guide = await guideSamples(table);
  table.close(at);
  return [
    ...first,
    row({ name: `commit of ${CHANGES} changes, alone (CPU)`, unit: "ms", samples: alone }),
    row({
      name: `commit of ${CHANGES} changes under 2 readers (CPU)`,
      unit: "ms",
      samples: shared,
      reference: { name: "alone", value: median(alone) },
      goal: { on: "ratio", sign: "<=", bound: 1.25 },
    }),
    row({
      name: "gets of each of 2 readers beside commits (CPU)",
      unit: "/s",
      samples: read.map(({ reads, cpuNs }) => (reads / cpuNs) * 1e9),
    }),
    row({
      name: "memory of a coin (P2WPKH), both indexes with it",
      unit: "bytes",
      samples: [memory.bytesReserved / memory.coins],
    }),
    row({ name: "load (CPU)", unit: "coins/s", samples: [(COINS / loadNs) * 1e9] }),
    row({ name: `${GUIDE_NAME} (wall)`, unit: "reads/s", samples: guide.map(({ wall }) => wall) }),
    row({
      name: `${GUIDE_NAME} (a second of CPU; the original's threads share one core)`,
      unit: "reads/s",
      samples: guide.map(({ cpu }) => cpu),
      reference: { name: "the original at best", value: ORIGINAL_READS },
      goal: { on: "ratio", sign: ">=", bound: 1 },
    }),
  ];
}

function randomOutpoints(): SharedArrayBuffer {
  const words = new Uint32Array(new SharedArrayBuffer(COINS * OUTPOINT));
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  return words.buffer as SharedArrayBuffer;
}

/** A hundred thousand scripts with ten coins each. */
function scriptOf(n: number): Uint8Array {
  const script = new Uint8Array(22);
  script.set([0, 20, n, n >>> 8, n >>> 16]);
  return script;
}

function coinOf(n: number): Coin {
  return { value: sats(n), script: scriptOf(n % 100_000), height: height(1), isCoinbase: false };
}

/** CPU nanoseconds of filling the table. */
function load(at: CoinsWrite, table: CoinTable, outpoints: Uint8Array): number {
  const start = threadCpuNs();
  table.load(
    at,
    (function* () {
      for (let n = 0; n < COINS; n++) yield [outpoints.subarray(n * OUTPOINT, (n + 1) * OUTPOINT), coinOf(n)] as const;
    })(),
  );
  return threadCpuNs() - start;
}

function snapshotRow(table: CoinTable): BenchRow {
  return row({
    name: `a snapshot of ${COINS} coins, taken and given back`,
    unit: "ns",
    samples: nsPerCall(() => table.snapshot()[Symbol.dispose](), 100_000),
    reference: { name: "the original's deepcopy", value: ORIGINAL_SNAPSHOT_NS },
    goal: { on: "value", sign: "<=", bound: 1_000 },
  });
}

function getsRow(table: CoinTable, outpoints: Uint8Array): BenchRow {
  using snapshot = table.snapshot();
  let at = 1;
  const get = (): void => {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    snapshot.find(outpoints, (at % COINS) * OUTPOINT);
  };
  return row({ name: "gets of one thread (CPU)", unit: "/s", samples: nsPerCall(get, 200_000).map((ns) => 1e9 / ns) });
}

/** Each spends the oldest coins and makes as many. */
function* blocksOver(outpoints: Uint8Array): Generator<CoinChange> {
  for (let oldest = 0; ; oldest += CHANGES / 2) {
    const spends: { key: Uint8Array }[] = [];
    const creates: { outpoint: Uint8Array; coin: Coin }[] = [];
    for (let n = oldest; n < oldest + CHANGES / 2; n++) {
      const key = outpoints.slice(n * OUTPOINT, (n + 1) * OUTPOINT);
      spends.push({ key });
      const outpoint = key.slice();
      outpoint[35] = 1;
      creates.push({ outpoint, coin: coinOf(n) });
    }
    yield { spends, creates };
  }
}

/**
 * CPU milliseconds of a commit, reclaiming included: means of series, in turns with the readers resting and reading, so
 * that what else the machine does falls on both. A series' first commit is not counted: it frees what the one before left.
 */
function commitSamples(
  at: CoinsWrite,
  table: CoinTable,
  blocks: Generator<CoinChange>,
  readers: Readers,
): Record<"alone" | "shared", number[]> {
  const samples = { alone: [] as number[], shared: [] as number[] };
  for (let run = -1; run < RUNS; run++) {
    for (const kind of ["alone", "shared"] as const) {
      readers.rest(kind === "alone");
      const changes = Array.from({ length: SERIES + 1 }, () => blocks.next().value as CoinChange);
      commit(at, table, changes[0]!);
      const start = threadCpuNs();
      for (const change of changes.slice(1)) commit(at, table, change);
      if (run >= 0) samples[kind].push((threadCpuNs() - start) / 1e6 / SERIES);
    }
  }
  return samples;
}

function commit(at: CoinsWrite, table: CoinTable, change: CoinChange): void {
  const prepared = table.prepare(at, change);
  if ("publish" in prepared) prepared.publish();
}

/** Reads per second of wall time and of all threads' CPU. The threads' compiling is in both: each begins cold, as the guide's do. */
async function guideSamples(table: CoinTable): Promise<{ readonly wall: number; readonly cpu: number }[]> {
  const samples: { wall: number; cpu: number }[] = [];
  for (let run = 0; run < 5; run++) {
    const readers = new Readers(table, 10, { script: scriptOf(50_000), times: 1_000 });
    const start = await readers.go();
    const results = await readers.ended();
    const seconds = (performance.now() - start) / 1e3;
    const reads = results.reduce((sum, result) => sum + result.reads, 0);
    samples.push({ wall: reads / seconds, cpu: (reads / results.reduce((sum, { cpuNs }) => sum + cpuNs, 0)) * 1e9 });
  }
  return samples;
}

interface ReaderResult {
  readonly reads: number;
  readonly cpuNs: number;
}

class Readers {
  readonly #flags = new Int32Array(new SharedArrayBuffer(8));
  readonly #count: number;
  readonly #results: Promise<ReaderResult>[];

  constructor(table: CoinTable, count: number, task: Pick<CoinsReaderTask, "outpoints" | "script" | "times">) {
    this.#count = count;
    const file = new URL(import.meta.url.endsWith(".ts") ? "./coins-reader.ts" : "./coins-reader.js", import.meta.url);
    const workerData: CoinsReaderTask = { ...task, handle: table.handle(), flags: this.#flags.buffer as SharedArrayBuffer };
    this.#results = Array.from({ length: count }, () => {
      const worker = new Worker(file, { workerData });
      table.reapWhenEnded(worker);
      return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    });
  }

  /** Makes them wait, or read on; gives them 2 ms to do so. */
  rest(rest: boolean): void {
    Atomics.store(this.#flags, 0, rest ? 0 : 1);
    Atomics.notify(this.#flags, 0);
    Atomics.wait(this.#flags, 0, rest ? 0 : 1, 2);
  }

  /** Starts all at once when all are there; returns when that was. */
  async go(): Promise<number> {
    while (Atomics.load(this.#flags, 1) < this.#count) await new Promise((resolve) => setImmediate(resolve));
    const start = performance.now();
    Atomics.store(this.#flags, 0, 1);
    Atomics.notify(this.#flags, 0);
    return start;
  }

  ended(): Promise<ReaderResult[]> {
    return Promise.all(this.#results);
  }

  stop(): Promise<ReaderResult[]> {
    Atomics.store(this.#flags, 0, 2);
    Atomics.notify(this.#flags, 0);
    return this.ended();
  }
}
