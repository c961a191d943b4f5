import { DIFFICULTY_1_TARGET } from "../mining/difficulty.ts";

/** Hashes that a share of difficulty 1 takes on average. */
export const HASHES_PER_DIFFICULTY = 2 ** 32;
/** Less than this many shares say little of a rate ... */
const SHARES_MIN = 8;
/** ... but their absence for so long does. */
const SILENCE_MS = 10_000;
/** A rate is followed by at most this factor at a time. */
const STEP_MAX = 4;

export interface VarDiffOptions {
  /** Shares come about this far apart. */
  readonly shareSeconds: number;
  /** Hashes per second to assume of a miner that has just come. */
  readonly rateGuess: number;
}

/** Measures one miner by its shares, and says how hard they should be. Pure: whoever calls brings the time. */
export class VarDiff {
  readonly #options: VarDiffOptions;
  #rate: number;
  #sinceMs: number;
  #shares = 0;
  /** Difficulty of the shares since then, summed. */
  #work = 0;

  constructor(options: VarDiffOptions, nowMs: number) {
    this.#options = options;
    this.#rate = options.rateGuess;
    this.#sinceMs = nowMs;
  }

  get hashesPerSecond(): number {
    return this.#rate;
  }

  /** So hard that shares come as far apart as wanted. */
  get difficulty(): number {
    return (this.#rate * this.#options.shareSeconds) / HASHES_PER_DIFFICULTY;
  }

  addShare(difficulty: number): void {
    this.#shares++;
    this.#work += difficulty;
  }

  /** @returns whether the difficulty is another from now on */
  retune(nowMs: number): boolean {
    const elapsedMs = nowMs - this.#sinceMs;
    const isDue = this.#shares >= SHARES_MIN ? elapsedMs >= 1_000 : elapsedMs >= SILENCE_MS;
    if (!isDue) return false;
    const measured = (this.#work * HASHES_PER_DIFFICULTY * 1000) / elapsedMs;
    const before = this.#rate;
    this.#rate = Math.min(before * STEP_MAX, Math.max(before / STEP_MAX, measured));
    this.#sinceMs = nowMs;
    this.#shares = 0;
    this.#work = 0;
    return this.#rate > before * 1.2 || this.#rate < before / 1.2;
  }
}

/** A hash at or below it is a share of that difficulty. */
export function targetOfDifficulty(difficulty: number): bigint {
  const scaled = BigInt(Math.max(1, Math.round(difficulty * 2 ** 40)));
  const target = (DIFFICULTY_1_TARGET << 40n) / scaled;
  const largest = 2n ** 256n - 1n;
  return target < largest ? target : largest;
}
