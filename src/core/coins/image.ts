/**
 * The table as a file, for a fast start after a clean end: header and its SHA-256, records, buckets, SHA-256 of all before. An image is a
 * short cut and never the truth: it names the commit and a tag of its owner (tip, set sum), and one that is absent, of
 * another commit, tag or release, or damaged anywhere is no image, and the coins are loaded from the database.
 *
 * The header is JSON with its length (u32) before it. Mode 0600: the file holds the hash key.
 */

import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { DISK, type FileSystem, syncFolder } from "../store/block-files.ts";
import type { Progress } from "../store/progress.ts";
import { type ArenaBooks, CHUNK_WORDS } from "./arena.ts";
import { BUCKET_COUNT, MAGIC_VALUE, SEED, VERSION } from "./layout.ts";
import type { RecordStore } from "./record-store.ts";
import { SHARED_BYTES_MAX, SharedWords } from "./shared-words.ts";

const FORMAT = 1;
const DIGEST_BYTES = 32;
/** Read, written and hashed in one step: some 10 ms each. */
const STEP_BYTES = 16 * 2 ** 20;

/** What an image must be of. */
export interface ImageIdentity {
  /** The commit number. */
  readonly version: number;
  /** The owner's: anything that tells this set of coins from others of that number. */
  readonly tag: string;
}

/** Where the file is, and who is told while a large one is read. */
export interface ImageDisk {
  readonly files?: FileSystem;
  readonly progress?: Progress;
}

interface Header extends ImageIdentity {
  readonly format: number;
  readonly layout: number;
  readonly coins: number;
  readonly buckets: number;
  readonly splitNext: number;
  readonly seed: readonly [number, number];
  readonly arena: ArenaBooks;
}

/** Writes the image beside `path` and renames it when it is safe on disk. All records must be coins: no spent versions are left. */
export async function writeImage(path: string, tag: string, store: RecordStore, files: FileSystem = DISK): Promise<void> {
  const { control, records, buckets } = store.view.memory;
  const header: Header = {
    format: FORMAT,
    layout: MAGIC_VALUE,
    version: control[VERSION]!,
    tag,
    coins: store.linkedCount,
    buckets: control[BUCKET_COUNT]!,
    splitNext: store.splitNext,
    seed: [control[SEED]!, control[SEED + 1]!],
    arena: store.arena.books(),
  };
  const temporary = temporaryPath(path);
  const file = await files.open(temporary, "w", 0o600);
  try {
    const out = new ImageStream(file, createHash("sha256"));
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    await out.write(length);
    await out.write(text);
    await out.write(out.digest());
    await out.write(records.bytes.subarray(0, store.arena.wordCount * 4));
    await out.write(buckets.bytes.subarray(0, header.buckets * 8));
    await out.write(out.digest());
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await syncFolder(dirname(path), files);
}

/** An image is here until it is whole and safe. */
function temporaryPath(path: string): string {
  return `${path}.new`;
}

/** What a table goes on from. */
export interface LoadedImage {
  readonly coins: number;
  readonly buckets: number;
  readonly splitNext: number;
  readonly seed: readonly [number, number];
  readonly arena: ArenaBooks;
  readonly memory: { readonly records: SharedWords; readonly buckets: SharedWords };
}

/** The image at `path`, if it is whole and of this identity; its memory may grow to `recordBytesMax`. */
export async function readImage(
  path: string,
  identity: ImageIdentity,
  recordBytesMax: number,
  { files = DISK, progress }: ImageDisk = {},
): Promise<LoadedImage | undefined> {
  const file = await files.open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const input = new ImageStream(file, createHash("sha256"), progress);
    const header = await readHeader(input);
    if (header === undefined || header.version !== identity.version || header.tag !== identity.tag) return undefined;
    const records = SharedWords.create(recordBytesMax);
    const buckets = SharedWords.create(SHARED_BYTES_MAX);
    return (await readBody(input, header, records, buckets)) ? { ...header, memory: { records, buckets } } : undefined;
  } finally {
    await file.close();
  }
}

/** Also what is left of one that was never finished. */
export async function removeImage(path: string, files: FileSystem = DISK): Promise<void> {
  await files.rm(path, { force: true });
  await files.rm(temporaryPath(path), { force: true });
}

async function readHeader(input: ImageStream): Promise<Header | undefined> {
  const length = new Uint8Array(4);
  if (!(await input.read(length))) return undefined;
  const text = new Uint8Array(Math.min(Buffer.from(length).readUInt32LE(), STEP_BYTES));
  if (!(await input.read(text)) || !(await isDigestNext(input))) return undefined;
  const header = JSON.parse(Buffer.from(text).toString("utf8")) as Header;
  return header.format === FORMAT && header.layout === MAGIC_VALUE ? header : undefined;
}

/** Whether the digest of all that was read so far comes next in the file. */
async function isDigestNext(input: ImageStream): Promise<boolean> {
  const expected = input.digest();
  const found = new Uint8Array(DIGEST_BYTES);
  return (await input.read(found)) && Buffer.compare(expected, found) === 0;
}

/** False when the file ends early or its digest is wrong. */
async function readBody(input: ImageStream, header: Header, records: SharedWords, buckets: SharedWords): Promise<boolean> {
  const recordBytes = header.arena.size.length * CHUNK_WORDS * 4;
  if (!(await readInto(input, records, recordBytes)) || !(await readInto(input, buckets, header.buckets * 8))) return false;
  return isDigestNext(input);
}

async function readInto(input: ImageStream, words: SharedWords, bytes: number): Promise<boolean> {
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > (await input.size())) return false;
  words.ensure(bytes / 4);
  return input.read(words.bytes.subarray(0, bytes));
}

/** A file from its beginning, hashed as it goes by, in steps. */
class ImageStream {
  readonly #file: FileHandle;
  readonly #hash: Hash;
  readonly #progress: Progress | undefined;
  at = 0;

  constructor(file: FileHandle, hash: Hash, progress?: Progress) {
    this.#file = file;
    this.#hash = hash;
    this.#progress = progress;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; from += STEP_BYTES) {
      const step = bytes.subarray(from, from + STEP_BYTES);
      this.#hash.update(step);
      for (let done = 0; done < step.length; ) {
        const { bytesWritten } = await this.#file.write(step, done, step.length - done, this.at);
        if (bytesWritten === 0) throw Object.assign(new Error("nothing could be written"), { code: "ENOSPC" });
        done += bytesWritten;
        this.at += bytesWritten;
      }
    }
  }

  /** Fills `bytes`; false at the end of the file. */
  async read(bytes: Uint8Array): Promise<boolean> {
    for (let from = 0; from < bytes.length; from += STEP_BYTES) {
      const step = bytes.subarray(from, from + STEP_BYTES);
      for (let done = 0; done < step.length; ) {
        const { bytesRead } = await this.#file.read(step, done, step.length - done, this.at);
        if (bytesRead === 0) return false;
        done += bytesRead;
        this.at += bytesRead;
      }
      this.#hash.update(step);
      this.#progress?.say(() => `reading the image of the coins: ${Math.round(this.at / 2 ** 20)} MiB`);
    }
    return true;
  }

  /** Of all that went by so far. */
  digest(): Uint8Array {
    return this.#hash.copy().digest();
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }
}
