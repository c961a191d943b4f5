import { CONTENDED, HEADER } from "./layout.ts";
import { compareExchange, exchange, load, notify, type Words, waitOn } from "./memory.ts";

/*
 * The graph mutex guards queues, grants and searches of the wait-for graph. It is held for microseconds, but its holder may be
 * suspended or die. A worker sleeps for it in slices; an event loop of the main thread asks a bounded number of times and
 * comes back later, since a dead holder is only noticed by the main loop.
 */

/** After a slice the word is read again, whatever happened to the notification: a terminated thread may have swallowed it. */
const SLICE_MS = 50;

/** One attempt. */
export function tryEnterGraph(words: Words, thread: number): boolean {
  return compareExchange(words, HEADER.MUTEX, 0, thread + 1) === 0;
}

/** Waits as long as it takes. Never on the main thread. */
export function enterGraph(words: Words, thread: number, spins: number): void {
  for (let spin = 0; spin <= spins; spin++) {
    if (compareExchange(words, HEADER.MUTEX, 0, thread + 1) === 0) return;
  }
  for (;;) {
    const seen = load(words, HEADER.MUTEX);
    if (seen === 0) {
      // Others may sleep: the bit makes the coming leave wake one of them.
      if (compareExchange(words, HEADER.MUTEX, 0, (thread + 1) | CONTENDED) === 0) return;
      continue;
    }
    if ((seen & CONTENDED) === 0 && compareExchange(words, HEADER.MUTEX, seen, seen | CONTENDED) !== seen) continue;
    waitOn(words, HEADER.MUTEX, seen | CONTENDED, SLICE_MS);
  }
}

export function leaveGraph(words: Words): void {
  const seen = exchange(words, HEADER.MUTEX, 0);
  if ((seen & CONTENDED) !== 0) notify(words, HEADER.MUTEX, 1);
}

/** Takes the mutex from `dead`, a thread that runs no more. False if it was not its holder. */
export function takeOverGraph(words: Words, dead: number, thread: number): boolean {
  for (;;) {
    const seen = load(words, HEADER.MUTEX);
    if ((seen & ~CONTENDED) !== dead + 1) return false;
    if (compareExchange(words, HEADER.MUTEX, seen, (thread + 1) | CONTENDED) === seen) return true;
  }
}
