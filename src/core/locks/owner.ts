import { LockCapacityError } from "./errors.ts";
import { BLOCKING, BRANCH, FORKED, HELD_MAX, type Layout, OWNER, PLACES } from "./layout.ts";
import type { Mode } from "./levels.ts";
import { put, type Words } from "./memory.ts";

/** A held lock of a strand. */
export interface HeldLock {
  readonly lock: string;
  readonly level: number;
  readonly mode: Mode;
  readonly site: string;
  /** Indexes of the lock and of the statistics record in the space. */
  readonly index: number;
  readonly record: number;
}

/** What a strand must know of a lock that it holds. */
export interface Holdable {
  readonly name: string;
  readonly index: number;
  /** The number of its level. */
  readonly order: number;
  giveBack(owner: Owner, place: number): void;
}

/** Where strands come from and go to: the lock space, as this thread sees it. */
export interface OwnerHome {
  readonly layout: Layout;
  readonly records: { siteOf(record: number): string };
  openOwner(label: string): Owner;
  closeOwner(owner: Owner): void;
}

/** Above every level, so that the context of a strand that waits or has ended takes nothing. */
const WAITING_TOP = 999;
const CLOSED_TOP = 1000;

/** One entry of a strand's list of holds, used again and again. */
class Hold {
  lock: Holdable | undefined = undefined;
  mode: Mode = "read";
  /** Statistics record of the acquisition. */
  record = 0;
  /** When the hold began, if it is sampled. */
  since = 0;
  /** Reads of the lock while it was held already: counted here, they never wait. */
  nested = 0;
}

/**
 * One strand of work on this thread, and the list of what it holds. It is the run-time side of every context of the strand.
 * The shared words of the same index tell other threads what they need; this object is this thread's, and the truth.
 */
export class Owner {
  readonly space: OwnerHome;
  readonly index: number;
  /** Where the owner's shared words stand. */
  readonly at: number;
  /** Places in use, as in the LINKS word, with its flags. */
  links = 0;
  /** Highest level held, here or by the strands that this one branched from; CLOSED_TOP when the strand has ended. */
  top = CLOSED_TOP;
  /** What `top` falls back to: the level of the strand that this one branched from, at that time. */
  base = 0;
  /** Places whose hold is timed. */
  sampled = 0;
  parent: Owner | undefined = undefined;
  branches = 0;
  /** The strand has ended, but a wait of it has not. */
  abandoned = false;
  label = "";
  /** By place; only entries whose bit is set in `links` count. */
  readonly holds: readonly Hold[];
  /** The place kept for the lock that the strand waits for, as a bit. */
  #awaited = 0;
  readonly #words: Words;

  /** `before` is a strand that has ended; its index and its list serve again. Contexts of it stay closed. */
  constructor(space: OwnerHome, index: number, at: number, before?: Owner) {
    this.space = space;
    this.index = index;
    this.at = at;
    this.holds = before?.holds ?? Array.from({ length: HELD_MAX }, () => new Hold());
    this.#words = space.layout.words;
  }

  get owner(): Owner {
    return this;
  }

  get isClosed(): boolean {
    return this.top === CLOSED_TOP;
  }

  /** A new strand begins. */
  open(label: string): void {
    this.label = label;
    this.top = 0;
  }

  get isWaiting(): boolean {
    return this.#awaited !== 0;
  }

  /** The strand has ended: neither this context nor a guard of it does anything from now on. */
  reset(): void {
    this.parent = undefined;
    this.top = CLOSED_TOP;
    this.base = 0;
    this.links = 0;
    this.publish();
  }

  get held(): number {
    return this.links & PLACES & ~this.#awaited;
  }

  /** @throws LockCapacityError when 16 locks are held. */
  freePlace(): number {
    const free = ~this.links & PLACES;
    if (free === 0) throw new LockCapacityError("held locks", HELD_MAX);
    return 31 - Math.clz32(free & -free);
  }

  /**
   * Shows other threads what is held, and how this strand hangs together with others: before a wait, and while other strands
   * may wait for this one without its waiting (branches, a blocked thread). Beside that the words are of no use to anyone.
   */
  publish(): void {
    put(this.#words, this.at + OWNER.LINKS, this.links);
  }

  /**
   * Begins a wait: keeps a place for the lock. Others see the place at once only if they may look at what this strand holds as
   * soon as the lock is granted; else it would make them look at every waiter that holds nothing.
   */
  beginWait(place: number): void {
    if ((this.links & FORKED) === 0) this.publish();
    this.#awaited = 1 << place;
    this.links |= 1 << place;
    this.top = WAITING_TOP;
    if ((this.links & FORKED) !== 0) this.publish();
  }

  /** Ends it; the place is free again unless the lock was granted. */
  endWait(granted: boolean): void {
    if (!granted) this.links &= ~this.#awaited;
    this.#awaited = 0;
    if (!granted) this.settleTop();
  }

  #flag(flag: number, on: boolean): void {
    this.links = on ? this.links | flag : this.links & ~flag;
    this.publish();
  }

  sample(place: number): void {
    this.sampled |= 1 << place;
    this.holds[place]!.since = performance.now();
  }

  /** Milliseconds that the sampled hold took. */
  endSample(place: number): number {
    this.sampled &= ~(1 << place);
    return performance.now() - this.holds[place]!.since;
  }

  /** Place of this lock among those held, or -1. */
  placeOf(lock: Holdable): number {
    for (let places = this.held; places !== 0; places &= places - 1) {
      const place = 31 - Math.clz32(places & -places);
      if (this.holds[place]!.lock === lock) return place;
    }
    return -1;
  }

  /** The locks held, in the order of levels, with those of the strands that this one branched from. */
  heldLocks(): HeldLock[] {
    const found = this.parent?.heldLocks() ?? [];
    for (let places = this.held; places !== 0; places &= places - 1) {
      const place = 31 - Math.clz32(places & -places);
      const { lock, mode, record } = this.holds[place]!;
      found.push({
        lock: lock!.name,
        level: lock!.order,
        mode,
        site: this.space.records.siteOf(record),
        index: lock!.index,
        record,
      });
    }
    return found.sort((a, b) => a.level - b.level);
  }

  /** After an acquisition. */
  raiseTop(order: number): void {
    if (this.top === WAITING_TOP) this.settleTop();
    else if (order > this.top) this.top = order;
  }

  /** After a release: the highest level of what is left. */
  settleTop(): void {
    if (this.#awaited !== 0) return;
    this.top = this.base;
    for (let places = this.held; places !== 0; places &= places - 1) {
      this.top = Math.max(this.top, this.holds[31 - Math.clz32(places & -places)]!.lock!.order);
    }
  }

  /** A branch: see LockContext.fork. */
  fork(label?: string): Owner {
    const branch = this.space.openOwner(label ?? this.label);
    branch.parent = this;
    const top = this.heldLocks().at(-1)?.level ?? 0;
    branch.base = top;
    branch.top = top;
    put(this.space.layout.words, branch.at + OWNER.PARENT, this.index + 1);
    branch.#flag(BRANCH, true);
    this.branches++;
    this.#flag(FORKED, true);
    return branch;
  }

  /** Ends the strand: gives back what it still holds, and its place in the space. */
  close(): void {
    if (this.isClosed) return;
    for (let places = this.held; places !== 0; places &= places - 1) {
      const place = 31 - Math.clz32(places & -places);
      this.holds[place]!.nested = 0;
      this.holds[place]!.lock!.giveBack(this, place);
    }
    const { parent } = this;
    if (parent !== undefined && --parent.branches === 0) parent.#flag(FORKED, false);
    // A wait that nobody awaited: the words are in use until it ends.
    this.abandoned = this.isWaiting;
    this.top = CLOSED_TOP;
    if (!this.abandoned) this.space.closeOwner(this);
  }

  /** The wait of a strand that ended before it is over. */
  closeAbandoned(): void {
    this.abandoned = false;
    this.space.closeOwner(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** While the strand blocks its thread: its siblings wait for it. */
  setBlocking(blocking: boolean): void {
    this.#flag(BLOCKING, blocking);
  }
}
