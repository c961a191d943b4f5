import { assert } from "../errors.ts";
import type { RangeWord } from "./range-word.ts";

/**
 * The shared memory of one coordinator and its workers: where things stand, and every atomic step on them. The protocol over it is
 * in worker-claims.ts (a worker's half) and coordinator.ts (the main thread's half).
 *
 *   control      head, wake count, solved and abandoned job, settings
 *   re-issued    ranges that dead workers left, waiting for others
 *   workers      256 bytes each: claim, counters, hit
 *   jobs         a ring of slots, each written once while nobody reads it, then read only
 *   journal      per worker the last ranges that it ended (only where asked for)
 */

/** One byte of a range word names a worker; beyond this many threads mining does not scale on one machine anyway. */
export const WORKERS_MAX = 64;
/** Ranges waiting to be mined again; a worker leaves at most one, so more than this many wait in the coordinator. */
export const REISSUES_MAX = 64;
/** A worker may be this many jobs behind and still read what it started on; one that is further behind reads anew. */
export const JOB_SLOTS = 8;
/** Header, target, branch of 24 hashes and a coinbase of up to 4 KiB. */
export const JOB_SLOT_BYTES = 8192;

/** The operations of the global Atomics that are used here; a test passes its own to stop a worker between any two of them. */
export type AtomicOperations = Pick<typeof Atomics, "load" | "store" | "add" | "compareExchange">;

export interface WorkSpaceOptions {
  /** Slots for workers, at most 64. */
  readonly workers: number;
  /** Nonces of a unit, as a power of two. */
  readonly unitBits: number;
  /** Nonces of an extranonce, as a power of two; 32 but in tests. */
  readonly nonceBits: number;
  /** Ended ranges that are remembered per worker. */
  readonly journalLength: number;
}

/** What a worker thread is given to attach; may be sent by postMessage. */
export interface WorkSpaceHandle {
  readonly memory: SharedArrayBuffer;
  readonly options: WorkSpaceOptions;
}

const CONTROL_BYTES = 256;
const REISSUE_BYTES = 16;
const WORKER_BYTES = 256;
const JOURNAL_BYTES = 16;

/** Places in the control block: in 64-bit words for the head, in 32-bit words for the rest. */
const HEAD = 0;
const WAKE = 2;
const SOLVED = 3;
const CLAIM_UNITS = 4;
const REISSUES_WAITING = 5;
const ABANDONED = 6;

export interface JournalEntry {
  readonly worker: number;
  readonly range: RangeWord;
  readonly units: number;
  readonly outcome: "finished" | "stale";
}

export class WorkSpace {
  readonly handle: WorkSpaceHandle;
  readonly options: WorkSpaceOptions;
  readonly i32: Int32Array;
  readonly i64: BigInt64Array;
  readonly bytes: Uint8Array;
  readonly atomics: AtomicOperations;

  private constructor(handle: WorkSpaceHandle, atomics: AtomicOperations) {
    this.handle = handle;
    this.options = handle.options;
    this.i32 = new Int32Array(handle.memory);
    this.i64 = new BigInt64Array(handle.memory);
    this.bytes = new Uint8Array(handle.memory);
    this.atomics = atomics;
  }

  static create(options: WorkSpaceOptions, atomics: AtomicOperations = Atomics): WorkSpace {
    const { workers, unitBits, nonceBits, journalLength } = options;
    assert(workers >= 1 && workers <= WORKERS_MAX, "1 to 64 workers");
    assert(unitBits >= 2 && unitBits <= nonceBits && nonceBits <= 32, "a unit is at least 4 nonces and at most an extranonce's");
    const journal = workers * journalLength * JOURNAL_BYTES;
    const bytes = CONTROL_BYTES + REISSUES_MAX * REISSUE_BYTES + workers * WORKER_BYTES + JOB_SLOTS * JOB_SLOT_BYTES + journal;
    return new WorkSpace({ memory: new SharedArrayBuffer(bytes), options }, atomics);
  }

  static attach(handle: WorkSpaceHandle, atomics: AtomicOperations = Atomics): WorkSpace {
    return new WorkSpace(handle, atomics);
  }

  /** Units of an extranonce. */
  get unitsPerExtranonce(): number {
    return 2 ** (this.options.nonceBits - this.options.unitBits);
  }

  get unitNonces(): number {
    return 2 ** this.options.unitBits;
  }

  /** The current job, its next unit that nobody claimed, and who claimed last (worker + 1; 0 nobody). */
  head(): RangeWord {
    return BigInt.asUintN(64, this.atomics.load(this.i64, HEAD));
  }

  swapHead(from: RangeWord, to: RangeWord): boolean {
    return this.#swap(HEAD, from, to);
  }

  /** Where a worker's thread sleeps when there is nothing to do. */
  wakeCount(): number {
    return this.atomics.load(this.i32, WAKE);
  }

  wakeAll(): void {
    this.atomics.add(this.i32, WAKE, 1);
    Atomics.notify(this.i32, WAKE);
  }

  /** Blocks the calling thread until somebody wakes all after `seen` was read. Never on the main thread. */
  sleep(seen: number, timeoutMs: number): void {
    Atomics.wait(this.i32, WAKE, seen, timeoutMs);
  }

  /** The last job for which a hit was found. */
  solvedJob(): number {
    return this.atomics.load(this.i32, SOLVED);
  }

  /** True for the one caller whose hit decides `job`; never goes back to an older job. */
  markSolved(job: number): boolean {
    const before = this.solvedJob();
    return before < job && this.atomics.compareExchange(this.i32, SOLVED, before, job) === before;
  }

  /** Nobody need go on with `job`: its parent is the tip no longer. The next job may be a while in coming. */
  abandon(job: number): void {
    this.atomics.store(this.i32, ABANDONED, job);
  }

  /** Somebody solved `job`, or it was abandoned. */
  isOver(job: number): boolean {
    return this.solvedJob() === job || this.atomics.load(this.i32, ABANDONED) === job;
  }

  /** Units of a claim; 0: each worker takes what lasts it about 5 ms. */
  claimUnits(): number {
    return this.atomics.load(this.i32, CLAIM_UNITS);
  }

  setClaimUnits(units: number): void {
    this.atomics.store(this.i32, CLAIM_UNITS, units);
  }

  /** Whether it is worth a look at the re-issued ranges. */
  reissuesWaiting(): boolean {
    return this.atomics.load(this.i32, REISSUES_WAITING) !== 0;
  }

  setReissuesWaiting(waiting: boolean): void {
    this.atomics.store(this.i32, REISSUES_WAITING, waiting ? 1 : 0);
  }

  reissue(entry: number): RangeWord {
    return BigInt.asUintN(64, this.atomics.load(this.i64, this.#reissueAt(entry) / 8));
  }

  reissueUnits(entry: number): number {
    return this.atomics.load(this.i32, this.#reissueAt(entry) / 4 + 2);
  }

  /** Only the coordinator, and only on a free entry. */
  setReissue(entry: number, range: RangeWord, units: number): void {
    this.atomics.store(this.i32, this.#reissueAt(entry) / 4 + 2, units);
    this.atomics.store(this.i64, this.#reissueAt(entry) / 8, BigInt.asIntN(64, range));
  }

  swapReissue(entry: number, from: RangeWord, to: RangeWord): boolean {
    return this.#swap(this.#reissueAt(entry) / 8, from, to);
  }

  /** Byte offset of a worker's block. */
  workerAt(worker: number): number {
    return CONTROL_BYTES + REISSUES_MAX * REISSUE_BYTES + worker * WORKER_BYTES;
  }

  jobSlot(job: number): { readonly i32At: number; readonly bytes: Uint8Array } {
    const at = this.workerAt(this.options.workers) + (job % JOB_SLOTS) * JOB_SLOT_BYTES;
    return { i32At: at / 4, bytes: this.bytes.subarray(at, at + JOB_SLOT_BYTES) };
  }

  /** Byte offset of the `index`-th entry of a worker's journal, a ring. */
  journalAt(worker: number, index: number): number {
    const start = this.workerAt(this.options.workers) + JOB_SLOTS * JOB_SLOT_BYTES;
    const { journalLength } = this.options;
    return start + (worker * journalLength + (index % journalLength)) * JOURNAL_BYTES;
  }

  #reissueAt(entry: number): number {
    return CONTROL_BYTES + entry * REISSUE_BYTES;
  }

  #swap(at: number, from: RangeWord, to: RangeWord): boolean {
    const expected = BigInt.asIntN(64, from);
    return this.atomics.compareExchange(this.i64, at, expected, BigInt.asIntN(64, to)) === expected;
  }
}
