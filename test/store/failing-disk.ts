import type { FileHandle } from "node:fs/promises";
import { DISK, type FileSystem } from "../../src/core/store/block-files.ts";
import type { Database } from "../../src/core/store/database.ts";
import { diskError } from "../../src/core/store/store-error.ts";

/**
 * full: nothing is written, ENOSPC; broken: EIO; short: half is written, then ENOSPC; late: everything is written, the
 * answer is EIO all the same, as when a sync fails behind the write.
 */
export type DiskFault = "full" | "broken" | "short" | "late";

export const DISK_FAULTS: readonly DiskFault[] = ["full", "broken", "short", "late"];

/** A disk whose n-th step of writing fails, and every one after it. */
export class FailingDisk {
  readonly #failAt: number;
  readonly #fault: DiskFault;
  steps = 0;

  /** @param failAt the first step is 1; Infinity only counts. */
  constructor(failAt: number, fault: DiskFault = "broken") {
    this.#failAt = failAt;
    this.#fault = fault;
  }

  get hasFailed(): boolean {
    return this.steps >= this.#failAt;
  }

  readonly files: FileSystem = {
    ...DISK,
    open: (async (...args: Parameters<FileSystem["open"]>) => this.#wrap(await DISK.open(...args))) as FileSystem["open"],
  };

  readonly wrapDatabase = (database: Database): Database => ({
    ...database,
    batch: () => {
      const batch = database.batch();
      const write = (options: { sync: boolean }) => this.#step("db", () => batch.write(options));
      return { put: batch.put, del: batch.del, write };
    },
  });

  async #step<R>(path: string, run: () => Promise<R>, runHalf: () => Promise<unknown> = async () => undefined): Promise<R> {
    if (++this.steps < this.#failAt) return run();
    if (this.#fault === "late") await run();
    if (this.#fault === "short") await runHalf();
    const isFull = this.#fault === "full" || this.#fault === "short";
    const error = Object.assign(new Error(isFull ? "ENOSPC: no space left on device" : "EIO: i/o error"), {
      code: isFull ? "ENOSPC" : "EIO",
    });
    throw path === "db" ? diskError(error, path) : error;
  }

  #wrap(file: FileHandle): FileHandle {
    const write = (bytes: Uint8Array, offset: number, length: number, position: number) =>
      this.#step(
        "file",
        () => file.write(bytes, offset, length, position),
        () => file.write(bytes, offset, length >> 1, position),
      );
    const changed: Record<string | symbol, unknown> = {
      write,
      datasync: () => this.#step("file", () => file.datasync()),
      sync: () => this.#step("file", () => file.sync()),
      truncate: (length: number) => this.#step("file", () => file.truncate(length)),
    };
    return new Proxy(file, {
      get(target, name) {
        const value: unknown = changed[name] ?? Reflect.get(target, name);
        return typeof value === "function" && changed[name] === undefined ? value.bind(target) : value;
      },
    });
  }
}
