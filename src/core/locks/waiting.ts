import { AssertionError, assert } from "../errors.ts";
import { cycleSteps, holdsOf, ownerName } from "./describe.ts";
import { type CycleStep, DeadlockError, LockPoisonedError, LockTimeoutError } from "./errors.ts";
import { BY_POISON, HEADER, OWNER, RECORD, REFUSED, THREAD, threadAt } from "./layout.ts";
import type { Mode } from "./levels.ts";
import type { AcquireOptions, LockCore } from "./lock-core.ts";
import type { Owner } from "./owner.ts";
import type { Waiter } from "./parking.ts";
import { ACQUIRED, CYCLE, cancel, enqueue, READ, TORN, WAITING, WRITE } from "./wait-queue.ts";

/*
 * A wait, from the failed fast path to the grant or the refusal. On an event loop three callers drive it, in any order: the
 * grant (settle), the time limit (expire) and the signal; whoever comes first under the graph mutex decides.
 */

/** Reads of the own WAIT word before a worker sleeps: a hand-over between running threads takes about this long. */
const SPINS = 200;

/** The part that both kinds share: what is asked for, and what is written down about it. */
class Request {
  readonly lock: LockCore;
  readonly owner: Owner;
  readonly mode: Mode;
  readonly record: number;
  readonly place: number;
  readonly timeoutMs: number;
  readonly since = performance.now();
  cycle: CycleStep[] = [];

  constructor(lock: LockCore, owner: Owner, mode: Mode, record: number, options: AcquireOptions) {
    options.signal?.throwIfAborted();
    this.lock = lock;
    this.owner = owner;
    this.mode = mode;
    this.record = record;
    this.timeoutMs = options.timeoutMs ?? lock.policy.defaultTimeoutMs;
    assert(!owner.isWaiting, `"${owner.label}" waits already: a context has one wait at a time, parallel branches fork`);
    this.place = owner.freePlace();
    owner.beginWait(this.place);
    lock.space.layout.words[owner.at + OWNER.SITE + this.place] = record;
  }

  get wait(): number {
    return Atomics.load(this.lock.space.layout.words, this.owner.at + OWNER.WAIT);
  }

  /** Graph mutex. */
  enqueue(blockedThread: number): number {
    const { lock, owner, place, record } = this;
    const { space } = lock;
    const mode = this.mode === "read" ? READ : WRITE;
    const search = lock.policy.detect ? space.search : undefined;
    const outcome = enqueue(space.layout, search, lock.index, owner.index, mode, place, blockedThread, space.woken);
    if (outcome === CYCLE) {
      Atomics.add(space.layout.words, HEADER.PREVENTED, 1);
      space.records.count(record, RECORD.DEADLOCKS);
      this.cycle = cycleSteps(space, { lock: lock.index, mode: this.mode, record });
    }
    if (outcome !== ACQUIRED) space.records.count(record, RECORD.CONTENTIONS);
    return outcome;
  }

  /** Graph mutex. False: the wait had ended by itself. */
  cancel(): boolean {
    const { space, index } = this.lock;
    return cancel(space.layout, index, this.owner.index, space.woken);
  }

  /** Takes the outcome of an ended wait: the place, or the error to throw. */
  outcome(): number | Error {
    const { wait, owner, lock } = this;
    Atomics.store(lock.space.layout.words, owner.at + OWNER.WAIT, 0);
    lock.space.records.countWait(this.record, performance.now() - this.since);
    if (wait === -(lock.index + 1)) return this.taken();
    if (wait === REFUSED + BY_POISON) return this.failed(new LockPoisonedError(lock.name));
    lock.space.records.count(this.record, RECORD.DEADLOCKS);
    const { records } = lock.space;
    const step = {
      owner: ownerName(lock.space, owner.index),
      waitsFor: lock.name,
      mode: this.mode,
      site: records.siteOf(this.record),
    };
    return this.failed(new DeadlockError([step])); // Whoever broke the cycle has told of it.
  }

  taken(): number | Error {
    const { lock, owner, place } = this;
    owner.endWait(true);
    lock.noteTaken(owner, place, this.mode, this.record);
    if (!owner.abandoned) return place;
    lock.giveBack(owner, place);
    owner.closeAbandoned();
    return new AssertionError(`lock "${lock.name}" was granted to "${owner.label}" after its task had ended`);
  }

  failed<E>(error: E): E {
    this.owner.endWait(false);
    if (this.owner.abandoned) this.owner.closeAbandoned();
    return error;
  }

  deadlocked(cycle: readonly CycleStep[]): DeadlockError {
    const error = new DeadlockError(cycle);
    this.lock.policy.noteDeadlock(error.message);
    return this.failed(error);
  }

  timedOut(): Error {
    const { space } = this.lock;
    space.records.count(this.record, RECORD.TIMEOUTS);
    space.records.countWait(this.record, performance.now() - this.since);
    const holders: string[] = [];
    const high = Atomics.load(space.layout.words, HEADER.OWNERS_HIGH);
    for (let owner = 0; owner < high && holders.length < 8; owner++) {
      const hold = holdsOf(space, owner).find((held) => held.lock === this.lock.index);
      if (hold !== undefined) holders.push(`${ownerName(space, owner)} (${hold.mode}, at ${space.records.siteOf(hold.record)})`);
    }
    return this.failed(
      new LockTimeoutError(this.lock.name, this.mode, space.records.siteOf(this.record), this.timeoutMs, holders),
    );
  }
}

/** Waits on the event loop. Resolves with the place in the owner's list. */
export function waitAsync(lock: LockCore, owner: Owner, mode: Mode, record: number, options: AcquireOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new Request(lock, owner, mode, record, options);
    const wait = new AsyncWait(request, options.signal, resolve, reject);
    lock.space.withGraph(() => wait.enter());
  });
}

class AsyncWait implements Waiter {
  readonly strand: number;
  readonly deadline: number;
  readonly #request: Request;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (place: number) => void;
  readonly #reject: (reason: unknown) => void;

  constructor(
    request: Request,
    signal: AbortSignal | undefined,
    resolve: (place: number) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.strand = request.owner.index;
    this.deadline = request.since + request.timeoutMs;
  }

  /** Graph mutex. An abort before this turn has not been heard: ask. */
  enter(): void {
    const request = this.#request;
    if (this.#signal?.aborted) {
      this.#reject(request.failed(this.#signal.reason));
      return;
    }
    const outcome = request.enqueue(-1);
    if (outcome === ACQUIRED) this.#deliver(request.taken());
    else if (outcome === CYCLE) this.#reject(request.deadlocked(request.cycle));
    else if (outcome === TORN) this.#reject(request.failed(new LockPoisonedError(request.lock.name)));
    else {
      this.#signal?.addEventListener("abort", this.#onAbort);
      request.lock.space.parking.add(this);
    }
  }

  settle(): void {
    this.#leave();
    this.#deliver(this.#request.outcome());
  }

  #deliver(outcome: number | Error): void {
    if (typeof outcome === "number") this.#resolve(outcome);
    else this.#reject(outcome);
  }

  expire(): void {
    this.#stop(() => this.#request.timedOut());
  }

  readonly #onAbort = (): void => {
    this.#stop(() => {
      this.#request.lock.space.records.count(this.#request.record, RECORD.ABORTS);
      return this.#request.failed(this.#signal?.reason);
    });
  };

  #stop(reason: () => unknown): void {
    const { space } = this.#request.lock;
    space.withGraph(() => {
      if (!space.parking.has(this)) return;
      if (!this.#request.cancel()) return this.settle();
      this.#leave();
      this.#reject(reason());
    });
  }

  #leave(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#request.lock.space.parking.remove(this.strand);
  }
}

/** Blocks the thread. Returns the place in the owner's list. */
export function waitSync(lock: LockCore, owner: Owner, mode: Mode, record: number, options: AcquireOptions): number {
  const request = new Request(lock, owner, mode, record, options);
  const { space } = lock;
  if (space.strands > 1) space.publishOwners();
  owner.setBlocking(space.strands > 1);
  try {
    let entered = WAITING;
    space.withGraph(() => {
      entered = request.enqueue(space.thread);
    });
    if (entered === CYCLE) throw request.deadlocked(request.cycle);
    if (entered === TORN) throw request.failed(new LockPoisonedError(lock.name));
    if (entered === WAITING && !sleep(request)) throw request.timedOut();
    const outcome = entered === ACQUIRED ? request.taken() : request.outcome();
    if (typeof outcome === "number") return outcome;
    throw outcome;
  } finally {
    Atomics.store(space.layout.words, threadAt(space.layout, space.thread) + THREAD.BLOCKED, 0);
    owner.setBlocking(false);
  }
}

/** Sleeps until the wait has ended; false if the time was up first. A signal cannot fire while its thread sleeps. */
function sleep(request: Request): boolean {
  const { space, index } = request.lock;
  const { words } = space.layout;
  const at = request.owner.at + OWNER.WAIT;
  for (let spin = 0; spin < SPINS; spin++) {
    if (request.wait < 0) return true;
  }
  while (request.wait === index + 1) {
    const left = request.since + request.timeoutMs - performance.now();
    if (left > 0) {
      Atomics.wait(words, at, index + 1, left);
      continue;
    }
    let cancelled = false;
    space.withGraph(() => {
      cancelled = request.cancel();
    });
    return !cancelled;
  }
  return true;
}
