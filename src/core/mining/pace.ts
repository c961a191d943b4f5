import type { Clock } from "../ports.ts";
import { workOfTarget } from "./difficulty.ts";

/**
 * How a miner keeps its pace where the network's own target is trivial: it looks for hashes below a target of its own, so hard that at
 * its measured rate a block comes about every so many seconds. A harder hash is as valid as any, and all threads truly hash.
 */

/** At most about a million hashes, a fraction of a second on one thread: mining flat out would flood the chain. */
const TRIVIAL_WORK = 2n ** 20n;
const TWO_256 = 2n ** 256n;

export interface PaceOptions {
  /** Seconds from block to block on average; 0: the network's own target. */
  readonly blockTimeSeconds: number;
  /** Up to this height blocks come at the network's own target, so that a young chain has something to spend. */
  readonly fastUntilHeight: number;
  /** Miners that keep this pace together; each aims at so many times the interval. */
  readonly sharedBy: number;
}

export function isTrivial(target: bigint): boolean {
  return workOfTarget(target) <= TRIVIAL_WORK;
}

/** The pace where nobody asked for one: a second a block if the network's target is trivial and no number of blocks was given. */
export function defaultBlockTime(networkTarget: bigint, blocks: number | undefined): number {
  return blocks === undefined && isTrivial(networkTarget) ? 1 : 0;
}

/** The target to mine `height` at: the network's, or a harder one. */
export function pacedTarget(networkTarget: bigint, height: number, hashesPerSecond: number, pace: PaceOptions): bigint {
  if (pace.blockTimeSeconds === 0 || height <= pace.fastUntilHeight) return networkTarget;
  const hashes = Math.max(1, Math.round(hashesPerSecond * pace.blockTimeSeconds * pace.sharedBy));
  const paced = TWO_256 / BigInt(hashes) - 1n;
  return paced < networkTarget ? paced : networkTarget;
}

/** A rate is taken from at least this much hashing. */
const SAMPLE_MS_MIN = 100;
/** How much of the old rate is left after a second of hashing at another. */
const MEMORY_PER_SECOND = 0.5;

/** Hashes per second while there was something to hash. */
export class RateMeter {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #rate: number;
  #isMeasured = false;
  /** Of the present stretch of hashing; undefined while there is none. */
  #since: { readonly ms: number; readonly hashes: number } | undefined;
  #gatheredMs = 0;
  #gatheredHashes = 0;

  /** @param guess what to assume before anything is measured; rather too high, so that the first blocks come late and not in a flood */
  constructor(clock: Pick<Clock, "monotonicMs">, guess: number) {
    this.#clock = clock;
    this.#rate = guess;
  }

  get hashesPerSecond(): number {
    return this.#rate;
  }

  /** From now on hashing goes on, the counter standing at `hashes`. */
  resume(hashes: number): void {
    this.#since = { ms: this.#clock.monotonicMs(), hashes };
  }

  /** Hashing stops until the next resume. */
  pause(hashes: number): void {
    this.sample(hashes);
    this.#since = undefined;
  }

  /** Takes in what was hashed since the last call; too little is kept for the next. */
  sample(hashes: number): void {
    if (this.#since === undefined) return;
    this.#gatheredMs += this.#clock.monotonicMs() - this.#since.ms;
    this.#gatheredHashes += hashes - this.#since.hashes;
    this.resume(hashes);
    if (this.#gatheredMs < SAMPLE_MS_MIN || this.#gatheredHashes <= 0) return;
    const rate = (this.#gatheredHashes * 1000) / this.#gatheredMs;
    const kept = this.#isMeasured ? MEMORY_PER_SECOND ** (this.#gatheredMs / 1000) : 0;
    this.#rate = kept * this.#rate + (1 - kept) * rate;
    this.#isMeasured = true;
    this.#gatheredMs = 0;
    this.#gatheredHashes = 0;
  }
}
