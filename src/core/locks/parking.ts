import { type Layout, OWNER, ownerAt, THREAD, threadAt } from "./layout.ts";
import type { Words } from "./memory.ts";

/** A strand of this event loop that waits. */
export interface Waiter {
  /** Its index. */
  readonly strand: number;
  /** On the clock of `performance.now()`; Infinity for no limit. */
  readonly deadline: number;
  /** The WAIT word turned negative: take the outcome. */
  settle(): void;
  expire(): void;
}

/** setTimeout takes at most this. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * The waiting strands of one event loop. However many wait, there is one Atomics.waitAsync on the thread's doorbell (a waitAsync
 * cannot be cancelled: one for each waiter would pile up) and one timer, which also keeps the process alive while somebody
 * waits (waitAsync does not). A strand granted by another strand of the same loop is settled without either.
 */
export class Parking {
  readonly #layout: Layout;
  readonly #words: Words;
  readonly #doorbell: number;
  readonly #waiters = new Map<number, Waiter>();
  #armed = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  constructor(layout: Layout, thread: number) {
    this.#layout = layout;
    this.#words = layout.words;
    this.#doorbell = threadAt(layout, thread) + THREAD.DOORBELL;
  }

  get size(): number {
    return this.#waiters.size;
  }

  add(waiter: Waiter): void {
    this.#waiters.set(waiter.strand, waiter);
    this.#arm();
    if (this.#timer === undefined || waiter.deadline < this.#timerAt) this.#setTimer(waiter.deadline);
    else this.#timer.ref();
  }

  has(waiter: Waiter): boolean {
    return this.#waiters.get(waiter.strand) === waiter;
  }

  remove(owner: number): void {
    this.#waiters.delete(owner);
    if (this.#waiters.size === 0) this.#timer?.unref();
  }

  /** Settles a waiter of this loop whose WAIT word has turned; does nothing if it does not wait here (any more). */
  wake(owner: number): void {
    const waiter = this.#waiters.get(owner);
    if (waiter === undefined || Atomics.load(this.#words, ownerAt(this.#layout, owner) + OWNER.WAIT) >= 0) return;
    this.remove(owner);
    waiter.settle();
  }

  #arm(): void {
    if (this.#armed || this.#waiters.size === 0) return;
    const seen = Atomics.load(this.#words, this.#doorbell);
    // Grants up to `seen` are found here, later ones change the word: none is lost in between.
    this.#drain();
    if (this.#waiters.size === 0) return;
    this.#armed = true;
    const answer = Atomics.waitAsync(this.#words, this.#doorbell, seen);
    const rung = () => {
      this.#armed = false;
      this.#drain();
      this.#arm();
    };
    if (answer.async) answer.value.then(rung);
    else queueMicrotask(rung);
  }

  #drain(): void {
    for (const owner of [...this.#waiters.keys()]) this.wake(owner);
  }

  #setTimer(deadline: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    const delay = Math.min(TIMER_MAX_MS, Math.max(0, Math.ceil(deadline - performance.now())));
    this.#timer = setTimeout(() => this.#expire(), delay);
  }

  #expire(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const waiter of [...this.#waiters.values()]) {
      if (waiter.deadline <= now) waiter.expire();
      else next = Math.min(next, waiter.deadline);
    }
    if (this.#waiters.size > 0 && this.#timer === undefined) this.#setTimer(next);
  }
}
