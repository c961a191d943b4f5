import { contextOf, type Root } from "./context.ts";
import { LockCapacityError } from "./errors.ts";
import { type Layout, LOCK, lockAt, WRITER_PRIORITY } from "./layout.ts";
import { type LevelName, LOCK_ORDER } from "./levels.ts";
import type { Repair } from "./lock-core.ts";
import { LockPolicy, type LockWarning } from "./policy.ts";
import { RwLock } from "./rwlock.ts";
import { LockSpace } from "./space.ts";

export interface ManagerOptions {
  /** Warn of deep nesting and of input and output under a lock. */
  readonly debug?: boolean;
  /** False: wrong orders are counted, not refused, so that cycles can close. For demonstrations and tests of detection. */
  readonly enforceOrder?: boolean;
  readonly onWarning?: (warning: LockWarning) => void;
}

export interface LockOptions {
  /** Readers come in only when no writer waits. Else phases are fair. */
  readonly writerPriority?: boolean;
  /** Makes what the lock guards whole again after a writer died inside; the next withWrite runs it. */
  readonly repair?: Repair;
}

/** The locks of a program by name, and the strands that take them. */
export class LockManager {
  readonly space: LockSpace;
  readonly policy: LockPolicy;
  readonly #locks = new Map<string, RwLock>();

  constructor(space: LockSpace = LockSpace.create(), options: ManagerOptions = {}) {
    this.space = space;
    this.policy = new LockPolicy(options.debug ?? false, options.onWarning ?? (() => {}));
    this.policy.enforceOrder = options.enforceOrder ?? true;
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
    const owner = this.space.openOwner(label);
    try {
      return await fn(contextOf<Root>(owner));
    } finally {
      if (owner.held !== 0) this.policy.warn({ kind: "leaked", owner: label, locks: owner.heldLocks().map((held) => held.lock) });
      owner.close();
    }
  }

  setDefaultTimeout(ms: number): void {
    this.policy.defaultTimeoutMs = ms;
  }
}
