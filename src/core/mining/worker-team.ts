import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { ChainCoreError } from "../errors.ts";
import type { Log } from "../ports.ts";
import type { WorkCoordinator } from "./coordinator.ts";
import type { KernelName } from "./kernel.ts";
import { bestKernel, kernelModule } from "./kernel-module.ts";
import type { WorkerSetup } from "./worker.ts";
import type { WorkerMessage } from "./worker-loop.ts";

export interface TeamOptions {
  /** Workers are named `<id>_worker_<i>`. */
  readonly id: string;
  readonly threads: number;
  /** Which code hashes; by default the fastest that runs here. */
  readonly kernel?: KernelName;
  /** Added to the workers' priority number (Linux only), so that mining leaves the processors to others. */
  readonly nice?: number;
}

export interface TeamDeps {
  readonly coordinator: WorkCoordinator;
  readonly log: Log;
  /** There is something to see in the shared memory. */
  readonly tell: (message: WorkerMessage) => void;
  /** Threads cannot be kept alive here. */
  readonly fail: (error: ChainCoreError) => void;
}

/** The guide's optimal number of worker threads. */
export function defaultThreads(): number {
  return Math.min(8, availableParallelism());
}

/** A worker that does not end by itself within this time of being asked is ended; it looks every 5 ms or so. */
const STOP_MS_MAX = 80;
/** When so many threads in a row died before they hashed anything, no more are started: something is wrong here. */
const FRUITLESS_MAX = 5;

interface TeamWorker {
  readonly name: string;
  readonly slot: number;
  readonly thread: Worker;
  readonly ended: Promise<void>;
  /** The slot's count of hashes when this team got it. */
  readonly hashesBefore: number;
}

/** The worker threads of one miner. A thread that dies is replaced, and what it was mining is mined by another. */
export class WorkerTeam {
  readonly options: TeamOptions;
  readonly #deps: TeamDeps;
  readonly #coordinator: WorkCoordinator;
  readonly #workers = new Map<number, TeamWorker>();
  #isStopping = false;
  #fruitless = 0;
  #lastError: Error | undefined;
  /** Hashes of threads that have ended. */
  #hashesOfOld = 0;

  constructor(options: TeamOptions, deps: TeamDeps) {
    this.options = options;
    this.#deps = deps;
    this.#coordinator = deps.coordinator;
  }

  get kernel(): KernelName {
    return this.options.kernel ?? bestKernel();
  }

  get isRunning(): boolean {
    return this.#workers.size > 0;
  }

  /** Hashes tried by each worker since it was started, in the order of their names. */
  hashes(): readonly { readonly name: string; readonly hashes: number }[] {
    const workers = [...this.#workers].sort(([a], [b]) => a - b).map(([, worker]) => worker);
    return workers.map(({ name, slot, hashesBefore }) => ({ name, hashes: this.#coordinator.hashes(slot) - hashesBefore }));
  }

  totalHashes(): number {
    return this.hashes().reduce((sum, { hashes }) => sum + hashes, this.#hashesOfOld);
  }

  /** @throws ChainCoreError "too-many-workers" */
  start(): void {
    this.#isStopping = false;
    for (let index = 0; index < this.options.threads; index++) this.#startWorker(index);
  }

  #startWorker(index: number): void {
    const slot = this.#coordinator.openSlot();
    const module = kernelModule();
    const { nice = 0, id } = this.options;
    const setup: WorkerSetup = { space: this.#coordinator.handle, worker: slot, module, kernel: this.kernel, nice };
    const name = `${id}_worker_${index}`;
    const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
    const thread = new Worker(new URL(file, import.meta.url), { name, workerData: setup, execArgv: [] });
    thread.on("message", this.#deps.tell);
    thread.on("error", (error: Error) => {
      this.#lastError = error;
      this.#deps.log.error({ worker: name, error: error.message }, "a mining worker failed");
    });
    const ended = new Promise<void>((resolve) => {
      thread.on("exit", () => {
        this.#closeWorker(index);
        resolve();
      });
    });
    this.#workers.set(index, { name, slot, thread, ended, hashesBefore: this.#coordinator.hashes(slot) });
  }

  #closeWorker(index: number): void {
    const worker = this.#workers.get(index)!;
    this.#workers.delete(index);
    const hashed = this.#coordinator.hashes(worker.slot) - worker.hashesBefore;
    this.#hashesOfOld += hashed;
    this.#coordinator.closeSlot(worker.slot);
    this.#deps.tell({ kind: "hit" }); // It may have died between finding a block and saying so.
    this.#fruitless = hashed > 0 ? 0 : this.#fruitless + 1;
    if (this.#isStopping) return;
    if (this.#fruitless >= FRUITLESS_MAX) {
      this.#deps.fail(this.#deathError(worker.name));
    } else {
      this.#deps.log.warn({ worker: worker.name }, "a mining worker ended by itself and is replaced");
      this.#startWorker(index);
    }
  }

  #deathError(worker: string): ChainCoreError {
    const message = `Mining workers die as soon as they start (${this.#lastError?.message ?? "no reason given"}).`;
    return new ChainCoreError("mining-workers-die", message, { detail: { worker }, cause: this.#lastError });
  }

  /** Ends all workers within 100 ms. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const workers = [...this.#workers.values()];
    for (const { slot } of workers) this.#coordinator.stopWorker(slot);
    const overdue = setTimeout(() => {
      for (const { thread } of workers) void thread.terminate();
    }, STOP_MS_MAX);
    await Promise.all(workers.map(({ ended }) => ended));
    clearTimeout(overdue);
  }

  /** Ends one worker at once, as a crash would. For tests of what happens then. */
  async kill(index: number): Promise<void> {
    await this.#workers.get(index)?.thread.terminate();
  }
}
