import { assert, ChainCoreError } from "../errors.ts";
import type { Holds } from "../locks/context.ts";
import type { Clock } from "../ports.ts";
import { type Job, nonceRange, writeJob } from "./job.ts";
import { type MiningWork, WorkLeases } from "./leases.ts";
import { jobOf, type RangeWord, rangeWord, tagOf, UNITS_MAX, unitOf } from "./range-word.ts";
import { Reissues } from "./reissues.ts";
import { type JournalEntry, WORKERS_MAX, WorkSpace, type WorkSpaceHandle } from "./work-space.ts";
import { settleLastClaim, type WorkRange } from "./worker-claims.ts";
import { type Hit, HOLDING, IDLE, PARITY, STATE_MASK, WorkerSlot } from "./worker-slot.ts";

export interface CoordinatorOptions {
  /** Slots for worker threads, at most 64. */
  readonly workers?: number;
  /** Nonces of a unit as a power of two. */
  readonly unitBits?: number;
  /** Nonces of an extranonce as a power of two; less than 32 only where rolling it is to be seen soon. */
  readonly nonceBits?: number;
  /** Ended ranges that are remembered per worker. */
  readonly journalLength?: number;
  /** Where extranonces start; a random number makes blocks of two runs on one parent differ. */
  readonly firstExtranonce?: number;
  /** How long a miner of assignWork has to report before its range is offered again. */
  readonly leaseMs?: number;
}

/** Counts of units since the start, but for `lostRaces`, `duplicatesPrevented` and `hits`, which count events. */
export interface WorkStatistics {
  readonly job: number;
  readonly unitNonces: number;
  /** Claimed by somebody; a range that is claimed again counts once. */
  readonly issued: number;
  readonly finished: number;
  /** Ended or left behind after their job was over. */
  readonly stale: number;
  /** Claimed by a worker that died or a miner that did not report, and offered again. */
  readonly reissued: number;
  /** Reports of ranges that were given to somebody else meanwhile, and hits on a job already solved: refused. */
  readonly duplicatesPrevented: number;
  /** Claims that met another's on the same range and went on to the next. */
  readonly lostRaces: number;
  readonly hits: number;
  /** finished / issued; 1 before anything was issued. */
  readonly efficiency: number;
}

/** What publish() adds to a job by itself. */
export type JobDraft = Omit<Job, "firstExtranonce" | "units" | "prefix"> & Partial<Pick<Job, "units" | "prefix">>;

/**
 * Gives out work so that no (job, extranonce, nonce) is tried twice and none is left out (WorkCoordinator of the guide). Lives on the
 * main thread; worker threads claim by themselves from the shared memory (worker-claims.ts), so a busy main thread delays nobody.
 * Miners that share no memory with it ask for ranges: assignWork.
 */
export class WorkCoordinator {
  readonly #space: WorkSpace;
  readonly #slots: readonly WorkerSlot[];
  readonly #slotsOpen = new Set<number>();
  readonly #leases: WorkLeases;
  readonly #reissues: Reissues;
  #nextExtranonce: number;
  #nextPrefix = 1;
  /** Guarded by MINING. */
  #job: Job | undefined;
  #hitTakenFor = 0;
  #hits = 0;
  #issuedForOldJobs = 0;
  #reissued = 0;
  #dropped = 0;

  constructor(options: CoordinatorOptions = {}, deps: { readonly clock: Pick<Clock, "monotonicMs"> }) {
    const {
      workers = WORKERS_MAX,
      unitBits = 14,
      nonceBits = 32,
      journalLength = 0,
      firstExtranonce = 0,
      leaseMs = 30_000,
    } = options;
    this.#space = WorkSpace.create({ workers, unitBits, nonceBits, journalLength });
    this.#slots = Array.from({ length: workers }, (_, worker) => new WorkerSlot(this.#space, worker));
    this.#nextExtranonce = firstExtranonce >>> 0;
    this.#reissues = new Reissues(this.#space);
    this.#leases = new WorkLeases(this, { leaseMs, clock: deps.clock });
  }

  /** For a worker thread to attach to. */
  get handle(): WorkSpaceHandle {
    return this.#space.handle;
  }

  get unitNonces(): number {
    return this.#space.unitNonces;
  }

  /** The number of the current job; 0 before the first. */
  get jobNumber(): number {
    return jobOf(this.#space.head());
  }

  get job(): Job | undefined {
    return this.#job;
  }

  /** Nobody has solved or abandoned the current job, and some of it is still to be given out. */
  get isJobOpen(): boolean {
    const head = this.#space.head();
    return this.#job !== undefined && !this.#space.isOver(jobOf(head)) && unitOf(head) < this.#job.units;
  }

  /** Replaces the current job; workers see it within a range, some 5 ms. @returns its number */
  publish(_at: Holds<"MINING", "write">, draft: JobDraft): number {
    const units = draft.units ?? UNITS_MAX;
    assert(units >= 1 && units <= UNITS_MAX, "a job has 1 to 2^24 - 1 units");
    const number = this.jobNumber + 1;
    const job = { prefix: 0, ...draft, units, firstExtranonce: this.#nextExtranonce };
    this.#nextExtranonce = (this.#nextExtranonce + Math.ceil(units / this.#space.unitsPerExtranonce)) >>> 0;
    writeJob(this.#space, number, job);
    this.#issuedForOldJobs += unitOf(this.#moveHead(() => rangeWord(number, 0, 0))!);
    this.#job = job;
    this.#dropped += this.#reissues.dropAll();
    this.#leases.dropAll();
    this.#space.wakeAll();
    return number;
  }

  /** Workers leave the current job within a batch, some 2 ms, and wait for the next: what it builds on is the tip no longer. */
  abandonJob(): void {
    this.#space.abandon(this.jobNumber);
  }

  /** The hit that decided a job, once; undefined before there is one, or when a later job is solved. */
  takeHit(job = this.jobNumber): Hit | undefined {
    if (job === 0 || this.#space.solvedJob() !== job || this.#hitTakenFor >= job) return undefined;
    this.#hitTakenFor = job;
    this.#hits++;
    return this.#slots.map((slot) => slot.hit()).find((hit) => hit.job === job);
  }

  /** @throws ChainCoreError "too-many-workers" unless there are slots for so many more */
  checkRoom(workers: number): void {
    if (this.#slotsOpen.size + workers <= this.#slots.length) return;
    const detail = { workersMax: this.#slots.length };
    throw new ChainCoreError("too-many-workers", `At most ${this.#slots.length} worker threads can mine together.`, { detail });
  }

  /** A slot for a new worker thread. @throws ChainCoreError "too-many-workers" */
  openSlot(): number {
    this.checkRoom(1);
    const slot = this.#slots.find(({ worker }) => !this.#slotsOpen.has(worker))!;
    this.#slotsOpen.add(slot.worker);
    slot.setRunning(true);
    return slot.worker;
  }

  /** Asks a worker to end after its present range. */
  stopWorker(worker: number): void {
    this.#slots[worker]!.setRunning(false);
    this.#space.wakeAll();
  }

  /** To be called when a worker's thread is gone, in whatever way: what it held is offered again, and its slot is free. */
  closeSlot(worker: number): void {
    settleLastClaim(this.#space, this.#space.head());
    const slot = this.#slots[worker]!;
    const claim = slot.claim();
    const parity = tagOf(claim) & PARITY;
    const isHolding = (tagOf(claim) & STATE_MASK) === HOLDING;
    for (const range of this.#reissues.reclaim(worker, parity, isHolding)) this.offerAgain(range);
    if (isHolding) this.offerAgain({ job: jobOf(claim), unit: unitOf(claim), units: slot.units() });
    slot.setClaim(rangeWord(0, 0, IDLE | parity));
    slot.setRunning(false);
    this.#slotsOpen.delete(worker);
  }

  /** Lets somebody else mine a range whose miner is gone; one of an old job is dropped. */
  offerAgain(range: WorkRange): void {
    if (range.job !== this.jobNumber) {
      this.#dropped += range.units;
      return;
    }
    this.#reissued += range.units;
    this.#reissues.offer(range);
    this.#space.wakeAll();
  }

  /** Claims for a miner without a slot; the main thread does not die between two steps, so nothing need be noted. */
  claim(units: number): WorkRange | undefined {
    if (!this.isJobOpen) return undefined;
    const again = this.#reissues.take();
    if (again) return again;
    const perExtranonce = this.#space.unitsPerExtranonce;
    const take = (unit: number) => Math.min(units, this.#job!.units - unit, perExtranonce - (unit % perExtranonce));
    const before = this.#moveHead((head) => {
      const count = take(unitOf(head));
      return count > 0 ? rangeWord(jobOf(head), unitOf(head) + count, 0) : undefined;
    });
    return before === undefined ? undefined : { job: jobOf(before), unit: unitOf(before), units: take(unitOf(before)) };
  }

  /** Moves the head to what `next` makes of it; returns what it was, or undefined where `next` does. */
  #moveHead(next: (head: RangeWord) => RangeWord | undefined): RangeWord | undefined {
    for (;;) {
      const head = this.#space.head();
      settleLastClaim(this.#space, head);
      const to = next(head);
      if (to === undefined) return undefined;
      if (this.#space.swapHead(head, to)) return head;
    }
  }

  nonceRange(range: WorkRange): { extranonce: number; startNonce: number; endNonce: number } {
    return nonceRange(this.#space, this.#job!, range);
  }

  /** A range for a miner in another process, to be reported by completeWork. undefined: there is nothing to mine. */
  assignWork(minerId: string, nonces?: number): MiningWork | undefined {
    return this.#leases.assign(minerId, nonces === undefined ? Math.max(1, this.#space.claimUnits()) : this.#unitsOf(nonces));
  }

  /** @returns whether the range counts; false if somebody else was given it meanwhile, or its job is over */
  completeWork(work: MiningWork): boolean {
    return this.#leases.complete(work);
  }

  /** To be called now and then: offers again what is overdue, and what found no room in the shared table. */
  tend(): void {
    this.#leases.expire();
    this.#reissues.fill();
  }

  /** Four bytes of extranonce for a miner that makes its own work from a template; never given out twice. */
  reservePrefix(): number {
    return this.#nextPrefix++;
  }

  /** Nonces of a claim, rounded up to units; undefined: what lasts a worker about 5 ms. */
  setNonceRange(nonces: number | undefined): void {
    this.#space.setClaimUnits(nonces === undefined ? 0 : this.#unitsOf(nonces));
  }

  #unitsOf(nonces: number): number {
    return Math.max(1, Math.ceil(nonces / this.unitNonces));
  }

  /** Whether a late report of a range that was given to somebody else is refused (the default) or counted once more. */
  setOverlapPrevention(isOn: boolean): void {
    this.#leases.overlapPrevention = isOn;
  }

  /** Nonces that a slot's workers have tried. */
  hashes(worker: number): number {
    return this.#slots[worker]!.hashes();
  }

  /** Ranges that were ended lately, where `journalLength` asked for it. */
  journal(): JournalEntry[] {
    const { journalLength } = this.#space.options;
    return this.#slots.flatMap((slot) => {
      const { ranges } = slot.ended(tagOf(slot.claim()) & PARITY);
      const kept = Math.min(ranges, journalLength);
      return Array.from({ length: kept }, (_, index) => slot.journal(ranges - kept + index));
    });
  }

  statistics(): WorkStatistics {
    const ended = this.#slots.map((slot) => slot.ended(tagOf(slot.claim()) & PARITY));
    const sum = (count: (slot: WorkerSlot) => number) => this.#slots.reduce((total, slot) => total + count(slot), 0);
    const leased = this.#leases.counts;
    const issued = this.#issuedForOldJobs + unitOf(this.#space.head());
    const finished = ended.reduce((total, { finishedUnits }) => total + finishedUnits, leased.finished);
    return {
      job: this.jobNumber,
      unitNonces: this.unitNonces,
      issued,
      finished,
      stale: ended.reduce((total, { staleUnits }) => total + staleUnits, leased.dropped + this.#dropped),
      reissued: this.#reissued,
      duplicatesPrevented: leased.refused + sum((slot) => slot.refusedHits()),
      lostRaces: sum((slot) => slot.lostRaces()),
      hits: this.#hits,
      efficiency: issued === 0 ? 1 : finished / issued,
    };
  }
}
