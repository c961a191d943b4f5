/**
 * What is unspent: an MVCC coin table in shared memory.
 *
 * Every version of a coin is one record with the commit numbers in which it was born and died. A snapshot is the number
 * S of the last published commit; a coin is in it when born <= S < died. The one writer (this class, on the main thread)
 * marks the coins of a commit, then makes it visible by storing S: readers on any thread see all of it or nothing, take no
 * lock, and never hold the writer up. Taking a block back is a new commit, so S only grows.
 *
 *   layout         the words           shared-words   memory that grows under its readers
 *   split-list     finding, no lock    list-writer    linking, splitting buckets       order-hash   places in the lists
 *   arena          places for records  record-store   making, moving, freeing records  script-words short forms of scripts
 *   leases         what readers hold   reclaimer      what may be freed, and when      committer    first committer wins
 *   coin-view, snapshot, reader   what users read   snapshot-book  the main thread's own, named ones   diff, atomic-update   by version
 *   compactor      gathering coins     image          a file for a fast start          set-hash, muhash, sorted-records   gettxoutsetinfo
 *   key-map        numbers for keys of plain memory: what overlays and caches of other folders look outpoints and hashes up in
 *
 * UTXO_SET orders the writer's steps and whoever needs the table to stand still; its proof is a parameter here. A lookup or
 * a walk over a snapshot needs no lock: its lease keeps all that it sees.
 */

import { randomFillSync } from "node:crypto";
import { endianness } from "node:os";
import type { Worker } from "node:worker_threads";
import { assert, ChainCoreError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Coin } from "../primitives/coin.ts";
import type { Sats } from "../primitives/units.ts";
import type { FileSystem } from "../store/block-files.ts";
import { type CoinUpdates, changeOf } from "./atomic-update.ts";
import type { CoinChange, CoinDiff, CommitConflict, PreparedCommit } from "./changes.ts";
import { type CoinEntry, CoinView } from "./coin-view.ts";
import { Committer } from "./committer.ts";
import { Compactor } from "./compactor.ts";
import { diffOf } from "./diff.ts";
import type { CoinsWrite } from "./guard.ts";
import { type ImageDisk, type ImageIdentity, type LoadedImage, readImage, removeImage, writeImage } from "./image.ts";
import { BUCKET_COUNT, CLOSED, LEASE_COUNT, LEASE_WORDS, LEASES, MAGIC, MAGIC_VALUE, NONE, SEED, VERSION } from "./layout.ts";
import { LeaseKeeper } from "./leases.ts";
import { CoinReader, type CoinTableHandle } from "./reader.ts";
import { type CommitLog, Reclaimer } from "./reclaimer.ts";
import { RecordStore } from "./record-store.ts";
import { SHARED_BYTES_MAX, SharedWords } from "./shared-words.ts";
import type { CoinSnapshot } from "./snapshot.ts";
import { SnapshotBook } from "./snapshot-book.ts";

export interface CoinTableOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** The commit number from which this run goes on. Default 0. */
  readonly version?: number;
  /** Named snapshots kept at once; the oldest is revoked by one more. Default 5. */
  readonly maxSnapshots?: number;
  /** How long a snapshot may stand behind the newest version. Default 60 s; for named ones an hour. */
  readonly leaseMs?: number;
  readonly namedLeaseMs?: number;
  /** Snapshots open at once, over all threads. Default 256. */
  readonly leases?: number;
  /** How far the records may grow. Default and most: 4 GiB, some 40 million coins. */
  readonly recordBytesMax?: number;
}

export interface CoinTableStatistics {
  readonly version: number;
  readonly coins: number;
  /** Records in the table: coins, and spent versions that some snapshot may see. */
  readonly records: number;
  readonly bytesUsed: number;
  readonly bytesReserved: number;
  readonly commits: number;
  /** Updates refused because somebody else was first: the KPI "UTXO conflicts". */
  readonly conflicts: number;
  /** Commits taken back; those refused for a conflict are among them. */
  readonly aborts: number;
  readonly leasesHeld: number;
  readonly leasesRevoked: number;
  readonly reclaimed: number;
}

/** At least so many records are reclaimed after each commit if there is so much to do: more than a full block makes. */
const RECLAIM_AT_ONCE = 20_000;

/** Sparse memory is gathered a little at a time, some 2 ms every so many commits; `compact` does it at once. */
const COMPACT_EVERY = 32;
const COMPACT_AT_ONCE = 2_000;

export class CoinTable {
  readonly #view: CoinView;
  readonly #store: RecordStore;
  readonly #leases: LeaseKeeper;
  readonly #reclaimer: Reclaimer;
  readonly #committer: Committer;
  readonly #compactor: Compactor;
  readonly #snapshots: SnapshotBook;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #leaseMs: number;
  #count: number;
  #commits = 0;
  #conflicts = 0;
  #aborts = 0;

  private constructor(options: CoinTableOptions, image?: LoadedImage) {
    // Scripts and outpoints are copied as bytes and compared as words.
    assert(endianness() === "LE", "the coin table is laid out for little-endian machines");
    const leases = options.leases ?? 256;
    const control = new Int32Array(new SharedArrayBuffer((LEASES + leases * LEASE_WORDS) * 4));
    control[MAGIC] = MAGIC_VALUE;
    control[VERSION] = options.version ?? 0;
    control[BUCKET_COUNT] = image?.buckets ?? 1;
    control[LEASE_COUNT] = leases;
    if (image === undefined) randomFillSync(control, SEED, 2);
    else control.set(image.seed, SEED);
    const memory = image?.memory ?? {
      records: SharedWords.create(options.recordBytesMax ?? SHARED_BYTES_MAX),
      buckets: SharedWords.create(SHARED_BYTES_MAX),
    };
    this.#view = new CoinView({ control, ...memory });
    this.#store = new RecordStore(this.#view);
    if (image !== undefined) this.#store.restore(image.arena, image.coins, image.splitNext);
    this.#count = image?.coins ?? 0;
    this.#leases = new LeaseKeeper(control);
    this.#reclaimer = new Reclaimer(this.#store, this.#leases);
    this.#compactor = new Compactor(this.#store, this.#reclaimer);
    this.#committer = new Committer(this.#store, this.#reclaimer, {
      published: (log) => this.#published(log),
      aborted: (records) => this.#aborted(records),
    });
    this.#snapshots = new SnapshotBook(this.#view, this.#leases, {
      maxNamed: options.maxSnapshots ?? 5,
      namedLeaseMs: options.namedLeaseMs ?? 3_600_000,
    });
    this.#clock = options.clock;
    this.#leaseMs = options.leaseMs ?? 60_000;
  }

  static create(options: CoinTableOptions): CoinTable {
    return new CoinTable(options);
  }

  /** For a worker. The thread that makes the table should use the table itself. */
  static attach(handle: CoinTableHandle): CoinReader {
    return CoinReader.attach(handle);
  }

  /**
   * The table of an image, if there is a whole one of exactly this version and tag; else undefined: load the coins. The
   * image is removed, for the next commit makes it stale. Some 5 ms a megabyte (hash and read), 115 MB a million coins.
   */
  static async openImage(
    path: string,
    identity: ImageIdentity,
    options: CoinTableOptions,
    disk: ImageDisk = {},
  ): Promise<CoinTable | undefined> {
    const image = await readImage(path, identity, options.recordBytesMax ?? SHARED_BYTES_MAX, disk);
    await removeImage(path, disk.files);
    return image === undefined ? undefined : new CoinTable({ ...options, version: identity.version }, image);
  }

  handle(): CoinTableHandle {
    const { control, records, buckets } = this.#view.memory;
    return { control: control.buffer as SharedArrayBuffer, records: records.memory, buckets: buckets.memory };
  }

  /** The last published commit. */
  get version(): number {
    return this.#view.memory.control[VERSION]!;
  }

  /** Coins in the last published version. */
  get count(): number {
    return this.#count;
  }

  /**
   * The newest version, until it is disposed. O(1): snapshots of one version share a lease, but for one that asks for
   * more time than others (`leaseMs`, for a walk over all coins).
   * @throws ChainCoreError too-many-snapshots, coins-closed
   */
  snapshot(options?: { readonly leaseMs: number }): CoinSnapshot {
    return options === undefined ? this.#snapshots.open() : this.#snapshots.openFor(options.leaseMs);
  }

  /**
   * The newest version under a name, kept until `dropSnapshot`, or until `maxSnapshots` newer ones push it out. Asked for
   * twice in one version, it is the same object. Disposing it is dropping it. O(1).
   */
  createSnapshot(name?: string): CoinSnapshot {
    return this.#snapshots.create(name ?? `version-${this.version}`);
  }

  findSnapshot(name: string): CoinSnapshot | undefined {
    return this.#snapshots.find(name);
  }

  dropSnapshot(name: string): boolean {
    return this.#snapshots.drop(name);
  }

  /** Oldest first. */
  snapshotNames(): readonly string[] {
    return this.#snapshots.names();
  }

  /** The newest version's coin, without a snapshot: for one look on this thread. */
  find(outpoint: Uint8Array, offset = 0): Coin | undefined {
    const record = this.#view.find(outpoint, offset, this.version);
    return record === NONE ? undefined : this.#view.coin(record);
  }

  balanceOf(script: Uint8Array): Sats {
    using snapshot = this.snapshot();
    return snapshot.balanceOf(script);
  }

  coinsOf(script: Uint8Array): CoinEntry[] {
    using snapshot = this.snapshot();
    return snapshot.coinsOf(script);
  }

  /**
   * Marks a commit that `publish` makes visible. Refused as a whole if a spent coin is not unspent or was made after
   * version `basedOn`, or if a created one exists or changed since.
   * @throws ChainCoreError coins-memory-full, coins-closed; nothing has changed then
   */
  prepare(_at: CoinsWrite, change: CoinChange, basedOn = this.version): PreparedCommit | CommitConflict {
    this.#assertOpen();
    const result = this.#committer.prepare(change, basedOn);
    if ("conflict" in result) this.#conflicts++;
    return result;
  }

  /**
   * The guide's atomicUpdate: all of `updates` or nothing, as one commit. A coin takes the place of the one that is there.
   * False, and counted as a conflict, when a coin to remove is absent, or when any of them came or went after version
   * `basedOn`; hold a snapshot of that version, for what is too old to tell counts as changed.
   * @throws ChainCoreError bad-outpoint; as `prepare`
   */
  atomicUpdate(at: CoinsWrite, updates: CoinUpdates, basedOn = this.version): boolean {
    const result = this.prepare(
      at,
      changeOf(updates, (outpoint) => this.find(outpoint) !== undefined),
      basedOn,
    );
    if ("conflict" in result) return false;
    result.publish();
    return true;
  }

  /** Coins of a start-up, all born in the present version. Before the first commit and the first snapshot only; any number of calls. */
  load(at: CoinsWrite, entries: Iterable<CoinEntry>): number {
    const before = this.#count;
    const take = this.loader(at);
    for (const [outpoint, coin] of entries) take(outpoint, coin);
    return this.#count - before;
  }

  /** As `load`, one by one; the bytes are copied. Makes room at once for as many as are `expected`. */
  loader(_at: CoinsWrite, expected = 0): (outpoint: Uint8Array, coin: Coin) => void {
    assert(this.#commits === 0 && !this.#committer.isOpen, "coins are loaded before the first commit");
    this.#store.reserve(expected);
    return (outpoint, coin) => {
      assert(!this.#store.hasTwin(this.#store.insert(outpoint, coin, this.version)), "a coin is loaded twice");
      this.#count++;
    };
  }

  /** What came and went from snapshot `from` to the later snapshot `to`; both of this table and open. Cost: the changes between. */
  diff(from: CoinSnapshot, to: CoinSnapshot): CoinDiff {
    return diffOf(this.#reclaimer.commits(from.version, to.version), from, to);
  }

  /** Frees what no snapshot sees any more, `budget` records at most, and revokes leases over age. Every commit does it too. Returns whether more is left. */
  reclaim(_at: CoinsWrite, budget = Number.POSITIVE_INFINITY): boolean {
    this.#leases.revokeOverAge(this.#clock.monotonicMs(), this.#leaseMs);
    return this.#reclaimer.run(budget);
  }

  /** Gathers up to about `budget` coins from sparse memory so that it serves again; readers go on. Returns how many were moved. */
  compact(_at: CoinsWrite, budget = Number.POSITIVE_INFINITY): number {
    assert(!this.#committer.isOpen, "coins are moved while a commit is open");
    const moved = this.#compactor.run(budget);
    this.#reclaimer.run(RECLAIM_AT_ONCE);
    return moved;
  }

  /** Frees the snapshots of a worker that attaches to the table when it ends, whatever ends it. Call it when the worker is made. */
  reapWhenEnded(worker: Pick<Worker, "threadId" | "once">): void {
    const { threadId } = worker; // It has none any more when it has ended.
    worker.once("exit", () => this.reapThread(threadId));
  }

  /** Frees the snapshots of a worker that has ended; after its `exit` event. Returns how many it had. */
  reapThread(deadThreadId: number): number {
    return this.#leases.reap(deadThreadId);
  }

  statistics(): CoinTableStatistics {
    const { records, buckets } = this.#view.memory;
    return {
      version: this.version,
      coins: this.#count,
      records: this.#store.linkedCount,
      bytesUsed: this.#store.arena.wordsUsed * 4 + this.#view.memory.control[BUCKET_COUNT]! * 8,
      bytesReserved: (records.words.length + buckets.words.length) * 4,
      commits: this.#commits,
      conflicts: this.#conflicts,
      aborts: this.#aborts,
      leasesHeld: this.#leases.scan().held,
      leasesRevoked: this.#leases.revokedCount,
      reclaimed: this.#reclaimer.reclaimedCount,
    };
  }

  /** Readers are told at their next look; the memory goes when all have let it go. */
  close(_at: CoinsWrite): void {
    assert(!this.#committer.isOpen, "the coin table is closed while a commit is open");
    Atomics.store(this.#view.memory.control, CLOSED, 1);
    this.#leases.revokeAll();
  }

  /** Writes the image of a closed table, for `openImage` with the same tag. */
  async saveImage(_at: CoinsWrite, path: string, tag: string, files?: FileSystem): Promise<void> {
    assert(this.#view.memory.control[CLOSED] !== 0, "an image is taken of a closed table");
    this.#reclaimer.run(Number.POSITIVE_INFINITY);
    await writeImage(path, tag, this.#store, files);
  }

  #published(log: CommitLog): void {
    this.#commits++;
    this.#count += log.created.length - log.spent.length;
    this.#reclaimer.add(log);
    this.#leases.revokeOverAge(this.#clock.monotonicMs(), this.#leaseMs);
    this.#reclaimer.run(Math.max(RECLAIM_AT_ONCE, 2 * log.spent.length));
    if (this.#commits % COMPACT_EVERY === 0 && this.#store.arena.isSparse) this.#compactor.run(COMPACT_AT_ONCE);
  }

  #aborted(records: readonly number[]): void {
    this.#aborts++;
    if (records.length > 0) this.#reclaimer.retire(records);
    this.#reclaimer.run(RECLAIM_AT_ONCE);
  }

  #assertOpen(): void {
    if (this.#view.memory.control[CLOSED] !== 0) throw new ChainCoreError("coins-closed", "The coin table is closed.");
  }
}
