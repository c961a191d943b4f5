import { Worker } from "node:worker_threads";
import type { CoinTable } from "../../../src/core/coins/table.ts";
import type { WorkerTask } from "./coin-worker.ts";

/** Worker threads over one table, told to stop together. */
export class Crew {
  readonly #table: CoinTable;
  readonly #flags = new Int32Array(new SharedArrayBuffer(8));
  readonly workers: Worker[] = [];
  readonly #results: Promise<unknown>[] = [];

  constructor(table: CoinTable) {
    this.#table = table;
  }

  start(task: Omit<WorkerTask, "handle" | "flags">): Worker {
    const workerData: WorkerTask = { ...task, handle: this.#table.handle(), flags: this.#flags.buffer as SharedArrayBuffer };
    const worker = new Worker(new URL("./coin-worker.ts", import.meta.url), { workerData });
    this.#table.reapWhenEnded(worker);
    this.workers.push(worker);
    const result = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    result.catch(() => {}); // Whoever stops the crew is told.
    this.#results.push(result);
    return worker;
  }

  /** Until all have attached and begun. */
  async begun(): Promise<void> {
    while (Atomics.load(this.#flags, 1) < this.workers.length) await turn();
  }

  /** Tells them to stop and collects the first message of each. */
  async stop<R>(): Promise<R[]> {
    Atomics.store(this.#flags, 0, 1);
    return (await Promise.all(this.#results)) as R[];
  }
}

/** Lets messages and other tasks come in. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
