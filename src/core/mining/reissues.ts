import { jobOf, rangeWord, tagOf, unitOf } from "./range-word.ts";
import { REISSUES_MAX, type WorkSpace } from "./work-space.ts";
import { FREE, OFFERED, ownerTag, type WorkRange } from "./worker-claims.ts";
import { PARITY } from "./worker-slot.ts";

/** The main thread's half of the table of re-issued ranges: ranges that somebody claimed and will not finish, offered to others. */
export class Reissues {
  readonly #space: WorkSpace;
  /** For which the shared table had no free entry. */
  readonly #waiting: WorkRange[] = [];

  constructor(space: WorkSpace) {
    this.#space = space;
  }

  offer(range: WorkRange): void {
    this.#waiting.push(range);
    this.fill();
  }

  /** Puts what waits into entries that have become free. */
  fill(): void {
    for (let entry = 0; entry < REISSUES_MAX && this.#waiting.length > 0; entry++) {
      if (tagOf(this.#space.reissue(entry)) !== FREE) continue;
      const { job, unit, units } = this.#waiting.pop()!;
      this.#space.setReissue(entry, rangeWord(job, unit, OFFERED), units);
      this.#space.setReissuesWaiting(true);
    }
  }

  /** Takes an offered range back, to lease it out. Nobody but the main thread needs to know who has it. */
  take(): WorkRange | undefined {
    for (let entry = 0; entry < REISSUES_MAX; entry++) {
      const range = this.#space.reissue(entry);
      const units = this.#space.reissueUnits(entry);
      if (tagOf(range) !== OFFERED || !this.#space.swapReissue(entry, range, rangeWord(0, 0, FREE))) continue;
      this.fill();
      return { job: jobOf(range), unit: unitOf(range), units };
    }
    return undefined;
  }

  /** Forgets all offers, which are of a job that is over. @returns how many units that were */
  dropAll(): number {
    let dropped = this.#waiting.splice(0).reduce((sum, range) => sum + range.units, 0);
    for (let range = this.take(); range; range = this.take()) dropped += range.units;
    this.#space.setReissuesWaiting(false);
    return dropped;
  }

  /**
   * Frees what a dead worker had taken from the table; returns the ranges among it that are still to be mined. `parity` and `isHolding`
   * are its claim's. An entry of the other parity: it had finished the range. Of the same parity while it holds a claim: that claim is
   * the range, and the caller's business. Of the same parity without: it died before it noted the claim.
   */
  reclaim(worker: number, parity: number, isHolding: boolean): WorkRange[] {
    const unfinished: WorkRange[] = [];
    for (let entry = 0; entry < REISSUES_MAX; entry++) {
      const range = this.#space.reissue(entry);
      const isUnfinished = tagOf(range) === ownerTag(worker, parity);
      if (!isUnfinished && tagOf(range) !== ownerTag(worker, parity ^ PARITY)) continue;
      const units = this.#space.reissueUnits(entry);
      this.#space.setReissue(entry, rangeWord(0, 0, FREE), 0);
      if (isUnfinished && !isHolding) unfinished.push({ job: jobOf(range), unit: unitOf(range), units });
    }
    return unfinished;
  }
}
