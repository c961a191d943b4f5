import { jobOf, type RangeWord, rangeWord, tagOf, unitOf } from "./range-word.ts";
import { REISSUES_MAX, type WorkSpace } from "./work-space.ts";
import { type Hit, HOLDING, IDLE, PARITY, STATE_MASK, TRYING, WorkerSlot } from "./worker-slot.ts";

/**
 * How ranges are claimed, so that no nonce is tried twice and none is left out, whenever a worker dies.
 *
 * The head is one 64-bit word: job, next unit, last claimer. To claim, a worker writes the wanted range in its own slot (TRYING), then
 * moves the head by one compare-exchange, then notes HOLDING. If it dies in between, whether the head was moved must be known: whoever
 * moves the head next first looks at the last claimer named there, and if that one's slot still says TRYING for a range below the head,
 * the claim did succeed and is noted HOLDING on its behalf. So a dead worker that is TRYING while the head does not name it has no range.
 * As the head carries the job, no worker takes a range of a job other than the one that it has read.
 *
 * A range that a dead worker held is offered in the table of re-issued ranges; taking one is a compare-exchange on its owner.
 */

/** Owner tags of a re-issued range; 4 and above name a worker and its parity. */
export const FREE = 0;
export const OFFERED = 1;
const FIRST_OWNER = 4;

/** Owner tag of a range that `worker` took while its parity was `parity`. */
export function ownerTag(worker: number, parity: number): number {
  return FIRST_OWNER + 2 * worker + (parity === 0 ? 0 : 1);
}

/** A worker's work, from unit `unit` on. */
export interface WorkRange {
  readonly job: number;
  readonly unit: number;
  readonly units: number;
}

/** Tried to its end; left when it gave the hit that decided the job; or left because the job was over. */
export type RangeEnd = "complete" | "won" | "over";

/** If the head's last claimer has not yet noted that its claim succeeded, notes it. To be called before the head is moved. */
export function settleLastClaim(space: WorkSpace, head: RangeWord): void {
  const claimer = tagOf(head);
  if (claimer === 0) return;
  const slot = new WorkerSlot(space, claimer - 1);
  const claim = slot.claim();
  const isTrying = (tagOf(claim) & STATE_MASK) === TRYING;
  if (isTrying && jobOf(claim) === jobOf(head) && unitOf(claim) < unitOf(head)) slot.swapClaim(claim, holding(claim));
}

function holding(claim: RangeWord): RangeWord {
  return rangeWord(jobOf(claim), unitOf(claim), HOLDING | (tagOf(claim) & PARITY));
}

/** One worker's half of the protocol; used by its thread alone. */
export class WorkerClaims {
  readonly #space: WorkSpace;
  readonly #slot: WorkerSlot;
  /** The entry of the table from which the present range was taken. */
  #reissued: number | undefined;

  constructor(space: WorkSpace, worker: number) {
    this.#space = space;
    this.#slot = new WorkerSlot(space, worker);
  }

  /**
   * The next range of the current job, at most `units` of it; undefined when there is no job, it is solved or abandoned, or nothing is left.
   * @param unitsOf how many units a job has; undefined if it is no longer there to be read
   */
  take(units: number, unitsOf: (job: number) => number | undefined): WorkRange | undefined {
    for (;;) {
      const head = this.#space.head();
      const job = jobOf(head);
      if (job === 0 || this.#space.isOver(job)) return undefined;
      const again = this.#space.reissuesWaiting() ? this.#takeReissued(job) : undefined;
      if (again) return again;
      const unit = unitOf(head);
      const unitsMax = unitsOf(job);
      if (unitsMax === undefined) continue; // So late that the head has moved on by a ring of jobs.
      if (unit >= unitsMax) return undefined;
      const perExtranonce = this.#space.unitsPerExtranonce;
      const wanted = Math.min(units, unitsMax - unit, perExtranonce - (unit % perExtranonce));
      if (this.#moveHead(head, wanted)) return { job, unit, units: wanted };
      this.#slot.addLostRace();
    }
  }

  #moveHead(head: RangeWord, units: number): boolean {
    settleLastClaim(this.#space, head);
    const parity = this.#parity();
    const trying = rangeWord(jobOf(head), unitOf(head), TRYING | parity);
    this.#slot.setUnits(units);
    this.#slot.setClaim(trying);
    const moved = this.#space.swapHead(head, rangeWord(jobOf(head), unitOf(head) + units, this.#slot.worker + 1));
    this.#slot.setClaim(moved ? holding(trying) : rangeWord(0, 0, IDLE | parity));
    return moved;
  }

  #takeReissued(job: number): WorkRange | undefined {
    const parity = this.#parity();
    for (let entry = 0; entry < REISSUES_MAX; entry++) {
      const offer = this.#space.reissue(entry);
      if (tagOf(offer) !== OFFERED || jobOf(offer) !== job) continue;
      const units = this.#space.reissueUnits(entry);
      const unit = unitOf(offer);
      if (!this.#space.swapReissue(entry, offer, rangeWord(job, unit, ownerTag(this.#slot.worker, parity)))) continue;
      this.#slot.setUnits(units);
      this.#slot.setClaim(rangeWord(job, unit, HOLDING | parity));
      this.#reissued = entry;
      return { job, unit, units };
    }
    return undefined;
  }

  /** Gives the range back and counts it: as finished if it was tried to its end while its job was current, or solved its job; else as stale. */
  end(range: WorkRange, how: RangeEnd): void {
    const parity = this.#parity();
    const before = this.#slot.ended(parity);
    const finished = how === "won" || (how === "complete" && jobOf(this.#space.head()) === range.job);
    this.#slot.writeJournal(before.ranges, rangeWord(range.job, range.unit, 0), range.units, finished ? "finished" : "stale");
    const other = parity ^ PARITY;
    this.#slot.setEnded(other, {
      finishedUnits: before.finishedUnits + (finished ? range.units : 0),
      staleUnits: before.staleUnits + (finished ? 0 : range.units),
      ranges: before.ranges + 1,
    });
    this.#slot.setClaim(rangeWord(0, 0, IDLE | other)); // The one step that counts the range and gives it back.
    if (this.#reissued === undefined) return;
    this.#space.setReissue(this.#reissued, rangeWord(0, 0, FREE), 0);
    this.#reissued = undefined;
  }

  /** True for the first hit of a job; later ones, and those for an old job, are nobody's. */
  report(hit: Hit): boolean {
    this.#slot.setHit(hit);
    const decides = jobOf(this.#space.head()) === hit.job && this.#space.markSolved(hit.job);
    if (!decides) this.#slot.addRefusedHit();
    return decides;
  }

  #parity(): number {
    return tagOf(this.#slot.claim()) & PARITY;
  }
}
