import { isMainThread, threadId, type Worker } from "node:worker_threads";
import { LockCapacityError } from "./errors.ts";
import { enterGraph, leaveGraph, tryEnterGraph } from "./graph-mutex.ts";
import {
  type Capacity,
  HEADER,
  LAYOUT_VERSION,
  type Layout,
  layoutOf,
  MAGIC,
  OWNER,
  ownerAt,
  THREAD,
  threadAt,
  wordsFor,
} from "./layout.ts";
import { add, compareExchange, load, notify, put, store, type Words } from "./memory.ts";
import { Names } from "./names.ts";
import { Owner } from "./owner.ts";
import { Parking } from "./parking.ts";
import { markDead, reap } from "./reap.ts";
import { Records } from "./records.ts";
import { newSearch, type Search } from "./wait-graph.ts";

export interface SpaceOptions {
  /** Locks, 1,024 unless told. */
  readonly locks?: number;
  /** Strands at a time on all threads together, 4,096 unless told. */
  readonly owners?: number;
  /** Threads attached at a time, 64 unless told. */
  readonly threads?: number;
  /** Pairs of lock and site with statistics of their own, and names: 2 x locks + 512 unless told. */
  readonly records?: number;
  readonly names?: number;
}

/** What a worker needs to attach: pass it as workerData or by postMessage. */
export interface SpaceHandle {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: Capacity;
}

/** The event loop of the main thread asks this long for the graph mutex, then comes back in its next turn. */
const SPIN_MS = 0.2;
const SPINS_OF_A_WORKER = 100;
/** Owners kept by a thread for its next strands. */
const SPARE_OWNERS_MAX = 64;

const clockMs = (): number => Number(process.hrtime.bigint() / 1_000_000n) | 0;

/** One buffer full of locks, seen from one thread. */
export class LockSpace {
  readonly layout: Layout;
  readonly capacity: Capacity;
  /** This thread's index among those attached. */
  readonly thread: number;
  readonly names: Names;
  readonly records: Records;
  readonly parking: Parking;
  readonly search: Search;
  /** Orders of two locks of one level that this thread has looked up: see same-level.ts. */
  readonly orders = new Set<number>();
  /** Wakes that the operation under the graph mutex has earned somebody; delivered after it. */
  readonly woken: number[] = [];
  /** Where this thread's acquisition counters stand. */
  readonly shard: number;
  /** Open strands of this thread: a strand that blocks the thread blocks them. */
  strands = 0;
  readonly #words: Words;
  readonly #buffer: SharedArrayBuffer;
  readonly #deferred: (() => void)[] = [];
  readonly #spare: Owner[] = [];
  readonly #owners: (Owner | undefined)[] = [];

  /** Makes the buffer; the calling thread attaches at once. */
  static create(options: SpaceOptions = {}): LockSpace {
    const locks = options.locks ?? 1_024;
    const capacity: Capacity = {
      locks,
      owners: options.owners ?? 4_096,
      threads: options.threads ?? 64,
      records: options.records ?? 2 * locks + 512,
      names: options.names ?? 2 * locks + 512,
    };
    const buffer = new SharedArrayBuffer(wordsFor(capacity) * 4);
    const words = new Int32Array(buffer);
    words[HEADER.MAGIC] = MAGIC;
    words[HEADER.VERSION] = LAYOUT_VERSION;
    return new LockSpace({ buffer, capacity });
  }

  /** @throws LockCapacityError when as many threads as the space was made for are attached. */
  static attach(handle: SpaceHandle): LockSpace {
    return new LockSpace(handle);
  }

  private constructor({ buffer, capacity }: SpaceHandle) {
    this.#buffer = buffer;
    this.capacity = capacity;
    this.#words = new Int32Array(buffer);
    this.layout = layoutOf(this.#words, capacity);
    if (this.#words[HEADER.MAGIC] !== MAGIC || this.#words[HEADER.VERSION] !== LAYOUT_VERSION)
      throw new TypeError("not a lock space of this version");
    this.thread = this.#claimThread();
    this.names = new Names(this.layout);
    this.records = new Records(this.layout, this.names, this.thread);
    this.shard = this.records.shard;
    this.parking = new Parking(this.layout, this.thread);
    this.search = newSearch(capacity.owners, capacity.locks);
  }

  handle(): SpaceHandle {
    return { buffer: this.#buffer, capacity: this.capacity };
  }

  #claimThread(): number {
    for (let thread = 0; thread < this.capacity.threads; thread++) {
      const id = threadAt(this.layout, thread) + THREAD.ID;
      if (load(this.#words, id) === 0 && compareExchange(this.#words, id, 0, threadId + 1) === 0) return thread;
    }
    throw new LockCapacityError("threads", this.capacity.threads);
  }

  /** A new strand on this thread. @throws LockCapacityError when all owners are in use. */
  openOwner(label: string): Owner {
    const before = this.#spare.pop();
    const owner = before === undefined ? this.#claimOwner() : new Owner(this, before.index, before.at, before);
    this.#owners[owner.index] = owner;
    put(this.#words, owner.at + OWNER.GENERATION, (this.#words[owner.at + OWNER.GENERATION]! + 1) | 0);
    put(this.#words, owner.at + OWNER.LABEL, this.names.idOf(label));
    owner.open(label);
    this.strands++;
    return owner;
  }

  closeOwner(owner: Owner): void {
    owner.reset();
    this.strands--;
    // In the order of the deferred releases: until then the owner may still be the writer of a lock.
    if (this.#deferred.length > 0) this.#defer(() => this.#release(owner));
    else this.#release(owner);
  }

  #release(owner: Owner): void {
    // From here on the index may be another thread's: this one publishes nothing under it any more.
    this.#owners[owner.index] = undefined;
    if (this.#spare.length < SPARE_OWNERS_MAX) this.#spare.push(owner);
    else store(this.#words, owner.at + OWNER.THREAD, 0);
  }

  #claimOwner(): Owner {
    for (let index = 0; index < this.capacity.owners; index++) {
      const at = ownerAt(this.layout, index);
      if (load(this.#words, at + OWNER.THREAD) !== 0) continue;
      // Before the claim: whoever buries this thread must not overlook the owner.
      for (let high = load(this.#words, HEADER.OWNERS_HIGH); high <= index; high = load(this.#words, HEADER.OWNERS_HIGH)) {
        compareExchange(this.#words, HEADER.OWNERS_HIGH, high, index + 1);
      }
      if (compareExchange(this.#words, at + OWNER.THREAD, 0, this.thread + 1) !== 0) continue;
      return new Owner(this, index, at);
    }
    throw new LockCapacityError("owners", this.capacity.owners);
  }

  /** Before a strand blocks the thread: what the others hold is searched while they cannot run. */
  publishOwners(): void {
    for (const owner of this.#owners) owner?.publish();
  }

  /**
   * Runs `step` under the graph mutex: now, or on the main thread, where its holder may be one that only the main loop can bury, in
   * a later turn if it stays taken. Steps keep their order.
   */
  withGraph(step: () => void): void {
    if (this.#deferred.length === 0 && this.#enter()) this.#run(step);
    else this.#defer(step);
  }

  /** The same, but gives up instead of coming back. */
  tryGraph(step: () => void): boolean {
    if (this.#deferred.length > 0 || !this.#enter()) return false;
    this.#run(step);
    return true;
  }

  #run(step: () => void): void {
    try {
      step();
    } finally {
      leaveGraph(this.#words);
    }
    this.#deliver();
  }

  #enter(): boolean {
    if (tryEnterGraph(this.#words, this.thread)) return true;
    if (!isMainThread) {
      enterGraph(this.#words, this.thread, SPINS_OF_A_WORKER);
      return true;
    }
    const end = performance.now() + SPIN_MS;
    while (performance.now() < end) {
      if (tryEnterGraph(this.#words, this.thread)) return true;
    }
    return false;
  }

  #defer(step: () => void): void {
    if (this.#deferred.push(step) === 1) setImmediate(this.#runDeferred);
  }

  readonly #runDeferred = (): void => {
    while (this.#deferred.length > 0) {
      if (!this.#enter()) {
        setImmediate(this.#runDeferred);
        return;
      }
      const step = this.#deferred[0]!;
      this.#run(step);
      this.#deferred.shift();
    }
  };

  /** Operations that wait for the graph mutex. */
  get deferred(): number {
    return this.#deferred.length;
  }

  #deliver(): void {
    const { woken } = this;
    for (let i = 0; i < woken.length; i++) this.#wake(woken[i]!);
    woken.length = 0;
  }

  #wake(owner: number): void {
    const at = ownerAt(this.layout, owner);
    const thread = load(this.#words, at + OWNER.THREAD) - 1;
    if (thread < 0) return;
    const other = threadAt(this.layout, thread);
    if (load(this.#words, other + THREAD.BLOCKED) === owner + 1) notify(this.#words, at + OWNER.WAIT, 1);
    else if (thread === this.thread) this.parking.wake(owner);
    else {
      add(this.#words, other + THREAD.DOORBELL, 1);
      notify(this.#words, other + THREAD.DOORBELL, 1);
    }
  }

  /** Gives back what this worker's thread held when it ends, however it ends. Call right after `new Worker`. */
  watch(worker: Worker): void {
    const id = worker.threadId;
    worker.once("exit", () => this.buryThreads([id]));
  }

  /** Buries threads that run no more, by Node's thread ids. `done` is called when all they held is free. */
  buryThreads(threadIds: readonly number[], done: () => void = () => {}): void {
    const dead = [...Array(this.capacity.threads).keys()].filter((thread) =>
      threadIds.includes(Math.abs(load(this.#words, threadAt(this.layout, thread) + THREAD.ID)) - 1),
    );
    if (dead.length === 0) {
      done();
      return;
    }
    // All are marked before any is buried, and each is asked for the mutex: one of them may have it.
    const ours = dead.map((thread) => markDead(this.layout, thread, this.thread)).includes(true);
    const bury = () => {
      if (reap(this.layout, this.woken)) done();
      else setImmediate(() => this.withGraph(bury));
    };
    if (ours) this.#run(bury);
    else this.withGraph(bury);
  }

  /** Sets the clock that "held since" is read from. Called a few times a second by the one who shows it. */
  tick(): number {
    const now = clockMs();
    put(this.#words, HEADER.CLOCK, now);
    return now;
  }
}
