import { type Layout, PAIR, PAIR_WORDS, PAIRS_MAX } from "./layout.ts";

/*
 * Orders of two locks of one level, remembered for the life of the space, whoever took them, on any thread. The level cannot say
 * which of the two comes first, so the first strand that takes both decides (a unit of work takes them by name), and a strand that
 * would take them the other way round is refused at once, though nobody stands in its way now. An order may also follow from
 * others: a before b and b before c make a before c.
 */

/** Two statistics records: where the first lock was taken, and the second inside it. */
export interface Inversion {
  readonly beforeRecord: number;
  readonly afterRecord: number;
}

const keyOf = (before: number, after: number): number => ((before + 1) << 16) | (after + 1);

/**
 * Remembers that `after` is taken inside `before`. Returns the order seen before that says otherwise, and then remembers nothing.
 * `known` keeps what this thread has looked up already.
 */
export function rememberOrder(
  layout: Layout,
  known: Set<number>,
  [before, beforeRecord]: readonly [lock: number, record: number],
  [after, afterRecord]: readonly [lock: number, record: number],
): Inversion | undefined {
  const key = keyOf(before, after);
  if (known.has(key)) return undefined;
  const inversion = pathBetween(layout, after, before);
  if (inversion !== undefined) return inversion;
  insert(layout, key, beforeRecord, afterRecord);
  // Two strands may have inserted opposite orders at once: then both hear of it.
  const opposite = pathBetween(layout, after, before);
  if (opposite === undefined) known.add(key);
  return opposite;
}

/** A full table forgets: detection of cycles before each wait still stands. */
function insert(layout: Layout, key: number, beforeRecord: number, afterRecord: number): void {
  const { words, pairs } = layout;
  for (let probe = 0; probe < PAIRS_MAX; probe++) {
    const at = pairs + ((Math.imul(key, 0x9e3779b1) + probe) & (PAIRS_MAX - 1)) * PAIR_WORDS;
    const seen = Atomics.load(words, at + PAIR.KEY);
    if (seen === key) return;
    if (seen !== 0) continue;
    words[at + PAIR.BEFORE_SITE] = beforeRecord;
    words[at + PAIR.AFTER_SITE] = afterRecord;
    if (Atomics.compareExchange(words, at + PAIR.KEY, 0, key) === 0) return;
    probe--;
  }
}

/** The first step of a remembered way from one lock to the other. Cost: one pass over the table, only for orders new to a thread. */
function pathBetween(layout: Layout, from: number, to: number): Inversion | undefined {
  const { words, pairs } = layout;
  const next = new Map<number, { after: number; at: number }[]>();
  for (let at = pairs; at < pairs + PAIRS_MAX * PAIR_WORDS; at += PAIR_WORDS) {
    const key = Atomics.load(words, at + PAIR.KEY);
    if (key === 0) continue;
    const before = (key >>> 16) - 1;
    const steps = next.get(before) ?? [];
    next.set(before, steps);
    steps.push({ after: (key & 0xffff) - 1, at });
  }
  const reached = new Set([from]);
  for (const lock of reached) {
    for (const { after, at } of next.get(lock) ?? []) {
      if (after === to) return { beforeRecord: words[at + PAIR.BEFORE_SITE]!, afterRecord: words[at + PAIR.AFTER_SITE]! };
      reached.add(after);
    }
  }
  return undefined;
}
