import type { LockContext } from "./context.ts";
import { leaveRead, leaveWrite } from "./fast-path.ts";
import { HEADER, type Layout, LOCK, lockAt, OWNER, POISON, WRITER_PRIORITY } from "./layout.ts";
import type { Mode } from "./levels.ts";
import type { Holdable, Owner } from "./owner.ts";
import type { LockPolicy } from "./policy.ts";
import type { LockSpace } from "./space.ts";
import { handOverRead, handOverWrite } from "./wait-queue.ts";

/** What an acquisition may say. */
export interface AcquireOptions {
  /** A short static label of the place in the program, for statistics and messages. */
  readonly site?: string;
  /** How long to wait; the manager's default (30 s) unless told; 0 refuses to wait; Infinity waits for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Take a poisoned lock for writing, in order to repair what it guards. See Guard.poisoned. */
  readonly poisoned?: "accept";
}

/** Makes what a poisoned lock guards whole again, or empty. Runs while the lock is held for writing. */
export type Repair = (at: LockContext) => void | Promise<void>;

/** The place of a read that is nested in a hold of the same strand. */
export const NESTED = -2;

/** A lock as this thread sees it, without the types of levels: what all ways to take and give back have in common. */
export class LockCore implements Holdable {
  readonly name: string;
  /** The number of the level. */
  readonly order: number;
  readonly space: LockSpace;
  /** Index of the lock in its space. */
  readonly index: number;
  readonly policy: LockPolicy;
  readonly layout: Layout;
  readonly #state: number;
  readonly #name: number;

  constructor(space: LockSpace, index: number, name: string, order: number, policy: LockPolicy) {
    this.space = space;
    this.index = index;
    this.name = name;
    this.order = order;
    this.policy = policy;
    this.layout = space.layout;
    this.#state = lockAt(space.layout, index) + LOCK.STATE;
    this.#name = lockAt(space.layout, index) + LOCK.NAME;
  }

  /** Readers come in only when no writer waits; they may starve. Else phases are fair. */
  get writerPriority(): boolean {
    return (Atomics.load(this.layout.words, this.#name) & WRITER_PRIORITY) !== 0;
  }

  set writerPriority(on: boolean) {
    if (on) Atomics.or(this.layout.words, this.#name, WRITER_PRIORITY);
    else Atomics.and(this.layout.words, this.#name, ~WRITER_PRIORITY);
  }

  /** A writer died inside, and nobody has repaired the data since. */
  get isPoisoned(): boolean {
    return (Atomics.load(this.layout.words, this.#state) & POISON) !== 0;
  }

  /** Says that the data is whole again. The owner must hold the lock for writing. */
  clearPoison(): void {
    Atomics.and(this.layout.words, this.#state, ~POISON);
  }

  /** Writes down, for this thread and for onlookers, that the owner holds the lock at this place. */
  noteTaken(owner: Owner, place: number, mode: Mode, record: number): void {
    const { words } = this.layout;
    const { space } = this;
    owner.locks[place] = this;
    owner.modes[place] = mode;
    owner.sites[place] = record;
    if (this.order > owner.top) owner.top = this.order;
    words[owner.at + OWNER.SITE + place] = record;
    words[owner.at + OWNER.SINCE + place] = words[HEADER.CLOCK]!;
    words[space.records.shard + record * 2 + (mode === "read" ? 0 : 1)]!++;
    owner.sampled[place] = (++space.samples & 63) === 0 ? performance.now() : 0;
    if (this.policy.debug) this.policy.noteNesting(owner);
  }

  /** Gives a hold back. Reads count down, the last one out hands over. */
  giveBack(owner: Owner, place: number): void {
    if (place === NESTED) {
      place = owner.placeOf(this);
      if (place < 0) return;
    }
    // The last of several nested holds gives the lock back, whichever it is.
    if (owner.nested[place]! > 0) {
      owner.nested[place]!--;
      return;
    }
    if (owner.sampled[place] !== 0) this.space.records.countHold(owner.sites[place]!, performance.now() - owner.sampled[place]!);
    const { index, space } = this;
    owner.locks[place] = undefined;
    owner.setLinks(owner.links & ~(1 << place));
    owner.settleTop();
    if (owner.modes[place] === "read") {
      if (leaveRead(this.layout, index, owner.index, place)) space.withGraph(() => handOverRead(this.layout, index, space.woken));
    } else if (!leaveWrite(this.layout, index, owner.index)) {
      space.withGraph(() => handOverWrite(this.layout, index, space.woken));
    }
  }
}
