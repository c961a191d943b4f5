import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { ChainCoreError } from "../errors.ts";
import { DISK, type FileSystem, syncFolder } from "./block-files.ts";
import { diskError, StoreError } from "./store-error.ts";

/** A block that somebody gave a name, to come back to. Blocks and undo data are never deleted, so it costs this line. */
export interface SavedSnapshot {
  readonly name: string;
  /** Display order. */
  readonly hash: string;
  readonly height: number;
  /** Unix seconds. */
  readonly savedAt: number;
}

interface Listing {
  readonly format: number;
  readonly snapshots: readonly SavedSnapshot[];
  /** CRC-32 of the snapshots as JSON. */
  readonly checksum: number;
}

const FORMAT = 1;
/** Each is a line of some 150 bytes, and the file is written whole. */
export const SNAPSHOTS_MAX = 1_000;

/**
 * The names that durable snapshots have, in `snapshots.json` beside the database: a rebuilt database keeps them. Written whole
 * beside the old file, synced, and renamed over it. Guarded by BLOCKCHAIN.
 */
export class SnapshotList {
  readonly #path: string;
  readonly #files: FileSystem;
  #snapshots: readonly SavedSnapshot[];

  private constructor(path: string, files: FileSystem, snapshots: readonly SavedSnapshot[]) {
    this.#path = path;
    this.#files = files;
    this.#snapshots = snapshots;
  }

  /** @throws StoreError snapshots-damaged */
  static async open(directory: string, files: FileSystem = DISK): Promise<SnapshotList> {
    const path = join(directory, "snapshots.json");
    const text = await readText(path, files);
    return new SnapshotList(path, files, text === undefined ? [] : parse(text, path));
  }

  /** Oldest first. */
  get all(): readonly SavedSnapshot[] {
    return this.#snapshots;
  }

  find(name: string): SavedSnapshot | undefined {
    return this.#snapshots.find((snapshot) => snapshot.name === name);
  }

  /** Durable when this resolves. @throws ChainCoreError snapshots-full, StoreError */
  async add(snapshot: SavedSnapshot): Promise<void> {
    if (this.#snapshots.length >= SNAPSHOTS_MAX) {
      throw new ChainCoreError("snapshots-full", `${SNAPSHOTS_MAX} snapshots are saved already; drop one first`);
    }
    await this.#write([...this.#snapshots, snapshot]);
  }

  /** Durable when this resolves. @throws StoreError */
  async remove(name: string): Promise<void> {
    await this.#write(this.#snapshots.filter((snapshot) => snapshot.name !== name));
  }

  async #write(snapshots: readonly SavedSnapshot[]): Promise<void> {
    const listing: Listing = { format: FORMAT, snapshots, checksum: checksumOf(snapshots) };
    const bytes = Buffer.from(`${JSON.stringify(listing)}\n`);
    const temporary = `${this.#path}.new`;
    try {
      await using file = await this.#files.open(temporary, "w", 0o600);
      const { bytesWritten } = await file.write(bytes, 0, bytes.length, 0);
      if (bytesWritten < bytes.length) throw Object.assign(new Error("only a part could be written"), { code: "ENOSPC" });
      await file.sync();
      await this.#files.rename(temporary, this.#path);
      await syncFolder(dirname(this.#path), this.#files);
    } catch (error) {
      throw diskError(error, this.#path);
    }
    this.#snapshots = snapshots;
  }
}

async function readText(path: string, files: FileSystem): Promise<string | undefined> {
  try {
    await using file = await files.open(path, "r");
    return await file.readFile("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw diskError(error, path);
  }
}

function parse(text: string, path: string): readonly SavedSnapshot[] {
  let listing: Partial<Listing> | null;
  try {
    listing = JSON.parse(text) as Partial<Listing> | null;
  } catch {
    listing = null;
  }
  const { format, snapshots, checksum } = listing ?? {};
  if (format === FORMAT && Array.isArray(snapshots) && checksum === checksumOf(snapshots)) return snapshots;
  const message =
    typeof format === "number" && format > FORMAT
      ? `${path} was written by a newer ChainCore: use that version.`
      : `The list of snapshots in ${path} is damaged: move it away to go on without them; the chain is not affected.`;
  throw new StoreError("snapshots-damaged", message, { detail: { path } });
}

function checksumOf(snapshots: readonly unknown[]): number {
  return crc32(JSON.stringify(snapshots));
}
