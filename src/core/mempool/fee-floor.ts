import type { FeeRate } from "../primitives/units.ts";

/** Seconds in which the floor falls by half while blocks are found and the pool is full; faster when it is emptier. */
const HALF_LIFE_SECONDS = 12 * 3600;

/**
 * The fee rate that a pool asks for after it had to evict: what was evicted, and a step more. It decays with time, once a
 * block has been found since (Bitcoin Core's rolling minimum fee). Guarded by MEMPOOL.
 */
export class FeeFloor {
  readonly #stepRate: number;
  #rate = 0;
  #updatedSeconds = 0;
  #hasBlockSince = false;

  /** @param stepRate the policy's incremental fee rate. */
  constructor(stepRate: FeeRate) {
    this.#stepRate = stepRate;
  }

  /** A chunk of this rate (satoshis per 1,000 virtual bytes) was evicted for want of room. */
  raise(evictedRate: number): void {
    this.#rate = Math.max(this.#rate, evictedRate + this.#stepRate);
    this.#hasBlockSince = false;
  }

  noteBlock(nowSeconds: number): void {
    this.#hasBlockSince = true;
    this.#updatedSeconds = nowSeconds;
  }

  /** @param fill the share of the pool's bound that is in use, 0 to 1. */
  current(nowSeconds: number, fill: number): FeeRate {
    if (this.#rate === 0) return 0 as FeeRate;
    if (!this.#hasBlockSince) return Math.round(this.#rate) as FeeRate;
    if (nowSeconds > this.#updatedSeconds + 10) {
      const halfLife = fill < 0.25 ? HALF_LIFE_SECONDS / 4 : fill < 0.5 ? HALF_LIFE_SECONDS / 2 : HALF_LIFE_SECONDS;
      this.#rate /= 2 ** ((nowSeconds - this.#updatedSeconds) / halfLife);
      this.#updatedSeconds = nowSeconds;
      if (this.#rate < this.#stepRate / 2) this.#rate = 0;
    }
    return this.#rate === 0 ? (0 as FeeRate) : (Math.max(Math.round(this.#rate), this.#stepRate) as FeeRate);
  }
}
