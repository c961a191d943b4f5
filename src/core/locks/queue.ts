import { deserialize, serialize } from "node:v8";
import { ChainCoreError } from "../errors.ts";
import { IndexRing } from "./index-ring.ts";

export interface TransactionQueueOptions {
  /** How many items wait at most; rounded up to a power of two. Default 1,024. */
  readonly capacity?: number;
  /** Bytes of the largest item. Default 4,096; the buffer takes capacity times this. */
  readonly itemBytesMax?: number;
}

export interface TransactionQueueHandle {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly itemBytesMax: number;
}

const CAPACITY_MAX = 2 ** 20;
/** Two event counters and two counts of sleepers, each on a cache line of its own. */
const [NOT_EMPTY, NOT_FULL, GETTERS, PUTTERS, CONTROL_WORDS] = [0, 16, 32, 48, 64];

/**
 * A bounded first-in first-out queue between threads, in shared memory, with no lock: a ring of free slots and a ring of
 * filled ones (IndexRing). A thread suspended in the middle of put or get keeps one slot from the others and nothing else.
 * Order is kept for each producer. `put` and `get` wait up to a limit; a put on a full queue then answers false.
 *
 * Items are bytes (`putBytes`) or any value that structured clone takes (`put`). Waiting costs nothing while nobody waits.
 */
export class TransactionQueue<T = unknown> {
  readonly capacity: number;
  readonly itemBytesMax: number;
  readonly #control: Int32Array;
  readonly #free: IndexRing;
  readonly #filled: IndexRing;
  readonly #lengths: Int32Array;
  readonly #items: Uint8Array;

  private constructor({ buffer, capacity, itemBytesMax }: TransactionQueueHandle) {
    this.capacity = capacity;
    this.itemBytesMax = itemBytesMax;
    const ringWords = IndexRing.words(capacity);
    this.#control = new Int32Array(buffer, 0, CONTROL_WORDS);
    this.#free = new IndexRing(new Int32Array(buffer, 4 * CONTROL_WORDS, ringWords), capacity);
    this.#filled = new IndexRing(new Int32Array(buffer, 4 * (CONTROL_WORDS + ringWords), ringWords), capacity);
    this.#lengths = new Int32Array(buffer, 4 * (CONTROL_WORDS + 2 * ringWords), capacity);
    this.#items = new Uint8Array(buffer, 4 * (CONTROL_WORDS + 2 * ringWords + capacity), capacity * itemBytesMax);
  }

  /** @throws ChainCoreError "queue-capacity" for sizes that no buffer can have. */
  static create<T = unknown>(options: TransactionQueueOptions = {}): TransactionQueue<T> {
    const wanted = options.capacity ?? 1024;
    const itemBytesMax = Math.ceil((options.itemBytesMax ?? 4096) / 4) * 4;
    if (!(wanted >= 1 && wanted <= CAPACITY_MAX && itemBytesMax >= 4)) {
      throw new ChainCoreError("queue-capacity", `a queue holds 1 to ${CAPACITY_MAX} items of at least 4 bytes, not ${wanted}`);
    }
    const capacity = 2 ** Math.ceil(Math.log2(wanted));
    const words = CONTROL_WORDS + 2 * IndexRing.words(capacity) + capacity;
    const queue = new TransactionQueue<T>({
      buffer: new SharedArrayBuffer(4 * words + capacity * itemBytesMax),
      capacity,
      itemBytesMax,
    });
    queue.#free.initialise();
    queue.#filled.initialise();
    for (let slot = 0; slot < capacity; slot++) queue.#free.enqueue(slot);
    return queue;
  }

  /** The same queue on another thread. */
  static attach<T = unknown>(handle: TransactionQueueHandle): TransactionQueue<T> {
    return new TransactionQueue<T>(handle);
  }

  handle(): TransactionQueueHandle {
    return { buffer: this.#control.buffer as SharedArrayBuffer, capacity: this.capacity, itemBytesMax: this.itemBytesMax };
  }

  /** Adds bytes if there is room now. @throws ChainCoreError "queue-item-size" */
  tryPutBytes(item: Uint8Array): boolean {
    if (item.length > this.itemBytesMax) {
      throw new ChainCoreError(
        "queue-item-size",
        `an item of ${item.length} bytes, this queue takes at most ${this.itemBytesMax}`,
      );
    }
    const slot = this.#free.dequeue();
    if (slot === undefined) return false;
    this.#items.set(item, slot * this.itemBytesMax);
    this.#lengths[slot] = item.length;
    this.#filled.enqueue(slot);
    this.#wake(NOT_EMPTY, GETTERS);
    return true;
  }

  /** Takes the oldest bytes, copied; undefined when there are none now. */
  tryGetBytes(): Uint8Array | undefined {
    const slot = this.#filled.dequeue();
    if (slot === undefined) return undefined;
    const start = slot * this.itemBytesMax;
    const item = this.#items.slice(start, start + this.#lengths[slot]!);
    this.#free.enqueue(slot);
    this.#wake(NOT_FULL, PUTTERS);
    return item;
  }

  /** How many items wait, about: exact while no thread puts or takes. */
  get size(): number {
    return this.#filled.size;
  }

  tryPut(item: T): boolean {
    return this.tryPutBytes(serialize(item));
  }

  tryGet(): T | undefined {
    const bytes = this.tryGetBytes();
    return bytes === undefined ? undefined : (deserialize(bytes) as T);
  }

  /** Adds an item, waiting for room up to `timeoutMs`; false when there was none in time. For event loops. */
  async put(item: T, timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const bytes = serialize(item);
    return (await this.#waitFor(() => this.tryPutBytes(bytes) || undefined, NOT_FULL, PUTTERS, timeoutMs)) ?? false;
  }

  /** Takes the oldest item, waiting up to `timeoutMs`; undefined when none came. For event loops. */
  get(timeoutMs = Number.POSITIVE_INFINITY): Promise<T | undefined> {
    return this.#waitFor(() => this.tryGet(), NOT_EMPTY, GETTERS, timeoutMs);
  }

  /** `put` for workers, which may block. */
  putSync(item: T, timeoutMs = Number.POSITIVE_INFINITY): boolean {
    const bytes = serialize(item);
    return this.#blockFor(() => this.tryPutBytes(bytes) || undefined, NOT_FULL, PUTTERS, timeoutMs) ?? false;
  }

  /** `get` for workers, which may block. */
  getSync(timeoutMs = Number.POSITIVE_INFINITY): T | undefined {
    return this.#blockFor(() => this.tryGet(), NOT_EMPTY, GETTERS, timeoutMs);
  }

  /** A sleeper is counted before it looks once more, and looks before it sleeps: an item or a slot cannot pass it by. */
  #wake(event: number, sleepers: number): void {
    if (Atomics.load(this.#control, sleepers) === 0) return;
    Atomics.add(this.#control, event, 1);
    Atomics.notify(this.#control, event); // All: a terminated thread would swallow the one call.
  }

  async #waitFor<R>(attempt: () => R | undefined, event: number, sleepers: number, timeoutMs: number): Promise<R | undefined> {
    const first = attempt();
    if (first !== undefined || timeoutMs <= 0) return first;
    const deadline = performance.now() + timeoutMs;
    const alive = setInterval(() => undefined, 1000); // waitAsync alone does not keep the process alive.
    Atomics.add(this.#control, sleepers, 1);
    try {
      for (;;) {
        const seen = Atomics.load(this.#control, event);
        const result = attempt();
        const left = deadline - performance.now();
        if (result !== undefined || left <= 0) return result;
        await Atomics.waitAsync(this.#control, event, seen, left).value;
      }
    } finally {
      Atomics.sub(this.#control, sleepers, 1);
      clearInterval(alive);
    }
  }

  #blockFor<R>(attempt: () => R | undefined, event: number, sleepers: number, timeoutMs: number): R | undefined {
    const first = attempt();
    if (first !== undefined || timeoutMs <= 0) return first;
    const deadline = performance.now() + timeoutMs;
    Atomics.add(this.#control, sleepers, 1);
    try {
      for (;;) {
        const seen = Atomics.load(this.#control, event);
        const result = attempt();
        const left = deadline - performance.now();
        if (result !== undefined || left <= 0) return result;
        Atomics.wait(this.#control, event, seen, left);
      }
    } finally {
      Atomics.sub(this.#control, sleepers, 1);
    }
  }
}
