import { lockName } from "./describe.ts";
import { BUCKETS, HEADER, LOCK, lockAt, RECORD, RECORD_WORDS, recordAt, SHARD_WORDS } from "./layout.ts";
import { bucketEnd } from "./records.ts";
import type { LockSpace } from "./space.ts";

/** Figures of a lock, or of one site of it. Times in milliseconds; plain JSON. */
export interface LockFigures {
  readonly acquisitions: number;
  readonly reads: number;
  readonly writes: number;
  /** Acquisitions that found the lock taken. */
  readonly contentions: number;
  readonly contentionRatio: number;
  readonly waits: number;
  readonly waitAverageMs: number;
  readonly waitP99Ms: number;
  readonly waitMaxMs: number;
  /** Of one hold in 64. */
  readonly holdAverageMs: number;
  readonly holdP99Ms: number;
  readonly holdMaxMs: number;
  readonly timeouts: number;
  readonly aborts: number;
  readonly deadlockAttempts: number;
  readonly orderViolations: number;
}

/** The raw words behind the figures of one record, or of several added up. */
class Sums {
  readonly words = new Float64Array(RECORD_WORDS);
  reads = 0;
  writes = 0;

  addTo(other: Sums): void {
    for (let i = 0; i < RECORD_WORDS; i++) {
      if (i === RECORD.WAIT_MAX || i === RECORD.HOLD_MAX) other.words[i] = Math.max(other.words[i]!, this.words[i]!);
      else other.words[i]! += this.words[i]!;
    }
    other.reads += this.reads;
    other.writes += this.writes;
  }

  figures(): LockFigures {
    const at = (word: number) => this.words[word]!;
    const acquisitions = this.reads + this.writes;
    const sum = (low: number) => (at(low + 1) * 2 ** 32 + at(low)) / 1000;
    const average = (low: number, count: number) => (count === 0 ? 0 : sum(low) / count);
    return {
      acquisitions,
      reads: this.reads,
      writes: this.writes,
      contentions: at(RECORD.CONTENTIONS),
      contentionRatio: acquisitions === 0 ? 0 : Math.min(1, at(RECORD.CONTENTIONS) / acquisitions),
      waits: at(RECORD.WAITS),
      waitAverageMs: average(RECORD.WAIT_SUM, at(RECORD.WAITS)),
      waitP99Ms: this.#percentile(RECORD.WAIT_BUCKETS, at(RECORD.WAIT_MAX)),
      waitMaxMs: at(RECORD.WAIT_MAX) / 1000,
      holdAverageMs: average(RECORD.HOLD_SUM, at(RECORD.HOLDS_SAMPLED)),
      holdP99Ms: this.#percentile(RECORD.HOLD_BUCKETS, at(RECORD.HOLD_MAX)),
      holdMaxMs: at(RECORD.HOLD_MAX) / 1000,
      timeouts: at(RECORD.TIMEOUTS),
      aborts: at(RECORD.ABORTS),
      deadlockAttempts: at(RECORD.DEADLOCKS),
      orderViolations: at(RECORD.ORDER_VIOLATIONS),
    };
  }

  /** The upper end of the bucket that 99 of 100 do not pass, never above the maximum. */
  #percentile(first: number, maxMicros: number): number {
    const buckets = this.words.subarray(first, first + BUCKETS);
    const total = buckets.reduce((sum, count) => sum + count, 0);
    if (total === 0) return 0;
    let bucket = 0;
    for (let below = buckets[0]!; below < total * 0.99; below += buckets[bucket]!) bucket++;
    return Math.min(bucketEnd(bucket), maxMicros) / 1000;
  }
}

export interface SiteFigures extends LockFigures {
  readonly site: string;
}

/**
 * Reads the statistics of a space. A reset remembers where the counters stood, since each belongs to the thread that counts it;
 * only the maxima are set back in place.
 */
export class Statistics {
  readonly #space: LockSpace;
  #zero = new Map<number, Sums>();

  constructor(space: LockSpace) {
    this.#space = space;
  }

  /** By lock index: all sites of the lock. Threads go on counting meanwhile, but a lock's figures are the sums over its sites. */
  read(): Map<number, { total: LockFigures; sites: SiteFigures[] }> {
    const { records } = this.#space;
    const byLock = new Map<number, Map<string, Sums>>();
    for (const [record, sums] of this.#sums()) {
      const lock = records.lockOf(record);
      const sites = byLock.get(lock) ?? new Map<string, Sums>();
      byLock.set(lock, sites);
      const site = records.siteOf(record);
      const known = sites.get(site);
      if (known === undefined) sites.set(site, sums);
      else sums.addTo(known);
    }
    return new Map([...byLock].map(([lock, sites]) => [lock, figuresOf(sites)]));
  }

  reset(): void {
    const { layout } = this.#space;
    this.#zero = new Map();
    this.#zero = new Map(this.#sums());
    for (const [record, sums] of this.#zero) {
      for (const max of [RECORD.WAIT_MAX, RECORD.HOLD_MAX]) {
        Atomics.store(layout.words, recordAt(layout, record) + max, 0);
        sums.words[max] = 0;
      }
    }
  }

  *#sums(): Generator<[number, Sums]> {
    const { layout, capacity } = this.#space;
    const { words } = layout;
    const used = Math.min(capacity.records, Atomics.load(words, HEADER.RECORDS_USED));
    for (let record = 0; record < used; record++) {
      const at = recordAt(layout, record);
      if (Atomics.load(words, at + RECORD.LOCK) === 0) continue;
      const sums = new Sums();
      // Unsigned, so that low words of sums read as they are.
      for (let word = RECORD.CONTENTIONS; word < RECORD_WORDS; word++) sums.words[word] = words[at + word]! >>> 0;
      for (let thread = 0; thread < capacity.threads; thread++) {
        const shard = layout.shards + (thread * capacity.records + record) * SHARD_WORDS;
        sums.reads += words[shard]! >>> 0;
        sums.writes += words[shard + 1]! >>> 0;
      }
      const zero = this.#zero.get(record);
      if (zero !== undefined) subtract(sums, zero);
      yield [record, sums];
    }
  }

  /** Cycles refused before they closed; cycles that the periodic check found and broke. */
  deadlocks(): { prevented: number; found: number } {
    const { words } = this.#space.layout;
    return { prevented: words[HEADER.PREVENTED]!, found: words[HEADER.FOUND]! };
  }

  /** How often a writer died inside this lock. */
  poisonings(lock: number): number {
    const { layout } = this.#space;
    return layout.words[lockAt(layout, lock) + LOCK.POISONED]!;
  }

  nameOf(lock: number): string {
    return lockName(this.#space, lock);
  }
}

function subtract(sums: Sums, zero: Sums): void {
  for (let i = 0; i < RECORD_WORDS; i++) sums.words[i]! -= zero.words[i]!;
  sums.reads -= zero.reads;
  sums.writes -= zero.writes;
}

function figuresOf(sites: ReadonlyMap<string, Sums>): { total: LockFigures; sites: SiteFigures[] } {
  const total = new Sums();
  for (const sums of sites.values()) sums.addTo(total);
  const figures = [...sites]
    .map(([site, sums]) => ({ site, ...sums.figures() }))
    .filter((site) => site.acquisitions + site.contentions > 0);
  return {
    total: total.figures(),
    sites: figures.sort((a, b) => b.contentions - a.contentions || b.acquisitions - a.acquisitions),
  };
}
