import type { CycleStep } from "./errors.ts";
import { isWriter } from "./fast-path.ts";
import { COUNT, HELD_MAX, HOLD_READ, LOCK, LOCK_MASK, lockAt, OWNER, ownerAt, WRITER } from "./layout.ts";
import type { Mode } from "./levels.ts";
import type { LockSpace } from "./space.ts";
import { cycleOf } from "./wait-graph.ts";
import { READ } from "./wait-queue.ts";

/** What the shared words say of strands and locks, for messages and snapshots. Exact under the graph mutex, else a glimpse. */

/** "rpc sendrawtransaction #17": its label, and its index among the owners. */
export function ownerName(space: LockSpace, owner: number): string {
  return `${space.names.textOf(space.layout.words[ownerAt(space.layout, owner) + OWNER.LABEL]!)} #${owner}`;
}

export function lockName(space: LockSpace, lock: number): string {
  return space.names.textOf(space.layout.words[lockAt(space.layout, lock) + LOCK.NAME]! & 0xffff);
}

export interface Wait {
  readonly lock: number;
  readonly mode: Mode;
  readonly record: number;
}

/** What the owner waits for, if it does. */
export function waitOf(space: LockSpace, owner: number): Wait | undefined {
  const { words } = space.layout;
  const at = ownerAt(space.layout, owner);
  const wait = Atomics.load(words, at + OWNER.WAIT);
  if (wait <= 0) return undefined;
  return {
    lock: wait - 1,
    mode: words[at + OWNER.MODE] === READ ? "read" : "write",
    record: words[at + OWNER.SITE + words[at + OWNER.PLACE]!]!,
  };
}

export interface Hold {
  readonly lock: number;
  readonly mode: Mode;
  readonly record: number;
  /** On the space's clock; 0 if nobody set it. */
  readonly since: number;
}

/** What the owner holds. */
export function holdsOf(space: LockSpace, owner: number): Hold[] {
  const { layout } = space;
  const { words } = layout;
  const at = ownerAt(layout, owner);
  const holds: Hold[] = [];
  for (let place = 0; place < HELD_MAX; place++) {
    const entry = Atomics.load(words, at + OWNER.HELD + place);
    const lock = (entry & LOCK_MASK) - 1;
    const mode: Mode = (entry & HOLD_READ) !== 0 ? "read" : "write";
    if (lock < 0 || holds.some((hold) => hold.lock === lock)) continue;
    if (mode === "write" && !isWriter(Atomics.load(words, lockAt(layout, lock) + LOCK.STATE), owner)) continue;
    holds.push({ lock, mode, record: words[at + OWNER.SITE + place]!, since: words[at + OWNER.SINCE + place]! });
  }
  return holds;
}

/** How many hold a lock, by its state word. */
export function holdersOf(state: number): { readers: number; writers: number } {
  return (state & WRITER) !== 0 ? { readers: 0, writers: 1 } : { readers: state & COUNT, writers: 0 };
}

/** The cycle that the last search found; its start has withdrawn already, so its wait is passed in. Graph mutex. */
export function cycleSteps(space: LockSpace, start: Wait): CycleStep[] {
  return cycleOf(space.search).map((owner, i) => {
    const wait = i === 0 ? start : waitOf(space, owner);
    return {
      owner: ownerName(space, owner),
      waitsFor: wait === undefined ? "" : lockName(space, wait.lock),
      mode: wait?.mode ?? "read",
      site: wait === undefined ? "" : space.records.siteOf(wait.record),
    };
  });
}
