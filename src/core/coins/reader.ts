import { ChainCoreError } from "../errors.ts";
import { CoinView } from "./coin-view.ts";
import { MAGIC, MAGIC_VALUE, VERSION } from "./layout.ts";
import { Lease } from "./leases.ts";
import { type SharedMemory, SharedWords } from "./shared-words.ts";
import { CoinSnapshot } from "./snapshot.ts";

/**
 * What a worker needs to read the table; passes through `workerData` and `postMessage` as it is, any number of times,
 * and stays right while the table grows.
 */
export interface CoinTableHandle {
  readonly control: SharedArrayBuffer;
  readonly records: SharedMemory;
  readonly buckets: SharedMemory;
}

/** The table as any thread reads it. The writer's thread should use CoinTable itself, whose snapshots share leases. */
export class CoinReader {
  readonly #view: CoinView;

  private constructor(view: CoinView) {
    this.#view = view;
  }

  /** @throws ChainCoreError coins-format when the handle is another program's */
  static attach(handle: CoinTableHandle): CoinReader {
    const control = new Int32Array(handle.control);
    if (control[MAGIC] !== MAGIC_VALUE) {
      throw new ChainCoreError("coins-format", "This is no coin table, or one of another release of ChainCore.");
    }
    const records = new SharedWords(handle.records);
    return new CoinReader(new CoinView({ control, records, buckets: new SharedWords(handle.buckets) }));
  }

  /** The last published commit. */
  get version(): number {
    return Atomics.load(this.#view.memory.control, VERSION);
  }

  /** The newest version, under a lease of its own. O(1), no lock. @throws ChainCoreError too-many-snapshots, coins-closed */
  snapshot(): CoinSnapshot {
    return this.#open(Lease.take(this.#view.memory.control));
  }

  /**
   * The version that another thread names, which holds a snapshot of it at least until this returns.
   * @throws SnapshotRevokedError when it is gone; ChainCoreError as `snapshot`
   */
  snapshotAt(version: number): CoinSnapshot {
    return this.#open(Lease.takeAt(this.#view.memory.control, version));
  }

  #open(lease: Lease): CoinSnapshot {
    return new CoinSnapshot(this.#view, lease, () => lease.release());
  }
}
