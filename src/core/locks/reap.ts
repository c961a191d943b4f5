import { takeOverGraph } from "./graph-mutex.ts";
import {
  COUNT,
  HEADER,
  HELD_MAX,
  HOLD_CLAIM,
  HOLD_READ,
  type Layout,
  LOCK,
  LOCK_MASK,
  LOCK_WORDS,
  lockAt,
  OWNER,
  ownerAt,
  POISON,
  QUEUED,
  THREAD,
  threadAt,
  WRITER,
} from "./layout.ts";
import { add, compareExchange, load, store } from "./memory.ts";
import { grant, link, type Woken, wasGranted } from "./wait-queue.ts";

/*
 * Burying dead threads. A worker can be terminated between any two accesses, also inside the graph mutex, so nothing but the
 * words themselves says how far it came. Every step here may be repeated: whoever buries may die too.
 *
 *   1. All dead threads are marked, then the mutex is taken over from whichever of them held it. [markDead]
 *   2. Grants that a dead granter left half done are completed, and the queues are rebuilt. [mendQueues]
 *   3. Locks whose writer is dead are freed and poisoned; readers are recounted from the HELD entries. [freeWriters, recount]
 *   4. Whoever can come in does, the dead owners' words are cleared, and last their threads'. [bury]
 *
 * Step 3 needs the claims of living readers to settle. They do within a few instructions, but their thread may be suspended, so
 * a recount that sees one gives up, and the caller comes back: no step waits.
 */

/** Marks a thread that runs no more, and takes the graph mutex from it if it was its holder. True if the mutex is ours now. */
export function markDead(layout: Layout, dead: number, thread: number): boolean {
  const at = threadAt(layout, dead) + THREAD.ID;
  const id = load(layout.words, at);
  if (id > 0) store(layout.words, at, -id);
  if (!takeOverGraph(layout.words, dead, thread)) return false;
  store(layout.words, HEADER.MENDING, 1);
  return true;
}

function isDead(layout: Layout, owner: number): boolean {
  const thread = load(layout.words, ownerAt(layout, owner) + OWNER.THREAD);
  return thread !== 0 && load(layout.words, threadAt(layout, thread - 1) + THREAD.ID) < 0;
}

/** Buries every marked thread. Graph mutex. False: a living reader was between two steps, call again soon. */
export function reap(layout: Layout, woken: Woken): boolean {
  const recounts = mendQueues(layout, woken);
  freeWriters(layout);
  if (!recount(layout, recounts)) return false;
  const end = lockAt(layout, layout.capacity.locks);
  for (let at = layout.locks; at < end; at += LOCK_WORDS) {
    if ((load(layout.words, at + LOCK.STATE) & QUEUED) !== 0) grant(layout, (at - layout.locks) / LOCK_WORDS, false, woken);
  }
  bury(layout, woken);
  store(layout.words, HEADER.MENDING, 0);
  return true;
}

/** Rebuilds all queues from the WAIT words of the living. Returns the locks whose readers have to be counted again. */
function mendQueues(layout: Layout, woken: Woken): Set<number> {
  const { words } = layout;
  clearQueues(layout);
  const mending = load(words, HEADER.MENDING) !== 0;
  const recounts = new Set<number>();
  const waiting: number[] = [];
  const high = load(words, HEADER.OWNERS_HIGH);
  for (let owner = 0; owner < high; owner++) {
    const at = ownerAt(layout, owner);
    if (load(words, at + OWNER.THREAD) === 0) continue;
    const dead = isDead(layout, owner);
    if (dead) readHolds(layout, owner, recounts);
    const wait = load(words, at + OWNER.WAIT);
    if (wait <= 0) continue;
    // A granter may have counted it without having said so.
    if (dead || mending) recounts.add(wait - 1);
    if (dead) continue;
    if (wasGranted(layout, wait - 1, owner)) {
      store(words, at + OWNER.WAIT, -wait);
      woken.push(owner);
    } else waiting.push(owner);
  }
  const ticket = (owner: number) => words[ownerAt(layout, owner) + OWNER.TICKET]!;
  waiting.sort((a, b) => (ticket(a) - ticket(b)) | 0);
  for (const owner of waiting) {
    const at = ownerAt(layout, owner);
    link(layout, load(words, at + OWNER.WAIT) - 1, owner, load(words, at + OWNER.MODE));
  }
  return recounts;
}

function clearQueues(layout: Layout): void {
  const end = lockAt(layout, layout.capacity.locks);
  for (let at = layout.locks; at < end; at += LOCK_WORDS) {
    for (let queue = at + LOCK.FIRST_WRITER; queue <= at + LOCK.TANGLED; queue++) {
      if (load(layout.words, queue) !== 0) store(layout.words, queue, 0);
    }
  }
}

/** The locks that this owner reads, or was about to. */
function readHolds(layout: Layout, owner: number, into: Set<number>): void {
  const held = ownerAt(layout, owner) + OWNER.HELD;
  for (let place = held; place < held + HELD_MAX; place++) {
    const entry = load(layout.words, place);
    if ((entry & (HOLD_READ | HOLD_CLAIM)) !== 0) into.add((entry & LOCK_MASK) - 1);
  }
}

/** A dead writer that had begun may have left its data torn. One that was granted the lock and never woke did not begin. */
function freeWriters(layout: Layout): void {
  const { words } = layout;
  const end = lockAt(layout, layout.capacity.locks);
  for (let at = layout.locks; at < end; at += LOCK_WORDS) {
    for (;;) {
      const seen = load(words, at + LOCK.STATE);
      if ((seen & WRITER) === 0 || !isDead(layout, seen & COUNT)) break;
      const wait = load(words, ownerAt(layout, seen & COUNT) + OWNER.WAIT);
      const begun = Math.abs(wait) !== (at - layout.locks) / LOCK_WORDS + 1;
      if (compareExchange(words, at + LOCK.STATE, seen, (seen & (QUEUED | POISON)) | (begun ? POISON : 0) | QUEUED) !== seen)
        continue;
      if (begun) add(words, at + LOCK.POISONED, 1);
      break;
    }
  }
}

/**
 * Counts the living readers of these locks. QUEUED keeps new ones out, so that from then on a count can only fall, and an
 * unchanged state word proves that none left while we counted.
 */
function recount(layout: Layout, recounts: ReadonlySet<number>): boolean {
  const { words } = layout;
  const seen = new Map<number, number>();
  for (const lock of recounts) {
    const state = lockAt(layout, lock) + LOCK.STATE;
    const now = load(words, state);
    if ((now & WRITER) !== 0) continue;
    if ((now & QUEUED) === 0 && compareExchange(words, state, now, now | QUEUED) !== now) return false;
    seen.set(lock, now | QUEUED);
  }
  const readers = countReaders(layout, seen);
  if (readers === undefined) return false;
  for (const [lock, state] of seen) {
    const counted = (state & ~COUNT) | (readers.get(lock) ?? 0);
    if (compareExchange(words, lockAt(layout, lock) + LOCK.STATE, state, counted) !== state) return false;
  }
  return true;
}

/** Read holds of the living, by lock; undefined if one of them is just coming or going. */
function countReaders(layout: Layout, locks: ReadonlyMap<number, number>): Map<number, number> | undefined {
  const { words } = layout;
  const readers = new Map<number, number>();
  const high = locks.size === 0 ? 0 : load(words, HEADER.OWNERS_HIGH);
  for (let owner = 0; owner < high; owner++) {
    const at = ownerAt(layout, owner);
    if (load(words, at + OWNER.THREAD) === 0 || isDead(layout, owner)) continue;
    for (let place = at + OWNER.HELD; place < at + OWNER.HELD + HELD_MAX; place++) {
      const entry = load(words, place);
      const lock = (entry & LOCK_MASK) - 1;
      if ((entry & (HOLD_READ | HOLD_CLAIM)) === 0 || !locks.has(lock)) continue;
      if ((entry & HOLD_CLAIM) !== 0) return undefined;
      readers.set(lock, (readers.get(lock) ?? 0) + 1);
    }
  }
  return readers;
}

/** Clears the dead, and wakes all who were granted anything: their granter, or a dead fellow, may have swallowed the call. */
function bury(layout: Layout, woken: Woken): void {
  const { words } = layout;
  const high = load(words, HEADER.OWNERS_HIGH);
  for (let owner = 0; owner < high; owner++) {
    const at = ownerAt(layout, owner);
    if (load(words, at + OWNER.THREAD) === 0) continue;
    if (!isDead(layout, owner)) {
      if (load(words, at + OWNER.WAIT) < 0) woken.push(owner);
      continue;
    }
    for (let word = OWNER.WAIT; word < OWNER.HELD + HELD_MAX; word++) store(words, at + word, 0);
    add(words, at + OWNER.GENERATION, 1);
    store(words, at + OWNER.THREAD, 0);
  }
  for (let thread = 0; thread < layout.capacity.threads; thread++) {
    const at = threadAt(layout, thread);
    if (load(words, at + THREAD.ID) >= 0) continue;
    store(words, at + THREAD.BLOCKED, 0);
    store(words, at + THREAD.ID, 0);
    add(words, HEADER.REAPED, 1);
  }
}
