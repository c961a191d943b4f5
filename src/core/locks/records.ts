import { BUCKETS, HEADER, type Layout, LOCK, LOCK_MASK, lockAt, RECORD, recordAt, SHARD_WORDS } from "./layout.ts";
import type { Names } from "./names.ts";

/*
 * Statistics. A record belongs to one lock and one site of the program. Acquisitions are counted in the thread's own shard, by plain
 * increments, for that is the hot path; everything that comes with a wait is added to the record's shared words.
 * A lock's figures are the sums over its records.
 */

const BUCKETS_PER_OCTAVE = 4;

/** Which bucket of a histogram a duration in microseconds falls in. */
export function bucketOf(micros: number): number {
  return micros < 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(micros) * BUCKETS_PER_OCTAVE) + 1);
}

/** The upper end of a bucket in microseconds. */
export function bucketEnd(bucket: number): number {
  return 2 ** (bucket / BUCKETS_PER_OCTAVE);
}

export class Records {
  readonly layout: Layout;
  readonly names: Names;
  readonly #known = new Map<string, number>();
  /** Where this thread's counters stand; the record's two words are at `shard + record * 2`. */
  readonly shard: number;

  constructor(layout: Layout, names: Names, thread: number) {
    this.layout = layout;
    this.names = names;
    this.shard = layout.shards + thread * layout.capacity.records * SHARD_WORDS;
  }

  /** The record of a lock and a site; the lock's own one when all are in use. */
  recordOf(lock: number, site: string): number {
    const key = `${lock} ${site}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const record = this.#find(lock, site) ?? this.#add(lock, site) ?? this.#shared(lock);
    this.#known.set(key, record);
    return record;
  }

  #find(lock: number, site: string): number | undefined {
    const { words } = this.layout;
    const used = Math.min(Atomics.load(words, HEADER.RECORDS_USED), this.layout.capacity.records);
    for (let record = 0; record < used; record++) {
      const at = recordAt(this.layout, record);
      if (Atomics.load(words, at + RECORD.LOCK) === lock + 1 && this.names.textOf(words[at + RECORD.SITE]!) === site)
        return record;
    }
    return undefined;
  }

  #add(lock: number, site: string): number | undefined {
    const { words, capacity } = this.layout;
    if (Atomics.load(words, HEADER.RECORDS_USED) >= capacity.records) return undefined;
    const record = Atomics.add(words, HEADER.RECORDS_USED, 1);
    if (record >= capacity.records) return undefined;
    const at = recordAt(this.layout, record);
    words[at + RECORD.SITE] = this.names.idOf(site);
    Atomics.store(words, at + RECORD.LOCK, lock + 1);
    // Never 0, so that an index of 0 in the lock means "none yet".
    Atomics.compareExchange(words, lockAt(this.layout, lock) + LOCK.RECORD, 0, record + 1);
    return record;
  }

  #shared(lock: number): number {
    return Math.max(0, Atomics.load(this.layout.words, lockAt(this.layout, lock) + LOCK.RECORD) - 1);
  }

  siteOf(record: number): string {
    return this.names.textOf(this.layout.words[recordAt(this.layout, record) + RECORD.SITE]!);
  }

  lockOf(record: number): number {
    return (this.layout.words[recordAt(this.layout, record) + RECORD.LOCK]! & LOCK_MASK) - 1;
  }

  /** One more of CONTENTIONS, TIMEOUTS and the like. */
  count(record: number, word: number): void {
    Atomics.add(this.layout.words, recordAt(this.layout, record) + word, 1);
  }

  countWait(record: number, ms: number): void {
    this.#duration(recordAt(this.layout, record), ms, RECORD.WAITS, RECORD.WAIT_BUCKETS);
  }

  countHold(record: number, ms: number): void {
    this.#duration(recordAt(this.layout, record), ms, RECORD.HOLDS_SAMPLED, RECORD.HOLD_BUCKETS);
  }

  /** Number, sum (two words) and maximum stand one after the other. */
  #duration(at: number, ms: number, number: number, buckets: number): void {
    const { words } = this.layout;
    const micros = Math.min(0x7fffffff, Math.round(ms * 1000));
    Atomics.add(words, at + number, 1);
    const low = Atomics.add(words, at + number + 1, micros);
    if (low >>> 0 > (low + micros) >>> 0) Atomics.add(words, at + number + 2, 1);
    const max = at + number + 3;
    for (let seen = Atomics.load(words, max); seen < micros; ) {
      const was = Atomics.compareExchange(words, max, seen, micros);
      if (was === seen) break;
      seen = was;
    }
    Atomics.add(words, at + buckets + bucketOf(micros), 1);
  }
}
