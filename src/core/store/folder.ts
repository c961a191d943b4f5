import { access, constants, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Writer } from "../encoding/writer.ts";
import { blockFileName, type FileSystem, listBlockFiles } from "./block-files.ts";
import type { Database } from "./database.ts";
import { SetSum } from "./set-sum.ts";
import { decodeState, type StoreState } from "./state.ts";
import { databaseDamaged, diskError, StoreError } from "./store-error.ts";
import * as tables from "./tables.ts";

/** Version of everything in the folder; a change of any record's form raises it. 2: the state may hold a parking. */
export const DATA_FORMAT = 2;

/** Makes the folder if needed. @throws StoreError when this user may not use it. */
export async function prepareFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw diskError(error, directory);
  }
}

export function sealVersion(genesisHash: Uint8Array): tables.SealedRecord {
  const payload = new Writer(64).u32(DATA_FORMAT).bytes(genesisHash).finish();
  return tables.sealRecord(tables.tableKey(tables.TABLE.version), payload);
}

interface KnownState {
  /** The folder's data format, at most ours. */
  readonly format: number;
  readonly state: StoreState;
}

/** Undefined for a new database. @throws StoreError when the folder is of another network or of a newer program. */
export async function readState(database: Database, directory: string, genesisHash: Uint8Array): Promise<KnownState | undefined> {
  const path = join(directory, "db");
  const versionKey = tables.tableKey(tables.TABLE.version);
  const stateKey = tables.tableKey(tables.TABLE.state);
  const [version, state] = [await database.get(versionKey), await database.get(stateKey)];
  if (version === undefined && state === undefined) return undefined;
  const versionPayload = version && tables.openRecord(versionKey, version)?.payload;
  if (versionPayload === undefined) throw databaseDamaged(path, "the record of its version");
  const format = versionPayload.u32();
  if (format > DATA_FORMAT) {
    const message = `${directory} was written by a newer ChainCore (data format ${format}, this one knows ${DATA_FORMAT}): use that version, or another folder.`;
    throw new StoreError("data-newer", message, { detail: { path, format, known: DATA_FORMAT } });
  }
  if (Buffer.compare(versionPayload.bytes(32), genesisHash) !== 0) {
    const message = `${directory} holds the chain of another network: choose another folder or --network.`;
    throw new StoreError("data-other-network", message, { detail: { path } });
  }
  const statePayload = state && tables.openRecord(stateKey, state)?.payload;
  if (statePayload === undefined) throw databaseDamaged(path, "the record of its state");
  return { format, state: decodeState(statePayload) };
}

/** Of an empty database; after `--reindex` the bodies that are there stay. */
export async function firstState(blocksPath: string, files: FileSystem, reindexing: boolean): Promise<StoreState> {
  const last = (await listBlockFiles(blocksPath, files)).at(-1);
  const path = join(blocksPath, blockFileName(last ?? 0));
  const end = last === undefined ? { file: 0, length: 0 } : { file: last, length: (await files.stat(path)).size };
  const sums = { coins: new SetSum(), blocks: new SetSum(), transactions: new SetSum() };
  return { serial: 0, commit: 0, tipHash: new Uint8Array(32), ...sums, files: end, reindexing, parking: undefined };
}

/** The sum of the files in a folder; one that LevelDB removes meanwhile counts nothing. */
export async function folderBytes(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = names.map((name) =>
    stat(join(directory, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
