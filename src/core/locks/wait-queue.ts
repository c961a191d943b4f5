import { isPoisoned, isWriter, tryRead, tryWrite } from "./fast-path.ts";
import {
  BY_CYCLE,
  BY_POISON,
  COUNT,
  HEADER,
  HOLD_READ,
  type Layout,
  LOCK,
  lockAt,
  OWNER,
  ownerAt,
  POISON,
  QUEUED,
  REFUSED,
  TANGLES,
  THREAD,
  threadAt,
  WRITER,
  WRITER_PRIORITY,
} from "./layout.ts";
import { add, and, compareExchange, load, put, store } from "./memory.ts";
import { closesCycle, type Search } from "./wait-graph.ts";

/*
 * Waiting, everything under the graph mutex. An owner waits if its WAIT word names a lock: that word is the wait-for edge and
 * the thing it sleeps on, so that a grant removes the edge and wakes the waiter in one store. The links of the queues are only
 * a faster way to find the waiters: they are rebuilt from the WAIT words when a thread dies.
 */

/** Modes as words. */
export const READ = 1;
export const WRITE = 2;

export const ACQUIRED = 0;
export const WAITING = 1;
export const CYCLE = 2;
export const TORN = 3;

/** Owners whose wait ended in a call; the caller wakes them after it has left the mutex. */
export type Woken = number[];

/** As the fast paths, but a writer may take a poisoned lock, to repair what it guards. */
export function takeIfFree(layout: Layout, lock: number, owner: number, mode: number, place: number): boolean {
  const { words } = layout;
  const state = lockAt(layout, lock) + LOCK.STATE;
  const held = ownerAt(layout, owner) + OWNER.HELD + place;
  if (mode === READ) return tryRead(words, state, held, lock);
  if (tryWrite(words, state, held, lock, owner)) return true;
  return compareExchange(words, state, POISON, POISON | WRITER | owner) === POISON;
}

/** Takes the lock, or queues for it: ACQUIRED, WAITING, CYCLE (it would have closed one), TORN (poisoned, for readers). Without `search` no cycle is looked for. */
export function enqueue(
  layout: Layout,
  search: Search | undefined,
  lock: number,
  owner: number,
  mode: number,
  place: number,
  blockedThread: number,
  woken: Woken,
): number {
  const { words } = layout;
  const state = lockAt(layout, lock) + LOCK.STATE;
  const at = ownerAt(layout, owner);
  for (;;) {
    if (takeIfFree(layout, lock, owner, mode, place)) return ACQUIRED;
    const seen = load(words, state);
    if (mode === READ && isPoisoned(seen)) return TORN;
    if ((seen & QUEUED) !== 0) break;
    // It came free just now.
    if (mode === READ ? (seen & WRITER) === 0 : (seen & ~POISON) === 0) continue;
    // On the very value that was seen: whoever gives the lock back from now on sees the bit.
    if (compareExchange(words, state, seen, seen | QUEUED) === seen) break;
  }
  put(words, at + OWNER.MODE, mode);
  put(words, at + OWNER.PLACE, place);
  put(words, at + OWNER.TICKET, add(words, HEADER.TICKET, 1));
  if (blockedThread >= 0) store(words, threadAt(layout, blockedThread) + THREAD.BLOCKED, owner + 1);
  link(layout, lock, owner, mode);
  store(words, at + OWNER.WAIT, lock + 1);
  if (search === undefined || !closesCycle(layout, search, owner)) return WAITING;
  withdraw(layout, lock, owner, woken);
  if (blockedThread >= 0) store(words, threadAt(layout, blockedThread) + THREAD.BLOCKED, 0);
  return CYCLE;
}

/** Ends a wait before its time. False: it had ended by itself, with a grant or a refusal, which the owner must take. */
export function cancel(layout: Layout, lock: number, owner: number, woken: Woken): boolean {
  if (load(layout.words, ownerAt(layout, owner) + OWNER.WAIT) !== lock + 1) return false;
  withdraw(layout, lock, owner, woken);
  return true;
}

/** Takes a waiter out of the queue; those behind it may have waited for it alone. */
function withdraw(layout: Layout, lock: number, owner: number, woken: Woken): void {
  unlink(layout, lock, owner);
  store(layout.words, ownerAt(layout, owner) + OWNER.WAIT, 0);
  grant(layout, lock, false, woken);
}

/** The second half of a write release, when the fast one was refused. A poisoned lock stays so until it is cleared. */
export function handOverWrite(layout: Layout, lock: number, woken: Woken): void {
  and(layout.words, lockAt(layout, lock) + LOCK.STATE, ~(WRITER | COUNT));
  grant(layout, lock, true, woken);
}

/** The second half of a read release that was the last one. */
export function handOverRead(layout: Layout, lock: number, woken: Woken): void {
  grant(layout, lock, false, woken);
}

/**
 * Lets in whoever may come in now. Phases are fair: a writer that leaves admits all readers that wait; the last reader that
 * leaves admits the first writer. A lock with writer priority admits readers only when no writer waits.
 */
export function grant(layout: Layout, lock: number, writerLeft: boolean, woken: Woken): void {
  const { words } = layout;
  const at = lockAt(layout, lock);
  for (;;) {
    const seen = load(words, at + LOCK.STATE);
    if ((seen & WRITER) !== 0) return;
    if ((seen & POISON) !== 0) refuseReaders(layout, lock, woken);
    const writer = load(words, at + LOCK.FIRST_WRITER);
    const reader = load(words, at + LOCK.FIRST_READER);
    const readersFirst = writerLeft && (load(words, at + LOCK.NAME) & WRITER_PRIORITY) === 0;
    if (writer === 0 && reader === 0) {
      if ((seen & QUEUED) === 0 || compareExchange(words, at + LOCK.STATE, seen, seen & ~QUEUED) === seen) return;
    } else if (reader !== 0 && (writer === 0 || ((seen & COUNT) === 0 && readersFirst))) {
      if (admitReaders(layout, lock, seen, woken)) return;
    } else if ((seen & COUNT) === 0) {
      if (admitWriter(layout, lock, seen, writer - 1, woken)) return;
    } else return;
  }
}

/** The state first: it says who the writer is, whatever happens next. */
function admitWriter(layout: Layout, lock: number, seen: number, owner: number, woken: Woken): boolean {
  const { words } = layout;
  const at = lockAt(layout, lock);
  const alone = load(words, at + LOCK.FIRST_READER) === 0 && load(words, at + LOCK.LAST_WRITER) === owner + 1;
  const next = (seen & POISON) | WRITER | owner | (alone ? 0 : QUEUED);
  if (compareExchange(words, at + LOCK.STATE, seen, next) !== seen) return false;
  unlink(layout, lock, owner);
  wake(layout, owner, -(lock + 1), woken);
  return true;
}

/** The count first, then for each reader the hold, then its WAIT word. A death in between is mended by a recount. */
function admitReaders(layout: Layout, lock: number, seen: number, woken: Woken): boolean {
  const { words } = layout;
  const at = lockAt(layout, lock);
  let readers = 0;
  for (let next = load(words, at + LOCK.FIRST_READER); next !== 0; next = load(words, ownerAt(layout, next - 1) + OWNER.NEXT))
    readers++;
  const queued = load(words, at + LOCK.FIRST_WRITER) === 0 ? 0 : QUEUED;
  if (compareExchange(words, at + LOCK.STATE, seen, ((seen & ~QUEUED) + readers) | queued) !== seen) return false;
  for (let next = load(words, at + LOCK.FIRST_READER); next !== 0; next = load(words, at + LOCK.FIRST_READER)) {
    const owner = ownerAt(layout, next - 1);
    store(words, owner + OWNER.HELD + load(words, owner + OWNER.PLACE), HOLD_READ | (lock + 1));
    unlink(layout, lock, next - 1);
    wake(layout, next - 1, -(lock + 1), woken);
  }
  return true;
}

function refuseReaders(layout: Layout, lock: number, woken: Woken): void {
  const { words } = layout;
  const first = lockAt(layout, lock) + LOCK.FIRST_READER;
  for (let next = load(words, first); next !== 0; next = load(words, first)) {
    unlink(layout, lock, next - 1);
    wake(layout, next - 1, REFUSED + BY_POISON, woken);
  }
}

/** Ends the wait of a victim that the periodic check chose. */
export function refuseVictim(layout: Layout, owner: number, woken: Woken): void {
  const lock = load(layout.words, ownerAt(layout, owner) + OWNER.WAIT) - 1;
  unlink(layout, lock, owner);
  wake(layout, owner, REFUSED + BY_CYCLE, woken);
  grant(layout, lock, false, woken);
}

function wake(layout: Layout, owner: number, how: number, woken: Woken): void {
  store(layout.words, ownerAt(layout, owner) + OWNER.WAIT, how);
  woken.push(owner);
}

/** Appends to the lock's queue of that mode. */
export function link(layout: Layout, lock: number, owner: number, mode: number): void {
  const { words } = layout;
  const first = lockAt(layout, lock) + (mode === WRITE ? LOCK.FIRST_WRITER : LOCK.FIRST_READER);
  const at = ownerAt(layout, owner);
  const last = load(words, first + 1);
  store(words, at + OWNER.NEXT, 0);
  store(words, at + OWNER.PREVIOUS, last);
  if (last === 0) store(words, first, owner + 1);
  else store(words, ownerAt(layout, last - 1) + OWNER.NEXT, owner + 1);
  store(words, first + 1, owner + 1);
  const tangled = (load(words, at + OWNER.LINKS) & TANGLES) === 0 ? 0 : 1;
  store(words, at + OWNER.TANGLED, tangled);
  if (tangled !== 0) add(words, lockAt(layout, lock) + LOCK.TANGLED, 1);
}

function unlink(layout: Layout, lock: number, owner: number): void {
  const { words } = layout;
  const at = ownerAt(layout, owner);
  const first = lockAt(layout, lock) + (load(words, at + OWNER.MODE) === WRITE ? LOCK.FIRST_WRITER : LOCK.FIRST_READER);
  const next = load(words, at + OWNER.NEXT);
  const previous = load(words, at + OWNER.PREVIOUS);
  if (previous === 0) store(words, first, next);
  else store(words, ownerAt(layout, previous - 1) + OWNER.NEXT, next);
  if (next === 0) store(words, first + 1, previous);
  else store(words, ownerAt(layout, next - 1) + OWNER.PREVIOUS, previous);
  if (load(words, at + OWNER.TANGLED) !== 0) add(words, lockAt(layout, lock) + LOCK.TANGLED, -1);
}

/** True if the wait of this owner for this lock was granted, though its granter may have died before it said so. */
export function wasGranted(layout: Layout, lock: number, owner: number): boolean {
  const { words } = layout;
  const at = ownerAt(layout, owner);
  if (load(words, at + OWNER.MODE) === WRITE) return isWriter(load(words, lockAt(layout, lock) + LOCK.STATE), owner);
  return load(words, at + OWNER.HELD + load(words, at + OWNER.PLACE)) === (HOLD_READ | (lock + 1));
}
