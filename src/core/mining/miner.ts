import type { BlockHash } from "../primitives/units.ts";
import type { CycleOptions } from "./job-cycle.ts";
import type { KernelName } from "./kernel.ts";
import { type MiningDeps, MiningPool, type PoolStatistics } from "./pool.ts";

export interface MinerOptions extends CycleOptions {
  /** Workers are named `<id>_worker_<i>`. */
  readonly id: string;
  /** By default one a core, at most 8. */
  readonly threads?: number;
  readonly kernel?: KernelName;
  /** Added to the workers' priority number (Linux only). */
  readonly nice?: number;
  /** Nonces of a claim, rounded up to units; by default what takes about 5 ms. */
  readonly nonceRange?: number;
}

/**
 * Mines on whatever `source` says is best until it is stopped or has found so many blocks: a pool with one miner.
 *
 *   const miner = new Miner({ id: "core0", threads: 4, blocks: 101 }, { source, submit, clock, entropy, log });
 *   miner.start();
 *   await miner.finished();
 */
export class Miner {
  readonly id: string;
  readonly #pool: MiningPool;

  constructor(options: MinerOptions, deps: MiningDeps) {
    const { id, threads, kernel, nice, nonceRange, ...cycle } = options;
    this.id = id;
    this.#pool = new MiningPool(cycle, deps);
    if (nonceRange !== undefined) this.#pool.coordinator.setNonceRange(nonceRange);
    this.#pool.addMiner(id, {
      ...(threads === undefined ? {} : { threads }),
      ...(kernel === undefined ? {} : { kernel }),
      ...(nice === undefined ? {} : { nice }),
    });
  }

  get isMining(): boolean {
    return this.#pool.isMining;
  }

  start(): void {
    this.#pool.start();
  }

  /** Ends when `blocks` are accepted or stop() was called, and all workers are gone; rejects if mining failed. */
  finished(): Promise<void> {
    return this.#pool.finished();
  }

  /** Within 100 ms, but for a block that is just being handed in. */
  stop(): Promise<void> {
    return this.#pool.stop();
  }

  /** The best chain has another tip: workers leave the old one's work within about 2 ms of theirs. */
  tipChanged(tip?: BlockHash): void {
    this.#pool.tipChanged(tip);
  }

  statistics(): PoolStatistics {
    return this.#pool.statistics();
  }
}
