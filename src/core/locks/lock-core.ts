import type { LockContext } from "./context.ts";
import { leaveRead, leaveWrite, tryRead, tryWrite } from "./fast-path.ts";
import { HEADER, type Layout, LOCK, lockAt, OWNER, POISON, SHARD_WORDS, WRITER_PRIORITY } from "./layout.ts";
import type { Mode } from "./levels.ts";
import type { Words } from "./memory.ts";
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

/** Holds are timed once in 64 acquisitions of a site: two time stamps cost more than the lock. */
const SAMPLE_MASK = 63;

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
  readonly words: Words;
  readonly #state: number;
  readonly #name: number;

  constructor(space: LockSpace, index: number, name: string, order: number, policy: LockPolicy) {
    this.space = space;
    this.index = index;
    this.name = name;
    this.order = order;
    this.policy = policy;
    this.layout = space.layout;
    this.words = space.layout.words;
    this.#state = lockAt(space.layout, index) + LOCK.STATE;
    this.#name = lockAt(space.layout, index) + LOCK.NAME;
  }

  /** Readers come in only when no writer waits; they may starve. Else phases are fair. */
  get writerPriority(): boolean {
    return (Atomics.load(this.words, this.#name) & WRITER_PRIORITY) !== 0;
  }

  set writerPriority(on: boolean) {
    if (on) Atomics.or(this.words, this.#name, WRITER_PRIORITY);
    else Atomics.and(this.words, this.#name, ~WRITER_PRIORITY);
  }

  /** A writer died inside, and nobody has repaired the data since. */
  get isPoisoned(): boolean {
    return (Atomics.load(this.words, this.#state) & POISON) !== 0;
  }

  /** Says that the data is whole again. The owner must hold the lock for writing. */
  clearPoison(): void {
    Atomics.and(this.words, this.#state, ~POISON);
  }

  /** One attempt, beside the mutex. */
  takeFast(owner: Owner, place: number, mode: Mode): boolean {
    const held = owner.at + OWNER.HELD + place;
    if (mode === "write") return tryWrite(this.words, this.#state, held, this.index, owner.index);
    return tryRead(this.words, this.#state, held, this.index);
  }

  /** Writes down, for this thread and for onlookers, that the owner holds the lock at this place. */
  noteTaken(owner: Owner, place: number, mode: Mode, record: number): void {
    const { words } = this;
    const hold = owner.holds[place]!;
    words[owner.at + OWNER.SITE + place] = record;
    words[owner.at + OWNER.SINCE + place] = words[HEADER.CLOCK]!;
    // Mostly the same lock as before: a comparison is cheaper than the collector's write barrier.
    if (hold.lock !== this) hold.lock = this;
    hold.mode = mode;
    hold.record = record;
    if (this.policy.statistics) this.#count(owner, place, mode, record);
    owner.raiseTop(this.order);
    if (this.policy.debug) this.policy.noteNesting(owner);
  }

  #count(owner: Owner, place: number, mode: Mode, record: number): void {
    const { words } = this;
    const counter = this.space.shard + record * SHARD_WORDS + (mode === "read" ? 0 : 1);
    const count = words[counter]! + 1;
    words[counter] = count;
    if ((count & SAMPLE_MASK) === 0) owner.sample(place);
  }

  /** Gives a hold back. Reads count down, the last one out hands over. */
  giveBack(owner: Owner, at: number): void {
    const place = at === NESTED ? owner.placeOf(this) : at;
    // Given back before, or by the end of its task.
    if (place < 0 || (owner.links & (1 << place)) === 0) return;
    const hold = owner.holds[place]!;
    // The last of several nested holds gives the lock back, whichever it is.
    if (hold.nested > 0) {
      hold.nested--;
      return;
    }
    if ((owner.sampled & (1 << place)) !== 0) this.space.records.countHold(hold.record, owner.endSample(place));
    owner.links &= ~(1 << place);
    owner.settleTop();
    if (hold.mode === "write") {
      if (!leaveWrite(this.words, this.#state, owner.index)) this.#handOverWrite();
    } else if (leaveRead(this.words, this.#state, owner.at + OWNER.HELD + place, this.index)) this.#handOverRead();
  }

  #handOverWrite(): void {
    this.space.withGraph(() => handOverWrite(this.layout, this.index, this.space.woken));
  }

  #handOverRead(): void {
    this.space.withGraph(() => handOverRead(this.layout, this.index, this.space.woken));
  }
}
