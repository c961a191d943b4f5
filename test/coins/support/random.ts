import { randomInt } from "node:crypto";

/** A generator with a seed (mulberry32), so that a failing run can be repeated: CHAINCORE_SEED=<printed number>. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number = Number(process.env["CHAINCORE_SEED"] ?? randomInt(0x7fff_ffff))) {
    this.seed = seed;
    this.#state = seed;
  }

  /** 0 <= result < bound. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * bound);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}
