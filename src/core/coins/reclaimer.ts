import { EPOCH, FLOOR, HORIZON, VERSION } from "./layout.ts";
import type { LeaseKeeper } from "./leases.ts";
import type { RecordStore } from "./record-store.ts";

/** What one commit did, as record offsets. Kept while a snapshot from before it may be read (or compared with). */
export interface CommitLog {
  readonly version: number;
  readonly created: readonly number[];
  readonly spent: readonly number[];
}

interface Retired {
  readonly epoch: number;
  readonly records: readonly number[];
}

/**
 * Frees what no snapshot can see. Two steps, because a reader may stand on a record that its version does not see:
 * versions that ended at or before every lease's are unlinked; their places are used again when every lease has left that
 * was there at the unlinking (its round, EPOCH). Never waits for a reader, and does a bounded part at a time.
 */
export class Reclaimer {
  readonly #control: Int32Array;
  readonly #store: RecordStore;
  readonly #leases: LeaseKeeper;
  /** Oldest first; `#next` is where the first one's `spent` goes on. */
  #log: CommitLog[] = [];
  #next = 0;
  /** Oldest first. */
  #retired: Retired[] = [];
  #reclaimed = 0;

  constructor(store: RecordStore, leases: LeaseKeeper) {
    this.#control = store.view.memory.control;
    this.#store = store;
    this.#leases = leases;
  }

  /** Records freed for use again so far. */
  get reclaimedCount(): number {
    return this.#reclaimed;
  }

  /** Versions that ended at or before it may be gone. */
  get horizon(): number {
    return this.#control[HORIZON]!;
  }

  /** Coins born at or before it are named by no log. */
  get settled(): number {
    return (this.#log[0]?.version ?? this.#control[VERSION]! + 1) - 1;
  }

  add(log: CommitLog): void {
    this.#log.push(log);
  }

  /** Commits after `from` up to `to`, oldest first. All are there while a lease of `from` is held. */
  commits(from: number, to: number): readonly CommitLog[] {
    return this.#log.filter((log) => log.version > from && log.version <= to);
  }

  /** Unlinks and frees up to about `budget` records. Returns whether there is more that could be freed now. */
  run(budget: number): boolean {
    const horizon = this.#settleHorizon();
    const records = this.#unlinkEnded(horizon, budget);
    if (records.length > 0) this.retire(records);
    this.#releaseRetired();
    return this.#log.length > 0 && this.#log[0]!.version <= horizon;
  }

  /** Takes over records that have just been unlinked. */
  retire(records: readonly number[]): void {
    const epoch = Atomics.add(this.#control, EPOCH, 1) + 1;
    this.#retired.push({ epoch, records });
  }

  /** The order is the protocol of leases.ts: floor first, then the scan, then only what both allow. */
  #settleHorizon(): number {
    const newest = this.#control[VERSION]!;
    Atomics.store(this.#control, FLOOR, newest);
    const horizon = Math.min(newest, this.#leases.scan().oldestVersion);
    Atomics.store(this.#control, FLOOR, horizon);
    Atomics.store(this.#control, HORIZON, horizon);
    return horizon;
  }

  #unlinkEnded(horizon: number, budget: number): number[] {
    const records: number[] = [];
    let done = 0;
    for (; done < this.#log.length && this.#log[done]!.version <= horizon; done++) {
      const spent = this.#log[done]!.spent;
      const end = Math.min(spent.length, this.#next + budget - records.length);
      for (; this.#next < end; this.#next++) {
        this.#store.unlink(spent[this.#next]!);
        records.push(spent[this.#next]!);
      }
      if (this.#next < spent.length) break;
      this.#next = 0;
    }
    if (done > 0) this.#log = this.#log.slice(done);
    return records;
  }

  #releaseRetired(): void {
    if (this.#retired.length === 0) return;
    const { oldestEpoch } = this.#leases.scan();
    let done = 0;
    for (; done < this.#retired.length && this.#retired[done]!.epoch <= oldestEpoch; done++) {
      for (const record of this.#retired[done]!.records) this.#store.release(record);
      this.#reclaimed += this.#retired[done]!.records.length;
    }
    if (done > 0) this.#retired = this.#retired.slice(done);
  }
}
