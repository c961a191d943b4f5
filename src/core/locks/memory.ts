/*
 * Every access to the shared words goes through here, so that the explorer (test/locks) can stand between any two of
 * them. V8 inlines these. The order of each is sequential consistency, but for `put` and `peek`:
 * - `put` is a plain store. It is used only right before an atomic read-modify-write of the same thread, which publishes it
 *   (never after one: on ARM64 a plain store may become visible before the atomic that precedes it: see `settle`).
 * - `peek` is a plain load of a word that only this thread writes, or that is only written under the graph mutex held here.
 */

export type Words = Int32Array<SharedArrayBuffer>;

export function load(words: Words, at: number): number {
  return Atomics.load(words, at);
}

export function store(words: Words, at: number, value: number): void {
  Atomics.store(words, at, value);
}

/** Plain stores become visible in program order here, so what follows an atomic is never seen before it. */
const STORES_KEEP_ORDER = process.arch === "x64" || process.arch === "ia32";

/** A store that must not be seen before the atomic read-modify-write right before it; nothing else is asked of it. */
export function settle(words: Words, at: number, value: number): void {
  if (STORES_KEEP_ORDER) words[at] = value;
  else Atomics.store(words, at, value);
}

/** Returns what was there; the exchange happened if that is `expected`. */
export function compareExchange(words: Words, at: number, expected: number, value: number): number {
  return Atomics.compareExchange(words, at, expected, value);
}

export function exchange(words: Words, at: number, value: number): number {
  return Atomics.exchange(words, at, value);
}

/** Returns the value before. */
export function add(words: Words, at: number, value: number): number {
  return Atomics.add(words, at, value);
}

/** Returns the value before. */
export function and(words: Words, at: number, mask: number): number {
  return Atomics.and(words, at, mask);
}

export function put(words: Words, at: number, value: number): void {
  words[at] = value;
}

export function peek(words: Words, at: number): number {
  return words[at]!;
}

export function notify(words: Words, at: number, count: number): void {
  Atomics.notify(words, at, count);
}

/** Blocks the thread while the word is `expected`, at most `timeoutMs`. Never on the main thread. */
export function waitOn(words: Words, at: number, expected: number, timeoutMs: number): void {
  Atomics.wait(words, at, expected, timeoutMs);
}
