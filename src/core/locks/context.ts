import type { Below, LevelName, LevelOf, Mode } from "./levels.ts";
import type { Owner } from "./owner.ts";

/*
 * A context says what its strand holds, in its type. At run time every context of a strand is the same owner, so a stale
 * or an outer context never deceives: the owner's own list of held locks is checked at each acquisition.
 *
 *   await locks.task("rpc sendrawtransaction", (at) =>
 *     chainLock.withRead(at, (at) =>            // shadowed: the outer `at` cannot be used by mistake
 *       mempoolLock.withWrite(at, (at) => mempool.add(at, tx))));
 */

declare const MAX: unique symbol;
declare const HELD: unique symbol;

/** A place in the lock order: `Max` is the highest level held, `Held` maps the levels held to their modes. */
export interface LockContext<Max extends number = number, Held = unknown> {
  readonly [MAX]: Max;
  readonly [HELD]: Held;
  /** The strand. */
  readonly owner: Owner;
  /**
   * A context for a parallel branch: it inherits what is held here, and takes and gives back locks of its own. A context
   * has one outstanding wait at a time, so branches that run side by side need one each. Call `close()` when the branch is done.
   */
  fork(label?: string): Fork<Max, Held>;
}

/** A branch of a strand; a parent counts as waiting for each branch until it is closed. */
export interface Fork<Max extends number = number, Held = unknown> extends LockContext<Max, Held>, Disposable {
  close(): void;
}

/** A strand that holds nothing yet. */
export type Root = LockContext<0, unknown>;

/** Proof that a lock of level N is held, for writing where M says so. First parameter of every guarded function. */
export type Holds<N extends LevelName, M extends Mode = "read"> = LockContext<
  number,
  { [K in N]: M extends "read" ? Mode : "write" }
>;

/** Proof that level N may still be taken: nothing at or above it is held. For functions that take the lock themselves. */
export type MayTake<N extends LevelName> = LockContext<Below[LevelOf<N>]>;

/** The context inside lock N. */
export type Inside<N extends LevelName, M extends Mode, Held> = LockContext<LevelOf<N>, Held & { [K in N]: M }>;

/** A held lock; it is a context too. `using guard = await lock.acquire(at, "write")`. Releasing twice does nothing. */
export interface Guard<N extends LevelName = LevelName, M extends Mode = Mode, Held = unknown>
  extends LockContext<LevelOf<N>, Held & { [K in N]: M }>,
    Disposable {
  readonly mode: M;
  /** The last writer died inside: what the lock guards may be torn. Only with `poisoned: "accept"`. */
  readonly poisoned: boolean;
  /** The data was repaired: readers may come again. */
  clearPoison(): void;
  release(): void;
}

/** The context of a strand, typed as the caller knows it to be. */
export function contextOf<C extends LockContext>(owner: Owner): C {
  return owner as unknown as C;
}
