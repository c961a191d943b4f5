import { isMainThread } from "node:worker_threads";
import { ChainCoreError } from "../errors.ts";
import { contextOf, type Guard, type Inside, type LockContext } from "./context.ts";
import { LockPoisonedError } from "./errors.ts";
import { HeldGuard } from "./guard.ts";
import { FORKED } from "./layout.ts";
import { type Below, type LevelName, type LevelOf, LOCK_ORDER, type Mode } from "./levels.ts";
import { type AcquireOptions, LockCore, NESTED, type Repair } from "./lock-core.ts";
import { checkOrder } from "./order.ts";
import type { Owner } from "./owner.ts";
import type { LockPolicy } from "./policy.ts";
import type { LockSpace } from "./space.ts";
import { READ, takeIfFree, WRITE } from "./wait-queue.ts";
import { waitAsync, waitSync } from "./waiting.ts";

/*
 * The locks of a node. This page says what they promise; each file beside it says how its part is done.
 *
 * MODES. Many strands may read, or one may write. A strand is one logical line of work (LockManager.task), on the event loop or in
 * a worker: locks belong to strands, not to threads. All locks of a program live in one shared buffer (LockSpace), and work the
 * same between two tasks of one loop and between threads.
 *
 * ORDER. Each lock has a level; locks are taken upwards only. The types say so (context.ts: `Holds`, `MayTake`), and the strand's
 * own list says so again at run time, before anything is attempted, with the sites of both acquisitions in the LockOrderError.
 * Locks of one level are not ordered by it: the order in which two of them are first taken is remembered, and its inversion is
 * refused (same-level.ts); LockManager.acquireAll takes them by name. Reading once more what the strand holds already is counted,
 * and never waits.
 *
 * FAIRNESS. Phases are fair. A writer that waits keeps new readers out; a writer that leaves admits all readers that wait; the last
 * reader that leaves admits the first writer. So a reader waits for at most one phase of reading and one of writing, and writers
 * come in turn. With writerPriority readers come in only when no writer waits, and may starve.
 *
 * DEADLOCK. Before a strand waits, the wait-for graph is searched for a way back to it (wait-graph.ts), over all threads. If there is
 * one, the request is refused with a DeadlockError that names the whole cycle, and nobody else is disturbed. The graph knows locks,
 * queues, branches (fork) and threads that a strand blocks. It does not know promises, queues or answers that a strand waits for
 * under a lock: do not wait for those there.
 *
 * CANCELLATION. A wait ends by grant, time limit or AbortSignal, whichever is first under the graph mutex; it leaves nothing
 * behind, and whoever waited behind it alone comes in.
 *
 * DEATH. A worker may be terminated between any two instructions. What it held comes back at its exit (LockSpace.watch, reap.ts). A
 * lock in which a writer died is poisoned: readers get a LockPoisonedError, the next writer repairs what it guards (`repair` of
 * getLock, or Guard.poisoned and clearPoison).
 *
 * USE. Callbacks first; the context inside shadows the one outside, so that the wrong one cannot be used:
 *
 *   await locks.task("rpc sendrawtransaction", (at) =>
 *     chainLock.withRead(at, (at) => mempoolLock.withWrite(at, (at) => mempool.add(at, tx), { site: "add" })));
 *
 * A guard where a callback does not fit: `using guard = await mempoolLock.acquire(at, "write")`. One wait at a time for a context:
 * parallel branches take `at.fork()`. No long computation under a lock, and no input or output, but for a lock that is made to span
 * it (`spansInputOutput`, LockManager.getLock): debug mode warns where code that reads or writes says so (noteInputOutput).
 *
 * WHY IT IS RIGHT. A lock is one state word: a writer's owner, or a count of readers, and the bit QUEUED. While QUEUED is clear,
 * taking and giving back are one compare-exchange on it (fast-path.ts), so exclusion is that of the exchange. QUEUED is set only
 * under the graph mutex, by an exchange on the very value in which the lock was taken: a holder that leaves later sees it, and one
 * that left before made the exchange fail. So nobody sleeps on a free lock. From then on new holders come in only by `grant`, under
 * the mutex. What a strand waits for is one word too, written last when it queues and first when it is granted: the edge of the
 * graph and the thing it sleeps on are the same, so there is no moment in which one says yes and the other no. All else (queues,
 * lists of holds) can be rebuilt from those words, which is what happens when a thread dies with the mutex. The claims are
 * checked by machine: test/locks/explorer drives these very files through every interleaving of their scenarios, with deaths at
 * every write, and test/locks/mutations.ts holds the faults that it is known to find.
 */

const NO_OPTIONS: AcquireOptions = {};

const NOT_TAKEN = -1;

/** What runs inside a lock; its context is typed where it is handed in. */
type Inner<R> = (at: LockContext) => R | Promise<R>;

/** Contexts from which a lock of level N may be taken. */
type From<N extends LevelName, H> = LockContext<Below[LevelOf<N>], H>;

export class RwLock<N extends LevelName = LevelName> extends LockCore {
  readonly level: N;
  readonly repair: Repair | undefined;
  #site = "";
  #record: number;
  readonly #plain: number;

  /** Made by LockManager.getLock. */
  constructor(space: LockSpace, index: number, name: string, level: N, policy: LockPolicy, repair: Repair | undefined) {
    super(space, index, name, LOCK_ORDER[level], policy);
    this.level = level;
    this.repair = repair;
    this.#plain = space.records.recordOf(index, "");
    this.#record = this.#plain;
  }

  /** Runs `fn` while the lock is held for reading. Rejects with DeadlockError, LockOrderError, LockTimeoutError, LockPoisonedError, or the signal's reason. */
  withRead<H, R>(
    at: From<N, H>,
    fn: (at: Inside<N, "read", H>) => R | Promise<R>,
    options: AcquireOptions = NO_OPTIONS,
  ): Promise<R> {
    return this.#with(at.owner, "read", fn as Inner<R>, options);
  }

  /** Runs `fn` while the lock is held for writing; first the lock's `repair`, if the last writer died inside. Rejects as withRead. */
  withWrite<H, R>(
    at: From<N, H>,
    fn: (at: Inside<N, "write", H>) => R | Promise<R>,
    options: AcquireOptions = NO_OPTIONS,
  ): Promise<R> {
    return this.#with(at.owner, "write", fn as Inner<R>, options);
  }

  /** The same as a guard, for a hold that does not fit a function. Rejects as withRead. */
  acquire<H, M extends Mode>(at: From<N, H>, mode: M, options: AcquireOptions = NO_OPTIONS): Promise<Guard<N, M, H>> {
    const { owner } = at;
    try {
      const record = this.#recordOf(options.site);
      const place = this.#tryTake(owner, mode, record);
      if (place !== NOT_TAKEN) return Promise.resolve(guardOf(this, owner, place));
      return this.#acquireLate(owner, mode, record, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes the lock if it is free; undefined if not. @throws LockOrderError. */
  tryAcquire<H, M extends Mode>(at: From<N, H>, mode: M, options: AcquireOptions = NO_OPTIONS): Guard<N, M, H> | undefined {
    const { owner } = at;
    const record = this.#recordOf(options.site);
    const place = this.#tryTake(owner, mode, record);
    if (place !== NOT_TAKEN) return guardOf(this, owner, place);
    const late = this.#tryUnderMutex(owner, mode, record);
    return late === NOT_TAKEN ? undefined : this.#checked(owner, late, mode, options);
  }

  /** Blocks the thread. For workers: the main thread's event loop must not stand still. @throws as withRead. */
  acquireSync<H, M extends Mode>(at: From<N, H>, mode: M, options: AcquireOptions = NO_OPTIONS): Guard<N, M, H> {
    const { owner } = at;
    const record = this.#recordOf(options.site);
    const place = this.#tryTake(owner, mode, record);
    if (place !== NOT_TAKEN) return guardOf(this, owner, place);
    if (isMainThread)
      throw new ChainCoreError("lock-sync-on-main", `The main thread cannot wait for lock "${this.name}" synchronously`);
    return this.#checked(owner, waitSync(this, owner, mode, record, options), mode, options);
  }

  /** Fast path: the place in the owner's list, NESTED, or NOT_TAKEN. Nothing is shared between threads but the lock itself. */
  #tryTake(owner: Owner, mode: Mode, record: number): number {
    if (this.order <= owner.top && checkOrder(this, owner, mode, record)) return NESTED;
    // A strand with branches is searched from other threads while it runs: it publishes under the mutex only.
    if ((owner.links & FORKED) !== 0) return NOT_TAKEN;
    const place = owner.freePlace();
    if (!this.takeFast(owner, place, mode)) return NOT_TAKEN;
    owner.links |= 1 << place;
    this.noteTaken(owner, place, mode, record);
    return place;
  }

  /** For tryAcquire: where the fast path is barred though the lock may be free. Gives up if the mutex is taken. */
  #tryUnderMutex(owner: Owner, mode: Mode, record: number): number {
    if ((owner.links & FORKED) === 0 && !this.isPoisoned) return NOT_TAKEN;
    const place = owner.freePlace();
    let taken = false;
    this.space.tryGraph(() => {
      taken = takeIfFree(this.layout, this.index, owner.index, mode === "read" ? READ : WRITE, place);
      if (!taken) return;
      owner.links |= 1 << place;
      owner.publish();
    });
    if (!taken) return NOT_TAKEN;
    this.noteTaken(owner, place, mode, record);
    return place;
  }

  /** Not an async function: a lock that is free, around a function that is not async, costs one promise. */
  #with<R>(owner: Owner, mode: Mode, fn: Inner<R>, options: AcquireOptions): Promise<R> {
    let place: number;
    try {
      const record = this.#recordOf(options.site);
      place = this.#tryTake(owner, mode, record);
      if (place === NOT_TAKEN) return this.#withLate(owner, mode, record, fn, options);
    } catch (error) {
      return Promise.reject(error);
    }
    let result: R | Promise<R>;
    try {
      result = fn(contextOf(owner));
    } catch (error) {
      this.giveBack(owner, place);
      return Promise.reject(error);
    }
    if (isThenable(result)) return this.#finish(owner, place, result);
    this.giveBack(owner, place);
    return Promise.resolve(result);
  }

  async #finish<R>(owner: Owner, place: number, result: PromiseLike<R>): Promise<R> {
    try {
      return await result;
    } finally {
      this.giveBack(owner, place);
    }
  }

  async #withLate<R>(owner: Owner, mode: Mode, record: number, fn: Inner<R>, options: AcquireOptions): Promise<R> {
    const place = await waitAsync(this, owner, mode, record, options);
    try {
      if (mode === "write" && this.isPoisoned) await this.#repair(owner, options);
      return await fn(contextOf(owner));
    } finally {
      this.giveBack(owner, place);
    }
  }

  async #acquireLate<M extends Mode, H>(owner: Owner, mode: M, record: number, options: AcquireOptions): Promise<Guard<N, M, H>> {
    return this.#checked(owner, await waitAsync(this, owner, mode, record, options), mode, options);
  }

  /** The slow path may have taken a lock in which a writer died. */
  #checked<M extends Mode, H>(owner: Owner, place: number, mode: M, options: AcquireOptions): Guard<N, M, H> {
    const poisoned = mode === "write" && this.isPoisoned;
    if (poisoned && options.poisoned !== "accept") {
      this.giveBack(owner, place);
      throw new LockPoisonedError(this.name);
    }
    return guardOf(this, owner, place);
  }

  async #repair(owner: Owner, options: AcquireOptions): Promise<void> {
    const { repair } = this;
    if (options.poisoned === "accept") return;
    if (repair === undefined) throw new LockPoisonedError(this.name);
    await repair(contextOf(owner));
    this.clearPoison();
  }

  #recordOf(site: string | undefined): number {
    if (site === undefined) return this.#plain;
    if (site === this.#site) return this.#record;
    this.#record = this.space.records.recordOf(this.index, site);
    this.#site = site;
    return this.#record;
  }
}

function guardOf<N extends LevelName, M extends Mode, H>(lock: LockCore, owner: Owner, place: number): Guard<N, M, H> {
  return new HeldGuard(lock, owner, place) as unknown as Guard<N, M, H>;
}

/** Anything that `await` would wait for, whoever made it. */
function isThenable<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
