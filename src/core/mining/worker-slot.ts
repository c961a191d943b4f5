import type { RangeWord } from "./range-word.ts";
import type { JournalEntry, WorkSpace } from "./work-space.ts";

/**
 * One worker's 256 bytes of the work space.
 *
 * The counters of ended ranges stand there twice. The claim word's parity bit says which set counts; a worker writes the other set,
 * then flips the bit in the very store that gives its claim back. So "this range is counted" and "this range is no longer mine" are one
 * atomic step, and a worker may die between any two instructions without a range being lost or counted twice.
 */

/** Tag of a claim: its state in the low two bits, the parity in the third. */
export const IDLE = 0;
/** It is written which range is wanted; whether the head was moved for it is not yet known. */
export const TRYING = 1;
export const HOLDING = 2;
export const STATE_MASK = 3;
export const PARITY = 4;

/** Offsets in 64-bit words. */
const CLAIM = 0;
const COUNTERS = 4;
const COUNTERS_OF_A_SET = 3;
const HASHES = 10;
const LOST_RACES = 11;
const REFUSED_HITS = 12;
/** Offsets in 32-bit words. */
const RUN = 2;
const UNITS = 3;
const HIT_JOB = 4;
const HIT_EXTRANONCE = 5;
const HIT_NONCE = 6;

/** Units of ranges that this worker ended, and how many ranges those were. */
export interface EndedRanges {
  readonly finishedUnits: number;
  readonly staleUnits: number;
  readonly ranges: number;
}

export interface Hit {
  readonly job: number;
  readonly extranonce: number;
  readonly nonce: number;
}

export class WorkerSlot {
  readonly worker: number;
  readonly #space: WorkSpace;
  readonly #at64: number;
  readonly #at32: number;

  constructor(space: WorkSpace, worker: number) {
    this.worker = worker;
    this.#space = space;
    this.#at64 = space.workerAt(worker) / 8;
    this.#at32 = space.workerAt(worker) / 4;
  }

  claim(): RangeWord {
    return BigInt.asUintN(64, this.#space.atomics.load(this.#space.i64, this.#at64 + CLAIM));
  }

  setClaim(word: RangeWord): void {
    this.#space.atomics.store(this.#space.i64, this.#at64 + CLAIM, BigInt.asIntN(64, word));
  }

  swapClaim(from: RangeWord, to: RangeWord): boolean {
    const expected = BigInt.asIntN(64, from);
    const { atomics, i64 } = this.#space;
    return atomics.compareExchange(i64, this.#at64 + CLAIM, expected, BigInt.asIntN(64, to)) === expected;
  }

  /** Units of the claimed range; written before the claim itself. */
  units(): number {
    return this.#space.atomics.load(this.#space.i32, this.#at32 + UNITS);
  }

  setUnits(units: number): void {
    this.#space.atomics.store(this.#space.i32, this.#at32 + UNITS, units);
  }

  /** Whether the worker shall go on; cleared to stop it. */
  isRunning(): boolean {
    return this.#space.atomics.load(this.#space.i32, this.#at32 + RUN) === 1;
  }

  setRunning(running: boolean): void {
    this.#space.atomics.store(this.#space.i32, this.#at32 + RUN, running ? 1 : 0);
  }

  /** The set of counters that `parity` (0 or PARITY) selects. */
  ended(parity: number): EndedRanges {
    const at = this.#counters(parity);
    const read = (offset: number) => Number(this.#space.atomics.load(this.#space.i64, at + offset));
    return { finishedUnits: read(0), staleUnits: read(1), ranges: read(2) };
  }

  setEnded(parity: number, ended: EndedRanges): void {
    const at = this.#counters(parity);
    const write = (offset: number, value: number) => this.#space.atomics.store(this.#space.i64, at + offset, BigInt(value));
    write(0, ended.finishedUnits);
    write(1, ended.staleUnits);
    write(2, ended.ranges);
  }

  #counters(parity: number): number {
    return this.#at64 + COUNTERS + (parity === 0 ? 0 : COUNTERS_OF_A_SET);
  }

  /** Nonces tried, for rates; grows within a range too, so it is a little ahead of the counted units. */
  hashes(): number {
    return Number(this.#space.atomics.load(this.#space.i64, this.#at64 + HASHES));
  }

  addHashes(count: number): void {
    this.#space.atomics.add(this.#space.i64, this.#at64 + HASHES, BigInt(count));
  }

  /** How often another worker took the range that this one was about to take: each would have been duplicate work. */
  lostRaces(): number {
    return Number(this.#space.atomics.load(this.#space.i64, this.#at64 + LOST_RACES));
  }

  addLostRace(): void {
    this.#space.atomics.add(this.#space.i64, this.#at64 + LOST_RACES, 1n);
  }

  /** Hits that came after another one had solved the job, or after the job was over. */
  refusedHits(): number {
    return Number(this.#space.atomics.load(this.#space.i64, this.#at64 + REFUSED_HITS));
  }

  addRefusedHit(): void {
    this.#space.atomics.add(this.#space.i64, this.#at64 + REFUSED_HITS, 1n);
  }

  /** The last hit of this worker; job 0 if there was none. */
  hit(): Hit {
    const { atomics, i32 } = this.#space;
    const job = atomics.load(i32, this.#at32 + HIT_JOB);
    const extranonce = atomics.load(i32, this.#at32 + HIT_EXTRANONCE) >>> 0;
    return { job, extranonce, nonce: atomics.load(i32, this.#at32 + HIT_NONCE) >>> 0 };
  }

  /** The job number last: who sees it sees the rest. */
  setHit(hit: Hit): void {
    const { atomics, i32 } = this.#space;
    atomics.store(i32, this.#at32 + HIT_EXTRANONCE, hit.extranonce | 0);
    atomics.store(i32, this.#at32 + HIT_NONCE, hit.nonce | 0);
    atomics.store(i32, this.#at32 + HIT_JOB, hit.job);
  }

  /** Notes the `index`-th range that this worker ended; counts only together with the counters. */
  writeJournal(index: number, range: RangeWord, units: number, outcome: JournalEntry["outcome"]): void {
    if (this.#space.options.journalLength === 0) return;
    const at = this.#space.journalAt(this.worker, index);
    this.#space.i64[at / 8] = BigInt.asIntN(64, range);
    this.#space.i32[at / 4 + 2] = units;
    this.#space.i32[at / 4 + 3] = outcome === "finished" ? 1 : 2;
  }

  journal(index: number): JournalEntry {
    const at = this.#space.journalAt(this.worker, index);
    return {
      worker: this.worker,
      range: BigInt.asUintN(64, this.#space.i64[at / 8]!),
      units: this.#space.i32[at / 4 + 2]!,
      outcome: this.#space.i32[at / 4 + 3] === 1 ? "finished" : "stale",
    };
  }
}
