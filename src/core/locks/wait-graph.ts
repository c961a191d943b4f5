import { isWriter } from "./fast-path.ts";
import {
  BLOCKING,
  BRANCH,
  FORKED,
  HEADER,
  HOLD_READ,
  HOLD_WRITE,
  type Layout,
  LOCK,
  LOCK_MASK,
  lockAt,
  OWNER,
  ownerAt,
  PLACES,
  THREAD,
  threadAt,
  WRITER,
  WRITER_PRIORITY,
} from "./layout.ts";
import { load } from "./memory.ts";

/*
 * Does a wait close a cycle? Searched backward, under the graph mutex: who waits, directly or through others, for the strand
 * that is about to wait? If it waits for itself, nobody on that path would ever go on.
 *
 * Strand x is waited for by
 *   1. everybody in the queues of the locks that x holds;
 *   2. those in the queue of the lock that x waits for whose turn comes after x;
 *   3. if x blocks its thread, every other strand of that thread;
 *   4. the strand of which x is a branch.
 *
 * Backward, because the lists that this needs exist (what an owner holds, who queues for a lock), while "who holds this lock for
 * reading" would mean looking at every owner. A strand on whose locks nobody waits is done at once.
 *
 * It is exact: edges appear only under the mutex (a hold taken beside it has no waiter yet; a strand with branches takes all its
 * locks under it), a strand's holds are visible before its own wait is, and so the last strand of a cycle to wait sees all of it.
 * Edge 2 is not followed from the newcomer itself unless it has branches: whoever is behind it in the queue already waited for
 * everything that the newcomer waits for, so a cycle through that edge would be an older one.
 */

/** Scratch space of one thread; nothing in it outlives a call but the cycle found. */
export interface Search {
  /** Marks say "seen in search number epoch". */
  epoch: number;
  readonly owners: Int32Array;
  readonly locks: Int32Array;
  /** For an owner seen: the one that it waits for. */
  readonly waitsFor: Int32Array;
  readonly stack: Int32Array;
  depth: number;
  /** Whose wait is searched, and for which lock. */
  start: number;
  lock: number;
  /** If a cycle was found: the one for which the start would wait. */
  first: number;
}

export function newSearch(owners: number, locks: number): Search {
  const column = (length: number) => new Int32Array(length);
  const [marks, waitsFor, stack] = [column(owners), column(owners), column(owners)];
  return { epoch: 0, owners: marks, locks: column(locks), waitsFor, stack, depth: 0, start: 0, lock: 0, first: 0 };
}

/** The owners of the cycle found last, each waiting for the next and the last for the first. */
export function cycleOf(search: Search): number[] {
  const cycle = [search.start];
  for (let owner = search.first; owner !== search.start; owner = search.waitsFor[owner]!) cycle.push(owner);
  return cycle;
}

/** True if `owner`, whose WAIT word is set, waits for itself. Graph mutex. Cost: a few loads per strand that waits for it. */
export function closesCycle(layout: Layout, search: Search, owner: number): boolean {
  const links = load(layout.words, ownerAt(layout, owner) + OWNER.LINKS);
  return runSearch(layout, search, owner, (links & FORKED) !== 0);
}

/** The same without the newcomer's shortcut: for the periodic check. */
export function isInCycle(layout: Layout, search: Search, owner: number): boolean {
  return runSearch(layout, search, owner, true);
}

function runSearch(layout: Layout, search: Search, owner: number, followQueue: boolean): boolean {
  search.epoch++;
  search.start = owner;
  search.lock = load(layout.words, ownerAt(layout, owner) + OWNER.WAIT) - 1;
  search.depth = 0;
  if (expand(layout, search, owner, followQueue)) return true;
  while (search.depth > 0) {
    if (expand(layout, search, search.stack[--search.depth]!, true)) return true;
  }
  return false;
}

function expand(layout: Layout, search: Search, owner: number, followQueue: boolean): boolean {
  const { words } = layout;
  const at = ownerAt(layout, owner);
  const links = load(words, at + OWNER.LINKS);
  for (let places = links & PLACES; places !== 0; places &= places - 1) {
    const lock = heldLock(layout, owner, 31 - Math.clz32(places & -places));
    if (lock < 0 || search.locks[lock] === search.epoch) continue;
    search.locks[lock] = search.epoch;
    if (lock === search.lock) return visit(layout, search, owner, search.start, true);
    if (load(words, lockAt(layout, lock) + LOCK.TANGLED) === 0) continue;
    if (visitFrom(layout, search, owner, load(words, lockAt(layout, lock) + LOCK.FIRST_WRITER))) return true;
    if (visitFrom(layout, search, owner, load(words, lockAt(layout, lock) + LOCK.FIRST_READER))) return true;
  }
  const wait = load(words, at + OWNER.WAIT);
  if (followQueue && wait > 0 && search.locks[wait - 1] !== search.epoch && visitBehind(layout, search, owner, wait - 1))
    return true;
  if ((links & BLOCKING) !== 0 && visitSiblings(layout, search, owner)) return true;
  if ((links & BRANCH) !== 0 && visit(layout, search, owner, load(words, at + OWNER.PARENT) - 1, true)) return true;
  return false;
}

/** The lock of a HELD entry, or -1 if the entry is empty, on its way, or contradicted by the lock's state. */
function heldLock(layout: Layout, owner: number, place: number): number {
  const { words } = layout;
  const entry = load(words, ownerAt(layout, owner) + OWNER.HELD + place);
  const lock = (entry & LOCK_MASK) - 1;
  if ((entry & HOLD_READ) !== 0) return lock;
  if ((entry & HOLD_WRITE) === 0) return -1;
  return isWriter(load(words, lockAt(layout, lock) + LOCK.STATE), owner) ? lock : -1;
}

/** `waiter` waits for `owner`. True if that closes the cycle. `always` looks behind it too, whatever it holds. */
function visit(layout: Layout, search: Search, owner: number, waiter: number, always: boolean): boolean {
  if (waiter === search.start) {
    search.first = owner;
    return true;
  }
  if (search.owners[waiter] === search.epoch) return false;
  search.owners[waiter] = search.epoch;
  search.waitsFor[waiter] = owner;
  // Whoever holds nothing and blocks nobody is waited for by those behind it in its queue only; they were visited with it.
  if (!always && load(layout.words, ownerAt(layout, waiter) + OWNER.LINKS) === 0) return false;
  search.stack[search.depth++] = waiter;
  return false;
}

/** All of a queue from this waiter (owner + 1) on. */
function visitFrom(layout: Layout, search: Search, owner: number, first: number): boolean {
  for (let next = first; next !== 0; next = load(layout.words, ownerAt(layout, next - 1) + OWNER.NEXT)) {
    if (visit(layout, search, owner, next - 1, false)) return true;
  }
  return false;
}

/** Those in the queue whose turn comes after `owner`'s: follows from the phases, see `grant`. */
function visitBehind(layout: Layout, search: Search, owner: number, lock: number): boolean {
  const { words } = layout;
  const at = lockAt(layout, lock);
  const isReader = load(words, ownerAt(layout, owner) + OWNER.MODE) === 1;
  const written = (load(words, at + LOCK.STATE) & WRITER) !== 0;
  const priority = (load(words, at + LOCK.NAME) & WRITER_PRIORITY) !== 0;
  const first = load(words, at + LOCK.FIRST_WRITER);
  const next = load(words, ownerAt(layout, owner) + OWNER.NEXT);
  if (isReader) {
    // All readers come in together, after the writer that holds or the first one that waits.
    if (priority || first === 0) return false;
    return visitFrom(layout, search, owner, written ? first : load(words, ownerAt(layout, first - 1) + OWNER.NEXT));
  }
  if (visitFrom(layout, search, owner, next)) return true;
  if (!priority && (written || first !== owner + 1)) return false;
  return visitFrom(layout, search, owner, load(words, at + LOCK.FIRST_READER));
}

/** Every other strand of the thread that `owner` blocks. */
function visitSiblings(layout: Layout, search: Search, owner: number): boolean {
  const { words } = layout;
  const thread = load(words, ownerAt(layout, owner) + OWNER.THREAD);
  if (load(words, threadAt(layout, thread - 1) + THREAD.BLOCKED) !== owner + 1) return false;
  const high = load(words, HEADER.OWNERS_HIGH);
  for (let other = 0; other < high; other++) {
    if (other === owner || load(words, ownerAt(layout, other) + OWNER.THREAD) !== thread) continue;
    if (visit(layout, search, owner, other, true)) return true;
  }
  return false;
}
