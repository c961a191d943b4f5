import { parentPort, workerData } from "node:worker_threads";
import { SnapshotRevokedError } from "../coins/leases.ts";
import { CoinReader, type CoinTableHandle } from "../coins/reader.ts";
import { threadCpuNs } from "./measure.ts";

/** A worker thread of coins.bench.ts. */
export interface CoinsReaderTask {
  readonly handle: CoinTableHandle;
  /** Word 0: WAIT, GO or STOP. Word 1: threads that are ready. */
  readonly flags: SharedArrayBuffer;
  /** Outpoints of 36 bytes to look up at random until told to stop. */
  readonly outpoints?: SharedArrayBuffer;
  /** Or: a script whose balance and coins to ask for, so many times each. */
  readonly script?: Uint8Array;
  readonly times?: number;
}

const WAIT = 0;
const STOP = 2;

const task = workerData as CoinsReaderTask;
const flags = new Int32Array(task.flags);
const reader = CoinReader.attach(task.handle);
Atomics.add(flags, 1, 1);
Atomics.notify(flags, 1);
Atomics.wait(flags, 0, WAIT);
const startNs = threadCpuNs();
const reads = task.script === undefined ? readRandom(new Uint8Array(task.outpoints!)) : askFor(task.script, task.times!);
parentPort!.postMessage({ reads, cpuNs: threadCpuNs() - startNs });

/** The guide's benchmark_thread_safety: each question is one of the newest version. */
function askFor(script: Uint8Array, times: number): number {
  for (let i = 0; i < times; i++) {
    using first = reader.snapshot();
    first.balanceOf(script);
    using second = reader.snapshot();
    second.coinsOf(script);
  }
  return 2 * times;
}

/** A hundred lookups a snapshot, as a verifier that takes a batch does. */
function readRandom(outpoints: Uint8Array): number {
  const count = outpoints.length / 36;
  let [reads, at] = [0, 1];
  for (let flag = 1; flag !== STOP; flag = Atomics.load(flags, 0)) {
    if (flag === WAIT) Atomics.wait(flags, 0, WAIT);
    try {
      using snapshot = reader.snapshot();
      for (let i = 0; i < 100; i++) {
        at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
        snapshot.find(outpoints, (at % count) * 36);
        reads++;
      }
    } catch (error) {
      if (!(error instanceof SnapshotRevokedError)) throw error;
    }
  }
  return reads;
}
