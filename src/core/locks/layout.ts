import type { Words } from "./memory.ts";

/*
 * The one buffer of a lock space, in 32-bit words:
 *
 *   header | threads | locks | owners | statistics | shards | same-level orders | names
 *
 * A *thread* is an event loop or a worker that attached. An *owner* is one strand of work on a thread. Every part has a
 * fixed capacity. What a part must survive is written beside its words below.
 */

export const MAGIC = 0x4c4f434b;
export const LAYOUT_VERSION = 1;

/** Header words. The mutex has a cache line of its own. */
export const HEADER = {
  MAGIC: 0,
  VERSION: 1,
  /** The graph mutex: 0 free, else holder's thread + 1, with CONTENDED if somebody sleeps on it. */
  MUTEX: 16,
  /** Under the mutex: number of the next wait, for order in repaired queues. */
  TICKET: 32,
  /** Owners below this index have ever been used. Only grows. */
  OWNERS_HIGH: 33,
  /** Milliseconds of a monotonic clock, put by the space's tick; gives "held since" for nothing. */
  CLOCK: 34,
  RECORDS_USED: 35,
  NAMES_USED: 36,
  /** Cycles refused before they closed, and found by the periodic check. */
  PREVENTED: 37,
  FOUND: 38,
  REAPED: 39,
  SEARCHES: 40,
  /** Under the mutex: 1 from the takeover of a dead thread's mutex until its grants are mended. */
  MENDING: 41,
} as const;
export const HEADER_WORDS = 64;
export const CONTENDED = 1 << 20;

/** Thread words. */
export const THREAD = {
  /** 0 free; Node's threadId + 1 alive; the same negated: dead, not yet reaped. */
  ID: 0,
  /** Grows with each grant to an event-loop strand of this thread. */
  DOORBELL: 1,
  /** Owner + 1 that blocks this thread in Atomics.wait. */
  BLOCKED: 2,
} as const;
export const THREAD_WORDS = 16;

/** Lock words: 128 bytes, so that two locks never share a line. */
export const LOCK = {
  STATE: 0,
  /** 0 unused; name id | level << 16 | WRITER_PRIORITY. One word, so that a lock appears at once. */
  NAME: 1,
  /** How often a writer died inside. */
  POISONED: 2,
  /** The lock's own statistics record + 1. */
  RECORD: 3,
  /** Queues: owner + 1. Guarded by the mutex; rebuilt from the owners after a death. */
  FIRST_WRITER: 8,
  LAST_WRITER: 9,
  FIRST_READER: 10,
  LAST_READER: 11,
  /** How many of those queued are TANGLED: if none is, a search need not look at them. */
  TANGLED: 12,
} as const;
export const LOCK_WORDS = 32;
export const WRITER_PRIORITY = 1 << 20;

/** The state word: readers in the low 16 bits, or with WRITER the writer's owner index. */
export const COUNT = 0xffff;
export const WRITER = 1 << 16;
/** Somebody waits: fast paths stay out, releases go through the mutex. */
export const QUEUED = 1 << 17;
/** A writer died inside. */
export const POISON = 1 << 18;

/** Owner words. */
export const OWNER = {
  /** 0 free, else thread + 1. */
  THREAD: 0,
  GENERATION: 1,
  /** What the owner waits for. See WAITS below. One word, so that an edge goes and its waiter wakes in one step. */
  WAIT: 2,
  MODE: 3,
  TICKET: 4,
  /** Where in HELD the awaited lock will stand. */
  PLACE: 5,
  NEXT: 6,
  PREVIOUS: 7,
  /** Bits 0-15: places in use in HELD, at the last time that it mattered; then flags. Written by the owner alone. */
  LINKS: 8,
  /** Owner + 1 of which this one is a branch. */
  PARENT: 9,
  /** Name id of what the strand does. */
  LABEL: 10,
  /** 1 if somebody may wait for this strand while it waits: it holds something, blocks its thread, or is a branch. */
  TANGLED: 11,
  /** The held locks: lock + 1 | kind. */
  HELD: 16,
  /** Statistics record of each acquisition, and the clock at it. Plain words: for people. */
  SITE: 32,
  SINCE: 48,
} as const;
export const OWNER_WORDS = 64;
export const HELD_MAX = 16;

/** LINKS: the owner waits in Atomics.wait, and other strands live on its thread. */
export const BLOCKING = 1 << 16;
/** LINKS: the owner has a parent. */
export const BRANCH = 1 << 17;
/** LINKS: the owner has branches that are not closed. It takes locks under the mutex only. */
export const FORKED = 1 << 18;
export const PLACES = 0xffff;
/** Any of these in LINKS makes others wait for a strand that waits. */
export const TANGLES = PLACES | BLOCKING | BRANCH;

/** WAIT: 0 no wait; lock + 1 queued; -(lock + 1) granted; REFUSED + n failed for the reason n. */
export const REFUSED = -0x40000000;
export const BY_POISON = 1;
export const BY_CYCLE = 2;

/** Kinds of HELD entries. A read hold passes CLAIM on the way in and out: the count may or may not include it. */
export const LOCK_MASK = 0xffff;
export const HOLD_READ = 1 << 16;
export const HOLD_CLAIM = 1 << 17;
/** Valid only while the lock's state names this owner as the writer. */
export const HOLD_WRITE = 1 << 18;

/** Statistics of one (lock, site) pair. Shared words are changed by Atomics.add on slow paths only. */
export const RECORD = {
  /** 0 unused, else lock + 1. Set last. */
  LOCK: 0,
  /** Name id of the site. */
  SITE: 1,
  CONTENTIONS: 2,
  TIMEOUTS: 3,
  ABORTS: 4,
  DEADLOCKS: 5,
  ORDER_VIOLATIONS: 6,
  /** Finished waits, their sum and their maximum in microseconds (the sum as low and high word). */
  WAITS: 7,
  WAIT_SUM: 8,
  WAIT_SUM_HIGH: 9,
  WAIT_MAX: 10,
  HOLDS_SAMPLED: 11,
  HOLD_SUM: 12,
  HOLD_SUM_HIGH: 13,
  HOLD_MAX: 14,
  /** Histograms: four buckets to a doubling of microseconds. */
  WAIT_BUCKETS: 16,
  HOLD_BUCKETS: 112,
} as const;
/** 2 + 4 * 23.5: up to 16 s in steps of a quarter of an octave. */
export const BUCKETS = 96;
export const RECORD_WORDS = 208;
/** Per thread and record: reads and writes taken. Written by that thread alone. */
export const SHARD_WORDS = 2;

/** An order of two locks of one level, as seen first: key (before << 16 | after, + 1 each), the two sites. */
export const PAIR = { KEY: 0, BEFORE_SITE: 1, AFTER_SITE: 2 } as const;
export const PAIR_WORDS = 4;
export const PAIRS_MAX = 4096;

/** A name: length in bytes + 1 (set last), then up to 60 bytes of UTF-8. */
export const NAME_WORDS = 16;
export const NAME_BYTES_MAX = 60;

export interface Capacity {
  readonly locks: number;
  readonly owners: number;
  readonly threads: number;
  readonly records: number;
  readonly names: number;
}

/** Where the parts of a buffer stand. */
export interface Layout {
  readonly words: Words;
  readonly capacity: Capacity;
  readonly threads: number;
  readonly locks: number;
  readonly owners: number;
  readonly records: number;
  readonly shards: number;
  readonly pairs: number;
  readonly names: number;
}

function places(capacity: Capacity) {
  const threads = HEADER_WORDS;
  const locks = threads + capacity.threads * THREAD_WORDS;
  const owners = locks + capacity.locks * LOCK_WORDS;
  const records = owners + capacity.owners * OWNER_WORDS;
  const shards = records + capacity.records * RECORD_WORDS;
  const pairs = shards + capacity.threads * capacity.records * SHARD_WORDS;
  const names = pairs + PAIRS_MAX * PAIR_WORDS;
  return { threads, locks, owners, records, shards, pairs, names, end: names + capacity.names * NAME_WORDS };
}

/** Words that a space of this capacity takes. Untouched pages cost no memory. */
export function wordsFor(capacity: Capacity): number {
  return places(capacity).end;
}

export function layoutOf(words: Words, capacity: Capacity): Layout {
  const { end: _, ...parts } = places(capacity);
  return { words, capacity, ...parts };
}

export const lockAt = (layout: Layout, lock: number): number => layout.locks + lock * LOCK_WORDS;
export const ownerAt = (layout: Layout, owner: number): number => layout.owners + owner * OWNER_WORDS;
export const threadAt = (layout: Layout, thread: number): number => layout.threads + thread * THREAD_WORDS;
export const recordAt = (layout: Layout, record: number): number => layout.records + record * RECORD_WORDS;
