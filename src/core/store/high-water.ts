import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { DISK, type FileSystem } from "./block-files.ts";
import { diskError } from "./store-error.ts";

const RECORD_LENGTH = 12;

/**
 * The number of the last batch that reached the disk, in a file of its own, written after the batch. LevelDB drops a damaged end
 * of its log without a word, and the state before is whole and plausible: only this number tells that something newer was
 * confirmed. It is not synced: after a power cut it may lag behind, which proves nothing and harms nothing.
 */
export class HighWater {
  readonly #file: FileHandle;
  readonly #path: string;

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  static async open(directory: string, files: FileSystem = DISK): Promise<HighWater> {
    const path = join(directory, "serial");
    try {
      await (await files.open(path, "a", 0o600)).close();
      return new HighWater(await files.open(path, "r+"), path);
    } catch (error) {
      throw diskError(error, path);
    }
  }

  /** 0 for a file that is new or torn. */
  async read(): Promise<number> {
    const bytes = new Uint8Array(RECORD_LENGTH);
    const { bytesRead } = await this.#file.read(bytes, 0, RECORD_LENGTH, 0);
    const reader = new Reader(bytes);
    const serial = reader.u64();
    return bytesRead === RECORD_LENGTH && reader.u32() === crc32(bytes.subarray(0, 8)) ? serial : 0;
  }

  async write(serial: number): Promise<void> {
    const writer = new Writer(RECORD_LENGTH).u64(serial);
    const bytes = writer.u32(crc32(writer.finish())).finish();
    try {
      await this.#file.write(bytes, 0, RECORD_LENGTH, 0);
    } catch (error) {
      throw diskError(error, this.#path);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
