import * as nodeFiles from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { Writer } from "../encoding/writer.ts";
import type { FilesEnd } from "./state.ts";
import { blockFileDamaged, diskError } from "./store-error.ts";
import type { BlockPosition } from "./tables.ts";

/** What the files of a node ask of the disk; tests pass one that fails. */
export type FileSystem = Pick<typeof nodeFiles, "open" | "mkdir" | "readdir" | "rename" | "rm" | "stat">;
export const DISK: FileSystem = nodeFiles;

/** Bitcoin Core's limit of a block file. */
export const BLOCK_FILE_BYTES_MAX = 128 * 1024 * 1024;
/** Network magic and length before each body. */
export const FRAME_LENGTH = 8;
const NAME = /^blk(\d{5})\.dat$/;

export interface BlockFilesOptions {
  /** The folder `blocks` of a node. */
  readonly directory: string;
  /** Four bytes that start every frame. */
  readonly magic: Uint8Array;
  readonly files?: FileSystem;
  readonly fileBytesMax?: number;
}

/**
 * Block bodies in Bitcoin Core's own format (`blkNNNNN.dat`: magic, size, bytes), appended one behind the other.
 * The database records how far they are referred to; opening cuts what a crash left behind that. One writer, guarded by
 * BLOCKCHAIN.
 */
export class BlockFiles {
  readonly #directory: string;
  readonly #magic: Uint8Array;
  readonly #files: FileSystem;
  readonly #fileBytesMax: number;
  #writer: nodeFiles.FileHandle | undefined;
  #end: FilesEnd;
  /** Appends so far, and how many of them have reached the disk. */
  #appended = 0;
  #synced = 0;
  #syncing: Promise<void> | undefined;

  private constructor(options: BlockFilesOptions, end: FilesEnd) {
    this.#directory = options.directory;
    this.#magic = options.magic;
    this.#files = options.files ?? DISK;
    this.#fileBytesMax = options.fileBytesMax ?? BLOCK_FILE_BYTES_MAX;
    this.#end = end;
  }

  /**
   * Makes the folder if needed and cuts the files at `end`.
   * @throws StoreError when a file is shorter than `end` says.
   */
  static async open(options: BlockFilesOptions, end: FilesEnd): Promise<BlockFiles> {
    const files = new BlockFiles(options, end);
    await files.#guard(options.directory, async () => {
      await files.#files.mkdir(options.directory, { recursive: true });
      await files.#cut();
    });
    return files;
  }

  /** Where the next body will start. */
  get end(): FilesEnd {
    return this.#end;
  }

  path(file: number): string {
    return join(this.#directory, blockFileName(file));
  }

  async #cut(): Promise<void> {
    const present = await listBlockFiles(this.#directory, this.#files);
    for (const number of present) if (number > this.#end.file) await this.#files.rm(this.path(number));
    if (!present.includes(this.#end.file)) {
      if (this.#end.length > 0) throw blockFileDamaged(this.path(this.#end.file), "it is missing");
      return;
    }
    const size = (await this.#files.stat(this.path(this.#end.file))).size;
    if (size < this.#end.length) {
      throw blockFileDamaged(this.path(this.#end.file), `it has ${size} bytes where ${this.#end.length} were written`);
    }
    if (size === this.#end.length) return;
    const writer = await this.#openWriter();
    await writer.truncate(this.#end.length);
    await writer.datasync();
  }

  /** Appends one body. Nothing may refer to it before `sync`. */
  async append(raw: Uint8Array): Promise<BlockPosition> {
    return this.#guard(this.path(this.#end.file), async () => {
      const frameLength = FRAME_LENGTH + raw.length;
      if (this.#end.length > 0 && this.#end.length + frameLength > this.#fileBytesMax) await this.#roll();
      const writer = await this.#openWriter();
      const { file, length } = this.#end;
      const frame = new Writer(frameLength).bytes(this.#magic).u32(raw.length).bytes(raw).finish();
      this.#appended++;
      await writeAll(writer, frame, length);
      this.#end = { file, length: length + frame.length };
      return { file, offset: length + FRAME_LENGTH, size: raw.length, checksum: crc32(raw) };
    });
  }

  /** What was appended has reached the disk when this resolves. */
  async sync(): Promise<void> {
    while (this.#synced < this.#appended) {
      this.#startSync();
      await this.#syncing;
    }
  }

  /** Lets the disk work while the caller does something else; `sync` waits for it, and tells whether it failed. */
  beginSync(): void {
    this.#startSync();
    this.#syncing?.catch(() => undefined);
  }

  #startSync(): void {
    this.#syncing ??= this.#guard(this.path(this.#end.file), async () => {
      const upTo = this.#appended;
      await this.#writer?.datasync();
      this.#synced = upTo;
      this.#syncing = undefined; // After a failure it stays, and fails every later `sync`.
    });
  }

  /** The body at `position`. @throws StoreError when it is not what was appended there. */
  async read(position: BlockPosition): Promise<Uint8Array> {
    const raw = await this.readAt(position.file, position.offset, position.size);
    if (crc32(raw) !== position.checksum) {
      throw blockFileDamaged(this.path(position.file), `the block at ${position.offset} is not the one that was written there`);
    }
    return raw;
  }

  /** Any bytes of a file, unchecked. @throws StoreError when the file ends before. */
  async readAt(file: number, offset: number, size: number): Promise<Uint8Array> {
    const path = this.path(file);
    return this.#guard(path, async () => {
      await using reader = await this.#files.open(path, "r").catch((error) => {
        throw error.code === "ENOENT" ? blockFileDamaged(path, "it is missing", error) : error;
      });
      const raw = new Uint8Array(size);
      const { bytesRead } = await reader.read(raw, 0, size, offset);
      if (bytesRead < size) throw blockFileDamaged(path, `it ends before the block at ${offset} does`);
      return raw;
    });
  }

  async close(): Promise<void> {
    await this.#writer?.close();
    this.#writer = undefined;
  }

  async #roll(): Promise<void> {
    await this.sync();
    await this.#writer?.close();
    this.#writer = undefined;
    this.#end = { file: this.#end.file + 1, length: 0 };
  }

  /** A file that is new here also has its name synced. */
  async #openWriter(): Promise<nodeFiles.FileHandle> {
    if (this.#writer !== undefined) return this.#writer;
    const path = this.path(this.#end.file);
    const isNew = this.#end.length === 0;
    this.#writer = await this.#files.open(path, isNew ? "w" : "r+", 0o600);
    if (isNew) await syncFolder(this.#directory, this.#files);
    return this.#writer;
  }

  async #guard<R>(path: string, step: () => Promise<R>): Promise<R> {
    try {
      return await step();
    } catch (error) {
      throw diskError(error, path);
    }
  }
}

export function blockFileName(file: number): string {
  return `blk${String(file).padStart(5, "0")}.dat`;
}

/** Numbers of the block files of a folder, ascending; empty when it does not exist. */
export async function listBlockFiles(directory: string, files: FileSystem = DISK): Promise<readonly number[]> {
  const names = await files.readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const numbers = names.map((name) => NAME.exec(name)?.[1]).filter((number) => number !== undefined);
  return numbers.map(Number).sort((a, b) => a - b);
}

/** A write may be short; zero bytes written means that the disk takes no more. */
async function writeAll(writer: nodeFiles.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await writer.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error("nothing could be written"), { code: "ENOSPC" });
    done += bytesWritten;
  }
}

/** Makes the names in a folder durable. Windows cannot, and does so by itself. */
export async function syncFolder(directory: string, files: FileSystem = DISK): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await files.open(directory, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
