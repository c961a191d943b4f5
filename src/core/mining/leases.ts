import type { Clock } from "../ports.ts";
import type { Job } from "./job.ts";
import type { WorkRange } from "./worker-claims.ts";

/** A range for a miner that does not share the coordinator's memory (MiningWork of the guide). */
export interface MiningWork {
  readonly minerId: string;
  readonly jobNumber: number;
  readonly blockTemplate: Job;
  /** A header hash at or below it is a hit. */
  readonly target: bigint;
  /** Which extranonce goes into the coinbase (job.ts, headerAt). */
  readonly extranonce: number;
  readonly startNonce: number;
  /** The first nonce that is no longer part of it; up to 2^32. */
  readonly endNonce: number;
}

interface Lease {
  readonly work: MiningWork;
  readonly range: WorkRange;
  readonly expiresAtMs: number;
  isReissued: boolean;
}

/** What the leases need of the coordinator. */
export interface RangeSource {
  readonly job: Job | undefined;
  readonly jobNumber: number;
  claim(units: number): WorkRange | undefined;
  offerAgain(range: WorkRange): void;
  nonceRange(range: WorkRange): { readonly extranonce: number; readonly startNonce: number; readonly endNonce: number };
}

/** More open leases than this are refused: the oldest would have expired long ago. */
const LEASES_MAX = 10_000;

/** Ranges that were given away to report back; what is not reported in time is offered again. */
export class WorkLeases {
  readonly #source: RangeSource;
  readonly #leaseMs: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #open = new Map<MiningWork, Lease>();
  overlapPrevention = true;
  #finished = 0;
  #dropped = 0;
  #refused = 0;

  constructor(source: RangeSource, options: { readonly leaseMs: number; readonly clock: Pick<Clock, "monotonicMs"> }) {
    this.#source = source;
    this.#leaseMs = options.leaseMs;
    this.#clock = options.clock;
  }

  /** Units reported as finished, units whose job was over before that, and reports refused. */
  get counts(): { readonly finished: number; readonly dropped: number; readonly refused: number } {
    return { finished: this.#finished, dropped: this.#dropped, refused: this.#refused };
  }

  assign(minerId: string, units: number): MiningWork | undefined {
    this.expire();
    const range = this.#open.size < LEASES_MAX ? this.#source.claim(units) : undefined;
    const job = this.#source.job;
    if (!range || !job) return undefined;
    const nonces = this.#source.nonceRange(range);
    const work = { minerId, jobNumber: range.job, blockTemplate: job, target: job.target, ...nonces };
    this.#open.set(work, { work, range, expiresAtMs: this.#clock.monotonicMs() + this.#leaseMs, isReissued: false });
    return work;
  }

  /** @returns whether the range counts: false where it was given to somebody else meanwhile, its job is over, or it is not known. */
  complete(work: MiningWork): boolean {
    this.expire();
    const lease = this.#open.get(work);
    if (!lease) return false;
    this.#open.delete(work);
    if (lease.isReissued && this.overlapPrevention) {
      this.#refused++;
      return false;
    }
    this.#finished += lease.range.units;
    return true;
  }

  /** Offers again what is overdue. A late report is still recognised until the job is over. */
  expire(): void {
    const now = this.#clock.monotonicMs();
    for (const lease of this.#open.values()) {
      if (lease.isReissued || lease.expiresAtMs > now) continue;
      lease.isReissued = true;
      this.#source.offerAgain(lease.range);
    }
  }

  /** The job is over: what is still out is stale. */
  dropAll(): void {
    for (const lease of this.#open.values()) if (!lease.isReissued) this.#dropped += lease.range.units;
    this.#open.clear();
  }
}
