/**
 * A lock-free ring of small numbers (0 to capacity - 1) for any number of threads on either side: the Scalable Circular
 * Queue of R. Nikolaev, "A Scalable, Portable, and Memory-Efficient Lock-Free FIFO Queue" (DISC 2019).
 *
 * Head and tail are taken with one Atomics.add; what stands in an entry is a single word {cycle, safe, index}, changed
 * only by compare-exchange. A thread that stops between its two steps delays nobody: a dequeuer that comes to an entry
 * whose enqueuer sleeps marks it and goes on, and the enqueuer, when it wakes, fails its compare-exchange and takes the
 * next entry. `threshold` bounds how long dequeuers look into an empty ring.
 *
 * The ring has twice as many entries as numbers, so an enqueuer always finds room. Cycles wrap: with capacity 4,096 a
 * thread would have to sleep through exactly 2^31 operations to mistake an old entry for its own.
 */
export class IndexRing {
  /** Head, tail and threshold, a cache line each, then the entries. */
  static words(capacity: number): number {
    return ENTRIES + 2 * capacity;
  }

  readonly #at: Int32Array;
  readonly #capacity: number;
  readonly #indexBits: number;
  /** All index bits: no number stands here. */
  readonly #nothing: number;
  readonly #safe: number;
  /** How far a cycle is shifted up to compare it with another one as a signed number. */
  readonly #cycleShift: number;

  /** @param capacity a power of two, at most 2^20. */
  constructor(words: Int32Array, capacity: number) {
    this.#at = words;
    this.#capacity = capacity;
    this.#indexBits = 32 - Math.clz32(2 * capacity - 1);
    this.#nothing = 2 * capacity - 1;
    this.#safe = 1 << this.#indexBits;
    this.#cycleShift = this.#indexBits + 1;
  }

  /** Makes the ring empty; before any thread uses it. */
  initialise(): void {
    const first = 2 * this.#capacity;
    this.#at[HEAD] = first;
    this.#at[TAIL] = first;
    this.#at[THRESHOLD] = -1;
    this.#at.fill(this.#safe | this.#nothing, ENTRIES, ENTRIES + first);
  }

  /** Puts a number that is not in the ring. */
  enqueue(index: number): void {
    const at = this.#at;
    for (;;) {
      const tail = Atomics.add(at, TAIL, 1);
      const entry = this.#entryOf(tail);
      const cycle = this.#cycleOf(tail);
      let seen = Atomics.load(at, entry);
      while (this.#isFree(seen, cycle, tail)) {
        const before = Atomics.compareExchange(at, entry, seen, cycle | this.#safe | index);
        if (before === seen) {
          const full = 3 * this.#capacity - 1;
          if (Atomics.load(at, THRESHOLD) !== full) Atomics.store(at, THRESHOLD, full);
          return;
        }
        seen = before;
      }
    }
  }

  /** Takes the oldest number; undefined when the ring is empty. */
  dequeue(): number | undefined {
    const at = this.#at;
    if (Atomics.load(at, THRESHOLD) < 0) return undefined;
    for (;;) {
      const head = Atomics.add(at, HEAD, 1);
      const entry = this.#entryOf(head);
      const cycle = this.#cycleOf(head);
      const found = this.#take(entry, cycle);
      if (found !== undefined) return found;
      const tail = Atomics.load(at, TAIL);
      if (((tail - (head + 1)) | 0) <= 0) {
        this.#catchUp(tail, (head + 1) | 0);
        Atomics.sub(at, THRESHOLD, 1);
        return undefined;
      }
      if (Atomics.sub(at, THRESHOLD, 1) <= 0) return undefined;
    }
  }

  /** How many numbers stand in the ring, about: exact while nobody is at it. */
  get size(): number {
    const head = Atomics.load(this.#at, HEAD);
    return Math.min(this.#capacity, Math.max(0, (Atomics.load(this.#at, TAIL) - head) | 0));
  }

  /** Consumes the entry if it is of this cycle; otherwise closes it to enqueuers that are late. */
  #take(entry: number, cycle: number): number | undefined {
    const at = this.#at;
    let seen = Atomics.load(at, entry);
    for (;;) {
      const order = this.#compareCycles(seen, cycle);
      if (order === 0) {
        Atomics.or(at, entry, this.#nothing);
        return seen & this.#nothing;
      }
      if (order > 0) return undefined;
      const isEmpty = (seen & this.#nothing) === this.#nothing;
      const next = isEmpty ? cycle | (seen & this.#safe) | this.#nothing : seen & ~this.#safe;
      const before = Atomics.compareExchange(at, entry, seen, next);
      if (before === seen) return undefined;
      seen = before;
    }
  }

  /** Whether an enqueuer that drew `tail` may write over what it has seen. */
  #isFree(seen: number, cycle: number, tail: number): boolean {
    if (this.#compareCycles(seen, cycle) >= 0 || (seen & this.#nothing) !== this.#nothing) return false;
    return (seen & this.#safe) !== 0 || ((tail - Atomics.load(this.#at, HEAD)) | 0) >= 0;
  }

  /** Moves a tail that dequeuers have overtaken up to the head, so that enqueuers need not walk there. */
  #catchUp(tail: number, head: number): void {
    const at = this.#at;
    let from = tail;
    let to = head;
    while (Atomics.compareExchange(at, TAIL, from, to) !== from) {
      to = Atomics.load(at, HEAD);
      from = Atomics.load(at, TAIL);
      if (((from - to) | 0) >= 0) return;
    }
  }

  #entryOf(position: number): number {
    return ENTRIES + (position & (2 * this.#capacity - 1));
  }

  /** The cycle of a position, where an entry keeps it. */
  #cycleOf(position: number): number {
    return (position >>> this.#indexBits) << this.#cycleShift;
  }

  /** Below, at or above zero, as the entry's cycle is before, at or after `cycle`. */
  #compareCycles(entry: number, cycle: number): number {
    return ((entry & ~(2 * this.#safe - 1)) - cycle) | 0;
  }
}

const HEAD = 0;
const TAIL = 16;
const THRESHOLD = 32;
const ENTRIES = 48;
