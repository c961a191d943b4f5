import { COUNT, HOLD_CLAIM, HOLD_READ, HOLD_WRITE, POISON, QUEUED, WRITER } from "./layout.ts";
import { add, compareExchange, load, put, settle, type Words } from "./memory.ts";

/*
 * Taking and giving back a lock while nobody waits: one compare-exchange each, and the words that make the hold visible to
 * whoever searches for a cycle or buries a dead thread.
 *
 * A write hold is told by the state word itself; the owner's HELD entry only helps to find it from the owner's side, and counts
 * only while the state agrees. So it may be put before the exchange, and be stale.
 * A read hold is told by the HELD entry; the state only counts. Between the two the entry says CLAIM, on the way in and out, and
 * a recount waits until the claims of the living have settled.
 *
 * `state` and `held` are the places of the lock's state word and of the owner's HELD entry: callers have them at hand.
 */

/** Takes the lock for reading unless a writer holds it, somebody queues, or it is poisoned. */
export function tryRead(words: Words, state: number, held: number, lock: number): boolean {
  let seen = load(words, state);
  if ((seen & ~COUNT) !== 0) return false;
  put(words, held, HOLD_CLAIM | (lock + 1));
  while ((seen & ~COUNT) === 0) {
    const was = compareExchange(words, state, seen, seen + 1);
    if (was === seen) {
      settle(words, held, HOLD_READ | (lock + 1));
      return true;
    }
    seen = was;
  }
  settle(words, held, 0);
  return false;
}

/** Takes the lock for writing if it is entirely free. */
export function tryWrite(words: Words, state: number, held: number, lock: number, owner: number): boolean {
  put(words, held, HOLD_WRITE | (lock + 1));
  return compareExchange(words, state, 0, WRITER | owner) === 0;
}

/** Gives a read hold back. True: it was the last and somebody queues, so the caller must hand over. */
export function leaveRead(words: Words, state: number, held: number, lock: number): boolean {
  put(words, held, HOLD_CLAIM | (lock + 1));
  const was = add(words, state, -1);
  settle(words, held, 0);
  return (was & COUNT) === 1 && (was & QUEUED) !== 0;
}

/** Gives a write hold back if nobody queues and the lock is whole. False: the caller must hand over under the mutex. */
export function leaveWrite(words: Words, state: number, owner: number): boolean {
  return compareExchange(words, state, WRITER | owner, 0) === (WRITER | owner);
}

/** True while the owner is the lock's writer. */
export function isWriter(state: number, owner: number): boolean {
  return (state & (WRITER | COUNT)) === (WRITER | owner);
}

/** True if a reader may not even queue: a writer has to repair first. */
export function isPoisoned(state: number): boolean {
  return (state & POISON) !== 0;
}
