import { join } from "node:path";
import { assert } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import { readCoin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";
import { BlockFiles, DISK, type FileSystem, listBlockFiles } from "./block-files.ts";
import { type ScannedBody, scanBlockFile } from "./block-scan.ts";
import { checkLog } from "./check-log.ts";
import { checkTables } from "./check-tables.ts";
import { type Database, destroyDatabase, openDatabase } from "./database.ts";
import { DATA_FORMAT, firstState, folderBytes, prepareFolder, readState, sealVersion } from "./folder.ts";
import { HighWater } from "./high-water.ts";
import { BATCH_BYTES_MAX, finishLargeChange, PART_BYTES_MAX, putMarker, type Write, writeParts } from "./large-change.ts";
import type { Progress } from "./progress.ts";
import { Sealer } from "./sealer.ts";
import { SetSum } from "./set-sum.ts";
import { encodeState, type ParkingRecord, type StoreState } from "./state.ts";
import { databaseDamaged, databaseMissing, diskError } from "./store-error.ts";
import * as tables from "./tables.ts";

/*
 * What a node keeps on disk: `db/`, a LevelDB, and `blocks/`, bodies in Bitcoin Core's files.
 *
 * Everything that one commit changes goes into one batch, written with sync, after the bodies that it refers to have been synced;
 * so a crash leaves the state before the commit or after it. LevelDB notices neither a flipped bit nor a lost batch, so each
 * record carries a checksum and the state record, which every batch rewrites, carries count and sum of the coins and of the
 * blocks; opening recomputes both. Whatever fails while writing is final: after a failed fsync nobody knows what the disk holds,
 * so the process stops and the next start decides. One writer: every method that writes is called under BLOCKCHAIN.
 */

export interface StoreOptions {
  /** The node's folder; `db/` and `blocks/` are made inside. */
  readonly directory: string;
  /** Four bytes before each body. */
  readonly magic: Uint8Array;
  /** Hash of the first block, internal order: a folder belongs to one network. */
  readonly genesisHash: Uint8Array;
  /** Throw the database away and start from the block files. */
  readonly reindex?: boolean;
  readonly progress?: Progress;
  /** For tests: disks that fail, files and batches that are soon full. */
  readonly files?: FileSystem;
  readonly wrapDatabase?: (database: Database) => Database;
  readonly blockFileBytesMax?: number;
  readonly batchBytesMax?: number;
}

/** The net change of one commit. */
export interface CoinWrites {
  readonly spends: readonly { readonly outpoint: Uint8Array; readonly coin: Coin }[];
  readonly creates: readonly { readonly outpoint: Uint8Array; readonly coin: Coin }[];
}

/** What one batch writes. `blocks` name the record that each replaces, so that sums follow. */
export interface StoreChange {
  readonly tipHash?: Uint8Array;
  readonly coins?: CoinWrites;
  readonly blocks?: readonly {
    readonly record: tables.SealedRecord;
    readonly replaces: tables.SealedRecord["fingerprint"] | undefined;
  }[];
  /** Of blocks that have no places yet. */
  readonly transactions?: readonly tables.SealedRecord[];
  /** Undo data: written as it is. */
  readonly records?: readonly tables.SealedRecord[];
  readonly reindexing?: boolean;
  /** Null ends it. */
  readonly parking?: ParkingRecord | null;
  /** False: a crash may lose it, whole. For what any peer sends again, such as headers. */
  readonly durable?: boolean;
}

interface StoreParts {
  readonly database: Database;
  readonly blockFiles: BlockFiles;
  readonly highWater: HighWater;
}

export class Store {
  readonly directory: string;
  readonly blockFiles: BlockFiles;
  readonly #database: Database;
  readonly #highWater: HighWater;
  readonly #options: StoreOptions;
  #resources = new AsyncDisposableStack();
  #state: StoreState;
  #writing: Promise<void> | undefined;
  #transactionsCheck: Promise<void> | undefined;

  private constructor(options: StoreOptions, parts: StoreParts, state: StoreState) {
    this.directory = options.directory;
    this.#options = options;
    this.#database = parts.database;
    this.#highWater = parts.highWater;
    this.blockFiles = parts.blockFiles;
    this.#state = state;
  }

  /** @throws StoreError with a code for each way in which a folder can be unusable. */
  static async open(options: StoreOptions): Promise<Store> {
    const path = join(options.directory, "db");
    await prepareFolder(options.directory);
    if (options.reindex) await destroyDatabase(path);
    else {
      await checkTables(path, options.progress);
      await checkLog(path);
    }
    await using opened = new AsyncDisposableStack(); // Closes what was opened when a later step fails.
    const database = opened.adopt(await openDatabase(path), (database) => database.close());
    try {
      return await Store.#openWith(options, options.wrapDatabase?.(database) ?? database, opened);
    } catch (error) {
      throw diskError(error, options.directory);
    }
  }

  static async #openWith(options: StoreOptions, database: Database, opened: AsyncDisposableStack): Promise<Store> {
    const blocksPath = join(options.directory, "blocks");
    const files = options.files ?? DISK;
    const known = await readState(database, options.directory, options.genesisHash);
    if (known === undefined && !options.reindex && (await listBlockFiles(blocksPath, files)).length > 0) {
      throw databaseMissing(options.directory);
    }
    const highWater = opened.adopt(await HighWater.open(options.directory, files), (highWater) => highWater.close());
    const serial = await highWater.read();
    if (known !== undefined && known.state.serial < serial) {
      throw databaseDamaged(options.directory, `its last confirmed batch is ${serial}, it ends at ${known.state.serial}`);
    }
    const state = known?.state ?? { ...(await firstState(blocksPath, files, options.reindex === true)), serial };
    const blockFiles = opened.adopt(await BlockFiles.open(blockFilesOptions(options, blocksPath), state.files), (files) =>
      files.close(),
    );
    const store = new Store(options, { database, highWater, blockFiles }, state);
    if (known === undefined || known.format < DATA_FORMAT) await store.write({ records: [sealVersion(options.genesisHash)] });
    await finishLargeChange(database, options.directory);
    store.#resources = opened.move();
    return store;
  }

  /** As of the last batch. */
  get state(): StoreState {
    return this.#state;
  }

  /** The disk below, and who is told of steps that take long. */
  get disk(): { readonly files: FileSystem; readonly progress?: Progress } {
    const { files = DISK, progress } = this.#options;
    return { files, ...(progress === undefined ? {} : { progress }) };
  }

  get #path(): string {
    return join(this.directory, "db");
  }

  /** Every block, lowest first. @throws StoreError when one is damaged or missing. */
  async loadBlocks(visit: (record: tables.BlockRecord, fingerprint: tables.SealedRecord["fingerprint"]) => void): Promise<void> {
    await this.#load(tables.TABLE.block, this.#state.blocks, "the blocks", (key, opened) => {
      visit(tables.readBlock(key, opened.payload), opened.fingerprint);
    });
  }

  /**
   * Every coin, outpoints ascending. The outpoint's bytes are those of the next coin after the call; the script is a view.
   * @throws StoreError when one is damaged, missing, or one too many.
   */
  async loadCoins(visit: (outpoint: Uint8Array, coin: Coin) => void): Promise<void> {
    const outpoint = new Uint8Array(OUTPOINT_LENGTH);
    await this.#load(tables.TABLE.coin, this.#state.coins, "the coins", (key, { payload }) => {
      tables.readOutpoint(key, outpoint);
      const coin = readCoin(payload);
      payload.finish();
      visit(outpoint, coin);
    });
  }

  async #load(table: number, expected: SetSum, what: string, visit: (key: Uint8Array, opened: tables.OpenedRecord) => void) {
    const found = new SetSum();
    for await (const run of this.#database.runs(tables.tableKey(table))) {
      this.#options.progress?.say(() => `reading ${what}: ${found.count} of ${expected.count}`);
      for (const [key, value] of run) {
        const opened = tables.openRecord(key, value);
        if (opened === undefined) throw databaseDamaged(this.#path, `a record of ${what}`);
        found.add(opened.fingerprint);
        visit(key, opened);
      }
    }
    if (!found.equals(expected)) {
      throw databaseDamaged(
        this.#path,
        `${what} are not those that were written: ${found.count} found, ${expected.count} expected`,
      );
    }
  }

  /** The coins that a block spent, in the order of its inputs; undefined when it was never connected. @throws StoreError */
  async readUndo(hashBytes: Uint8Array): Promise<readonly Coin[] | undefined> {
    const payload = await this.#read(tables.tableKey(tables.TABLE.undo, hashBytes), "undo data");
    return payload && tables.readUndo(payload);
  }

  /** Every connected block, also one that has since been disconnected, that holds a transaction. @throws StoreError */
  async findTransaction(txidBytes: Uint8Array): Promise<readonly tables.TransactionPlace[]> {
    const places: tables.TransactionPlace[] = [];
    for await (const run of this.#database.runs(tables.tableKey(tables.TABLE.transaction, txidBytes))) {
      for (const [key, value] of run) {
        const opened = tables.openRecord(key, value);
        if (opened === undefined) throw databaseDamaged(this.#path, "a record of the transaction index");
        places.push(tables.readTransactionPlace(key, opened.payload));
      }
    }
    return places;
  }

  /**
   * Whether the whole transaction index is what was written, so that "not found" can be believed. Looks once a run. @throws
   * StoreError
   */
  async checkTransactions(): Promise<void> {
    this.#transactionsCheck ??= this.#checkTransactions();
    await this.#transactionsCheck;
  }

  async #checkTransactions(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined); // Between two batches table and state agree.
    await this.#load(tables.TABLE.transaction, this.#state.transactions, "the transaction index", () => undefined);
  }

  async #read(key: Uint8Array, what: string): Promise<tables.OpenedRecord["payload"] | undefined> {
    const value = await this.#database.get(key);
    if (value === undefined) return undefined;
    const opened = tables.openRecord(key, value);
    if (opened === undefined) throw databaseDamaged(this.#path, `a record of ${what}`);
    return opened.payload;
  }

  /**
   * Writes a change whole or not at all: first syncs the bodies that it may refer to, then writes one synced batch (a change
   * beyond 64 MB: see large-change.ts). When this throws, the process has to stop.
   * @throws StoreError
   */
  async write(change: StoreChange): Promise<void> {
    assert(this.#writing === undefined, "one batch at a time");
    this.#writing = this.#write(change);
    try {
      await this.#writing;
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(change: StoreChange): Promise<void> {
    await this.blockFiles.sync();
    const durable = change.durable ?? true;
    const batch = this.#database.batch();
    const state = this.#nextState(change);
    const coins = change.coins ?? { spends: [], creates: [] };
    const parts = estimate(coins) > this.#batchBytesMax ? await this.#writeParts(coins, state.coins) : undefined;
    if (parts !== undefined) putMarker(batch, parts);
    else eachCoinWrite(coins, state.coins, (key, value) => (value === undefined ? batch.del(key) : batch.put(key, value)));
    const record = tables.sealRecord(tables.tableKey(tables.TABLE.state), encodeState(state));
    batch.put(record.key, record.value);
    for (const { record } of change.blocks ?? []) batch.put(record.key, record.value);
    for (const { key, value } of change.transactions ?? []) batch.put(key, value);
    for (const { key, value } of change.records ?? []) batch.put(key, value);
    await batch.write({ sync: durable });
    if (parts !== undefined) await finishLargeChange(this.#database, this.#path);
    if (durable) await this.#highWater.write(state.serial);
    this.#state = state;
  }

  /** The same writes ahead of the batch, for more than one batch should hold. */
  async #writeParts(coins: CoinWrites, sum: SetSum): Promise<number> {
    const writes: Write[] = [];
    eachCoinWrite(coins, sum, (key, value) => writes.push({ key, value }));
    return writeParts(this.#database, writes, Math.min(PART_BYTES_MAX, this.#batchBytesMax));
  }

  get #batchBytesMax(): number {
    return this.#options.batchBytesMax ?? BATCH_BYTES_MAX;
  }

  /** The sums of coins are completed by `eachCoinWrite`. */
  #nextState(change: StoreChange): StoreState {
    const blocks = this.#state.blocks.copy();
    for (const { record, replaces } of change.blocks ?? []) {
      if (replaces !== undefined) blocks.remove(replaces);
      blocks.add(record.fingerprint);
    }
    const transactions = this.#state.transactions.copy();
    for (const { fingerprint } of change.transactions ?? []) transactions.add(fingerprint);
    return {
      serial: this.#state.serial + 1,
      commit: this.#state.commit + (change.coins === undefined ? 0 : 1),
      tipHash: change.tipHash ?? this.#state.tipHash,
      coins: this.#state.coins.copy(),
      blocks,
      transactions,
      files: this.blockFiles.end,
      reindexing: change.reindexing ?? this.#state.reindexing,
      parking: change.parking === undefined ? this.#state.parking : (change.parking ?? undefined),
    };
  }

  /** Every body in the block files, in file order. */
  async *scan(): AsyncGenerator<{ readonly file: number; readonly bodies: readonly ScannedBody[] }> {
    for (const file of await listBlockFiles(join(this.directory, "blocks"), this.#options.files)) {
      const runs = scanBlockFile(this.blockFiles.path(file), this.#options.magic, this.#options.files);
      for await (const bodies of runs) yield { file, bodies };
    }
  }

  async bytesOnDisk(): Promise<number> {
    const sizes = ["blocks", "db"].map((name) => folderBytes(join(this.directory, name)));
    return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
  }

  async close(): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function blockFilesOptions(options: StoreOptions, directory: string) {
  const { magic, files, blockFileBytesMax } = options;
  return {
    directory,
    magic,
    ...(files === undefined ? {} : { files }),
    ...(blockFileBytesMax === undefined ? {} : { fileBytesMax: blockFileBytesMax }),
  };
}

/**
 * The writes of a net change, one after the other; `sum` follows. Deletions first: a coin may be replaced at its own outpoint.
 */
function eachCoinWrite(change: CoinWrites, sum: SetSum, visit: (key: Uint8Array, value: Uint8Array | undefined) => void): void {
  const sealer = new Sealer();
  for (const { outpoint, coin } of change.spends) {
    const { key, fingerprint } = sealer.coin(outpoint, coin);
    sum.remove(fingerprint);
    visit(key, undefined);
  }
  for (const { outpoint, coin } of change.creates) {
    const { key, value, fingerprint } = sealer.coin(outpoint, coin);
    sum.add(fingerprint);
    visit(key, value);
  }
}

/** Bytes of a batch, about. */
function estimate({ spends, creates }: CoinWrites): number {
  return spends.length * 48 + creates.reduce((sum, { coin }) => sum + 72 + coin.script.length, 0);
}
