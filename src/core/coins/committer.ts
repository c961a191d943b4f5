import { assert } from "../errors.ts";
import { type OutpointKey, outpointKeyAt } from "../primitives/outpoint.ts";
import { type CoinChange, type CommitConflict, isOutpoint, keyBytes, type PreparedCommit } from "./changes.ts";
import { DIED, NEVER, NONE, VERSION } from "./layout.ts";
import type { CommitLog, Reclaimer } from "./reclaimer.ts";
import type { RecordStore } from "./record-store.ts";

/** Tells the table how a commit ended. */
export interface CommitListener {
  published(log: CommitLog): void;
  /** `records` are those that it had created; they are out of the lists. */
  aborted(records: readonly number[]): void;
}

/**
 * Marks the coins of one commit and makes them visible or takes the marks back. First committer wins: a coin is spent by
 * compare-exchange of `died` from NEVER. Until VERSION is stored, no snapshot reaches the marks.
 */
export class Committer {
  readonly #store: RecordStore;
  readonly #reclaimer: Reclaimer;
  readonly #listener: CommitListener;
  #open: OpenCommit | undefined;

  constructor(store: RecordStore, reclaimer: Reclaimer, listener: CommitListener) {
    this.#store = store;
    this.#reclaimer = reclaimer;
    this.#listener = listener;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** @throws ChainCoreError coins-memory-full; then the marks are undone */
  prepare(change: CoinChange, basedOn: number): PreparedCommit | CommitConflict {
    assert(this.#open === undefined, "a commit is prepared while another one is open");
    const version = this.#store.view.memory.control[VERSION]! + 1;
    assert(version < NEVER, "commit numbers are used up");
    const commit = new OpenCommit(this.#store, version, (published, log) => {
      this.#open = undefined;
      if (published) this.#listener.published(log);
      else this.#listener.aborted(log.created);
    });
    this.#open = commit;
    const conflict = this.#mark(commit, change, basedOn);
    if (conflict === undefined) return commit;
    commit.abort();
    return { conflict };
  }

  #mark(commit: OpenCommit, change: CoinChange, basedOn: number): OutpointKey | undefined {
    try {
      for (const { key } of change.spends) {
        const bytes = keyBytes(key);
        if (!commit.spend(bytes, basedOn)) return outpointKeyAt(bytes, 0);
      }
      for (const { outpoint, coin } of change.creates) {
        if (this.#isStale(outpoint, basedOn, commit.version) || !commit.create(outpoint, coin)) return outpointKeyAt(outpoint, 0);
      }
      return undefined;
    } catch (error) {
      commit.abort();
      throw error;
    }
  }

  /** A coin that came and went since `basedOn` is a conflict too; and so is one of whose past nothing may be left. */
  #isStale(outpoint: Uint8Array, basedOn: number, version: number): boolean {
    if (basedOn === version - 1) return false;
    return basedOn < this.#reclaimer.horizon || this.#store.isTouchedSince(outpoint, basedOn, version);
  }
}

class OpenCommit implements PreparedCommit {
  readonly version: number;
  readonly #store: RecordStore;
  readonly #end: (published: boolean, log: CommitLog) => void;
  readonly #created: number[] = [];
  readonly #spent: number[] = [];
  #isOpen = true;

  constructor(store: RecordStore, version: number, end: (published: boolean, log: CommitLog) => void) {
    this.#store = store;
    this.version = version;
    this.#end = end;
  }

  spend(outpoint: Uint8Array, basedOn: number): boolean {
    assert(isOutpoint(outpoint), "an outpoint has 36 bytes");
    const record = this.#store.findUnspent(outpoint, 0);
    if (record === NONE || this.#store.bornOf(record) > basedOn) return false;
    const words = this.#store.view.memory.records.words;
    if (Atomics.compareExchange(words, record + DIED, NEVER, this.version) !== NEVER) return false;
    this.#spent.push(record);
    return true;
  }

  /** False when there is one; the commit is to be aborted then. */
  create(outpoint: Uint8Array, coin: CoinChange["creates"][number]["coin"]): boolean {
    assert(isOutpoint(outpoint), "an outpoint has 36 bytes");
    const record = this.#store.insert(outpoint, coin, this.version);
    this.#created.push(record);
    return !this.#store.hasTwin(record);
  }

  publish(): number {
    this.#close();
    Atomics.store(this.#store.view.memory.control, VERSION, this.version);
    this.#end(true, this.#log());
    return this.version;
  }

  abort(): void {
    this.#close();
    const words = this.#store.view.memory.records.words;
    for (const record of this.#spent) Atomics.store(words, record + DIED, NEVER);
    for (const record of this.#created) {
      // Dead before it was born: invisible also to the readers of the commit that takes this number next.
      Atomics.store(words, record + DIED, 0);
      this.#store.unlink(record);
    }
    this.#end(false, this.#log());
  }

  #close(): void {
    assert(this.#isOpen, `commit ${this.version} is ended twice`);
    this.#isOpen = false;
  }

  #log(): CommitLog {
    return { version: this.version, created: this.#created, spent: this.#spent };
  }
}
