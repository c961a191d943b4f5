import { holdersOf, holdsOf, lockName, ownerName, waitOf } from "./describe.ts";
import { HEADER, LOCK, lockAt, OWNER, ownerAt, POISON } from "./layout.ts";
import { type LevelName, levelName, type Mode } from "./levels.ts";
import type { LockSpace } from "./space.ts";
import type { LockFigures, SiteFigures, Statistics } from "./statistics.ts";

/** A strand at a lock, inside or waiting. */
export interface StrandAtLock {
  readonly owner: string;
  readonly mode: Mode;
  readonly site: string;
  /** For a holder: how long, to a quarter of a second; undefined if nobody keeps the clock. */
  readonly heldMs?: number;
}

/** A lock as it stands, and its figures. Plain JSON. */
export interface LockStats extends LockFigures {
  readonly name: string;
  readonly level: LevelName;
  readonly order: number;
  readonly state: "free" | "read" | "write";
  readonly readers: number;
  readonly writers: number;
  readonly waitingReaders: number;
  readonly waitingWriters: number;
  readonly poisoned: boolean;
  readonly poisonings: number;
  readonly holders: readonly StrandAtLock[];
  readonly waiters: readonly StrandAtLock[];
  readonly sites: readonly SiteFigures[];
}

export interface GraphNode {
  readonly owner: string;
  readonly thread: number;
  readonly holds: readonly { readonly lock: string; readonly mode: Mode; readonly site: string; readonly heldMs?: number }[];
  readonly waitsFor?: { readonly lock: string; readonly mode: Mode; readonly site: string };
}

/** Who holds what and waits for whom. Plain JSON. */
export interface LockGraph {
  readonly owners: readonly GraphNode[];
  /** `from` waits for `lock`, which `to` holds. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly lock: string }[];
}

/** Every strand that holds or waits for something. A glimpse: strands move on while it is taken. */
export function graphOf(space: LockSpace): LockGraph {
  const { layout, records } = space;
  const owners: GraphNode[] = [];
  const high = Atomics.load(layout.words, HEADER.OWNERS_HIGH);
  for (let owner = 0; owner < high; owner++) {
    const thread = Atomics.load(layout.words, ownerAt(layout, owner) + OWNER.THREAD);
    if (thread === 0) continue;
    const holds = holdsOf(space, owner).map(({ lock, mode, record, since }) => ({
      lock: lockName(space, lock),
      mode,
      site: records.siteOf(record),
      ...heldFor(space, since),
    }));
    const wait = waitOf(space, owner);
    if (holds.length === 0 && wait === undefined) continue;
    const waitsFor = wait && { lock: lockName(space, wait.lock), mode: wait.mode, site: records.siteOf(wait.record) };
    owners.push({ owner: ownerName(space, owner), thread: thread - 1, holds, ...(waitsFor && { waitsFor }) });
  }
  const edges = owners.flatMap(({ owner, waitsFor }) =>
    owners
      .filter((other) => other.owner !== owner && other.holds.some((hold) => hold.lock === waitsFor?.lock))
      .map((other) => ({ from: owner, to: other.owner, lock: waitsFor!.lock })),
  );
  return { owners, edges };
}

function heldFor(space: LockSpace, since: number): { heldMs?: number } {
  const clock = space.layout.words[HEADER.CLOCK]!;
  return clock === 0 || since === 0 ? {} : { heldMs: Math.max(0, (clock - since) | 0) };
}

/** All locks of the space, in the order of levels and names. */
export function statsOf(space: LockSpace, statistics: Statistics): LockStats[] {
  const { layout, capacity } = space;
  const figures = statistics.read();
  const { owners } = graphOf(space);
  const stats: LockStats[] = [];
  for (let lock = 0; lock < capacity.locks; lock++) {
    const entry = Atomics.load(layout.words, lockAt(layout, lock) + LOCK.NAME);
    if (entry === 0) break;
    const name = lockName(space, lock);
    const state = Atomics.load(layout.words, lockAt(layout, lock) + LOCK.STATE);
    const { readers, writers } = holdersOf(state);
    const holders = owners.flatMap((node) =>
      node.holds.filter((hold) => hold.lock === name).map(({ lock: _, ...hold }) => ({ owner: node.owner, ...hold })),
    );
    const waiters = owners.flatMap(({ owner, waitsFor }) =>
      waitsFor?.lock === name ? [{ owner, mode: waitsFor.mode, site: waitsFor.site }] : [],
    );
    const known = figures.get(lock);
    if (known === undefined) continue;
    stats.push({
      name,
      level: levelName((entry >>> 16) & 7)!,
      order: (entry >>> 16) & 7,
      state: writers > 0 ? "write" : readers > 0 ? "read" : "free",
      readers,
      writers,
      waitingReaders: waiters.filter(({ mode }) => mode === "read").length,
      waitingWriters: waiters.filter(({ mode }) => mode === "write").length,
      poisoned: (state & POISON) !== 0,
      poisonings: statistics.poisonings(lock),
      ...known.total,
      holders,
      waiters,
      sites: known.sites,
    });
  }
  return stats.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
}
