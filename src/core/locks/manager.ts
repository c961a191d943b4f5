import { isMainThread } from "node:worker_threads";
import { contextOf, type LockContext, type Root } from "./context.ts";
import { LockCapacityError, LockOrderError } from "./errors.ts";
import { type Layout, LOCK, lockAt, WRITER_PRIORITY } from "./layout.ts";
import { type LevelName, LOCK_ORDER, type Mode } from "./levels.ts";
import type { AcquireOptions, Repair } from "./lock-core.ts";
import { Monitor } from "./monitor.ts";
import type { HeldLock } from "./owner.ts";
import { LockPolicy, type LockWarning } from "./policy.ts";
import { RwLock } from "./rwlock.ts";
import { graphOf, type LockGraph, type LockStats, statsOf } from "./snapshot.ts";
import { LockSpace } from "./space.ts";
import { Statistics } from "./statistics.ts";

/** The share of acquisitions that may wait before the contention report names the lock. */
const CONTENTION_LIMIT = 0.05;

export interface ManagerOptions {
  /** Warn of deep nesting and of input and output under a lock. */
  readonly debug?: boolean;
  /** False: wrong orders are counted, not refused, so that cycles can close. For demonstrations and tests of detection. */
  readonly enforceOrder?: boolean;
  /** False: no search before a wait; setCycleCheckInterval then has cycles to find. For measuring what the search costs. */
  readonly detect?: boolean;
  /** False: acquisitions are not counted and holds not timed. For measuring what that costs. */
  readonly statistics?: boolean;
  readonly onWarning?: (warning: LockWarning) => void;
}

export interface LockOptions {
  /** Readers come in only when no writer waits. Else phases are fair. */
  readonly writerPriority?: boolean;
  /** What it guards is written to disk while it is held: no warning of that in debug mode. The exception, to be argued for. */
  readonly spansInputOutput?: boolean;
  /** Makes what the lock guards whole again after a writer died inside; the next withWrite runs it. */
  readonly repair?: Repair;
}

/** A lock to be taken with others. */
export interface LockRequest {
  readonly lock: RwLock;
  readonly mode: Mode;
}

/** Several locks held together; given back in reverse order. */
export interface HeldLocks extends Disposable {
  release(): void;
}

/** By level, then by name; each lock once. */
function inOrder(wanted: readonly LockRequest[]): LockRequest[] {
  const byLock = new Map<RwLock, LockRequest>();
  for (const request of wanted) {
    if (byLock.get(request.lock)?.mode !== "write") byLock.set(request.lock, request);
  }
  return [...byLock.values()].sort((a, b) => a.lock.order - b.lock.order || (a.lock.name < b.lock.name ? -1 : 1));
}

/** The locks of a program by name, and the strands that take them. */
export class LockManager {
  readonly space: LockSpace;
  readonly policy: LockPolicy;
  readonly #locks = new Map<string, RwLock>();
  readonly #statistics: Statistics;
  readonly #monitor: Monitor;

  constructor(space: LockSpace = LockSpace.create(), options: ManagerOptions = {}) {
    this.space = space;
    this.policy = new LockPolicy(options.debug ?? false, options.onWarning ?? (() => {}));
    this.policy.detect = options.detect ?? true;
    this.policy.statistics = options.statistics ?? true;
    this.#statistics = new Statistics(space);
    this.#monitor = new Monitor(space, this.policy);
    this.policy.enforceOrder = options.enforceOrder ?? true;
  }

  /**
   * The same locks, seen so that a wrong order is counted and not refused: cycles can form, and detection has something to find.
   * For demonstrations; `close` it. Its warnings go where those of this manager go.
   */
  withoutOrder(): LockManager {
    return new LockManager(this.space, { enforceOrder: false, onWarning: (warning) => this.policy.warn(warning) });
  }

  /**
   * The lock of this name; made at the first call, on any thread.
   * @throws LockCapacityError when the space is full, TypeError when the name stands for a lock of another level.
   */
  getLock<N extends LevelName>(name: string, level: N, options: LockOptions = {}): RwLock<N> {
    const known = this.#locks.get(name);
    if (known !== undefined) {
      if (known.level !== level) throw new TypeError(`lock "${name}" is of level ${known.level}, not ${level}`);
      return known as unknown as RwLock<N>;
    }
    if (options.spansInputOutput === true) this.policy.allowInputOutput(name);
    const index = this.#claim(name, LOCK_ORDER[level], options.writerPriority ?? false);
    const lock = new RwLock(this.space, index, name, level, this.policy, options.repair);
    this.#locks.set(name, lock as unknown as RwLock);
    return lock;
  }

  /** All threads look from the first entry on, so one name never gets two entries. */
  #claim(name: string, order: number, priority: boolean): number {
    const { layout, names, capacity } = this.space;
    const { words }: Layout = layout;
    const id = names.idOf(name);
    if (id === 0) throw new LockCapacityError("names", capacity.names);
    const entry = id | (order << 16) | (priority ? WRITER_PRIORITY : 0);
    for (let index = 0; index < capacity.locks; index++) {
      const at = lockAt(layout, index) + LOCK.NAME;
      const seen = Atomics.load(words, at) || Atomics.compareExchange(words, at, 0, entry);
      if (seen === 0) return index;
      if (names.textOf(seen & 0xffff) !== name) continue;
      const level = (seen >>> 16) & 7;
      if (level !== order) throw new TypeError(`lock "${name}" is of level ${level}, not ${order}`);
      return index;
    }
    throw new LockCapacityError("locks", capacity.locks);
  }

  /**
   * Runs `fn` as one logical strand: everything that it does in sequence takes its locks through `at` or a context made from it.
   * @throws LockCapacityError when all owners are in use.
   */
  async task<R>(label: string, fn: (at: Root) => R | Promise<R>): Promise<R> {
    if (isMainThread) this.#monitor.start();
    const owner = this.space.openOwner(label);
    try {
      return await fn(contextOf<Root>(owner));
    } finally {
      if (owner.held !== 0) this.policy.warn({ kind: "leaked", owner: label, locks: owner.heldLocks().map((held) => held.lock) });
      owner.close();
    }
  }

  /**
   * Takes several locks, in the order of their levels and, within one, of their names, whatever order they are given in; one given
   * twice is taken once, for writing if either asks for that. All or none. For units of work, whose locks are known at run time
   * only. Rejects as RwLock.acquire.
   */
  async acquireAll(at: LockContext, wanted: readonly LockRequest[], options: AcquireOptions = {}): Promise<HeldLocks> {
    const guards: Disposable[] = [];
    const release = () => {
      while (guards.length > 0) guards.pop()![Symbol.dispose]();
    };
    try {
      for (const { lock, mode } of inOrder(wanted)) guards.push(await lock.acquire(at as Root, mode, options));
    } catch (error) {
      release();
      throw error;
    }
    return { release, [Symbol.dispose]: release };
  }

  /** Milliseconds that an acquisition waits unless it says otherwise: 30,000 at first. */
  setDefaultTimeout(ms: number): void {
    this.policy.defaultTimeoutMs = ms;
  }

  /** Looks at the whole wait-for graph every `ms`, besides the search before each wait; 0 stops that. */
  setCycleCheckInterval(ms: number): void {
    this.#monitor.checkEvery(ms);
  }

  /** The same once, now. */
  checkCycles(): void {
    this.#monitor.checkCycles();
  }

  /** One round of what the manager's timer does: the clock of "held since", and warnings of long holds. For tests. */
  tick(nowMs: number): void {
    this.#monitor.tick(nowMs);
  }

  /** Every lock with its figures, holders and waiters, in the order of levels and names. Plain JSON. */
  stats(): LockStats[] {
    this.space.tick();
    return statsOf(this.space, this.#statistics);
  }

  /** The same by name. */
  getAllStats(): Record<string, LockStats> {
    return Object.fromEntries(this.stats().map((stats) => [stats.name, stats]));
  }

  /** Counts from zero again. What is held or waited for stays as it is. */
  resetStats(): void {
    this.#statistics.reset();
  }

  /** Cycles refused before they closed, and cycles that the periodic check had to break. */
  deadlockStats(): { readonly prevented: number; readonly found: number } {
    return this.#statistics.deadlocks();
  }

  /** The locks of which more than one acquisition in twenty had to wait, the worst first. */
  contentionReport(limit: number = CONTENTION_LIMIT): LockStats[] {
    return this.stats()
      .filter((stats) => stats.contentionRatio > limit)
      .sort((a, b) => b.contentionRatio - a.contentionRatio);
  }

  /** Who holds what and waits for whom, now. Plain JSON. */
  graph(): LockGraph {
    this.space.tick();
    return graphOf(this.space);
  }

  /** What the strand of a context holds, in the order of levels. */
  locksHeld(at: LockContext): readonly HeldLock[] {
    return at.owner.heldLocks();
  }

  /** For debug builds. @throws LockOrderError when a lock of this level could not be taken from here. */
  assertLockOrder(at: LockContext, level: LevelName): void {
    const above = at.owner.heldLocks().find((held) => held.level >= LOCK_ORDER[level]);
    if (above === undefined) return;
    throw new LockOrderError(
      { lock: level, level: LOCK_ORDER[level], site: "assertLockOrder" },
      above,
      "locks are taken in ascending order of level",
    );
  }

  /** For code about to touch disk or network: in debug mode, warns if the strand holds a lock, but for those that span such work. */
  noteInputOutput(at: LockContext, what: string): void {
    this.policy.noteInputOutput(at.owner, what);
  }

  /** Stops the timers of this manager. The locks stay usable. */
  close(): void {
    this.#monitor.stop();
  }
}
