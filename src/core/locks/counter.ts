/** What a worker needs to count along: pass it in workerData and to AtomicCounter.attach. */
export type AtomicCounterHandle = SharedArrayBuffer;

/**
 * A whole number that threads change together: a 64-bit word in shared memory, so each call is one instruction and no lock.
 * Values are exact up to 2^53 either way.
 */
export class AtomicCounter {
  readonly #word: BigInt64Array;

  constructor(initial = 0, buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#word = new BigInt64Array(buffer, 0, 1);
    if (initial !== 0) Atomics.store(this.#word, 0, BigInt(initial));
  }

  /** The same counter on another thread. */
  static attach(handle: AtomicCounterHandle): AtomicCounter {
    return new AtomicCounter(0, handle);
  }

  handle(): AtomicCounterHandle {
    return this.#word.buffer as SharedArrayBuffer;
  }

  get value(): number {
    return Number(Atomics.load(this.#word, 0));
  }

  /** Adds and returns the new value. */
  increment(by = 1): number {
    const step = BigInt(by);
    return Number(Atomics.add(this.#word, 0, step) + step);
  }

  decrement(by = 1): number {
    return this.increment(-by);
  }

  /** Writes `next` if the value is `expected`, and says whether it did. */
  compareAndSwap(expected: number, next: number): boolean {
    const wanted = BigInt(expected);
    return Atomics.compareExchange(this.#word, 0, wanted, BigInt(next)) === wanted;
  }
}
