import { ClassicLevel, type Iterator } from "classic-level";
import { diskError } from "./store-error.ts";

/** An ordered table of bytes with atomic batches: what store/ asks of LevelDB, and what tests replace to make it fail. */
export interface Database {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** An empty batch; nothing is written before its `write`. */
  batch(): DatabaseBatch;
  /** Everything whose key begins with `prefix`, in key order, in runs of some thousands; as of the call. */
  runs(prefix: Uint8Array): AsyncIterable<readonly DatabaseEntry[]>;
  close(): Promise<void>;
}

export type DatabaseEntry = readonly [key: Uint8Array, value: Uint8Array];

export interface DatabaseBatch {
  /** `key` and `value` are copied or kept, never changed: the caller must not write to them afterwards. */
  put(key: Uint8Array, value: Uint8Array): void;
  del(key: Uint8Array): void;
  /**
   * All or nothing. With `sync` it has reached the disk when the promise resolves; without, the next synced batch carries it
   * along.
   */
  write(options: { sync: boolean }): Promise<void>;
}

/** 16 MiB: some dozen full blocks between two flushes of LevelDB's log into a table. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;
const RUN_ENTRIES = 4096;

/**
 * Opens (or makes) the LevelDB in `path`. One thread of one process may: LevelDB's LOCK refuses the second.
 * @throws StoreError
 */
export async function openDatabase(path: string): Promise<Database> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: "view",
    valueEncoding: "view",
    compression: false, // Hashes and signatures do not shrink.
    writeBufferSize: WRITE_BUFFER_BYTES,
  });
  const guarded = async <R>(step: Promise<R>): Promise<R> => {
    try {
      return await step;
    } catch (error) {
      throw diskError(error, path);
    }
  };
  await guarded(level.open());
  return {
    get: (key) => guarded(level.get(key)),
    batch: () => {
      const batch = level.batch();
      return {
        put: (key, value) => void batch.put(key, value),
        del: (key) => void batch.del(key),
        write: (options) => guarded(batch.write(options)),
      };
    },
    runs: (prefix) => runs(level, prefix, path),
    close: () => guarded(level.close()),
  };
}

/** Removes the database, not the block files beside it. @throws StoreError when it is open elsewhere. */
export async function destroyDatabase(path: string): Promise<void> {
  try {
    await ClassicLevel.destroy(path);
  } catch (error) {
    throw diskError(error, path);
  }
}

function runs(level: ClassicLevel<Uint8Array, Uint8Array>, prefix: Uint8Array, path: string) {
  const iterator = level.iterator({ gte: prefix, lt: after(prefix), highWaterMarkBytes: 1 << 20 });
  return readRuns(iterator, path);
}

async function* readRuns(iterator: Iterator<unknown, Uint8Array, Uint8Array>, path: string) {
  try {
    for (;;) {
      const run = await iterator.nextv(RUN_ENTRIES);
      if (run.length === 0) return;
      yield run as readonly DatabaseEntry[];
    }
  } catch (error) {
    throw diskError(error, path);
  } finally {
    await iterator.close();
  }
}

/** The first key behind all that begin with `prefix`; the byte that names a table is never ff. */
function after(prefix: Uint8Array): Uint8Array {
  const key = new Uint8Array(prefix);
  let at = key.length - 1;
  while (key[at] === 0xff) at--;
  key[at]!++;
  return key.subarray(0, at + 1);
}
