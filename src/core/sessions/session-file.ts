/*
 * A whole session as one file:
 *
 *   "chaincore session ", the format's number in digits, a space, the first 8 digits of the SHA-256 of what stands before it
 *   in this line, newline
 *   the header as one line of JSON: the session's name, then path, size and SHA-256 of each file
 *   a gzip stream: the files' bytes, one after the other
 *   SHA-256 of everything before it, 32 bytes
 *
 * Nothing is believed before the last 32 bytes have been found right, so that a flipped byte anywhere, a file cut short and a
 * file with more at its end are told apart from a sound one before anything is written. The first line is read first, and has a
 * checksum of its own: what a later release puts behind it is its own affair, and a flipped digit is no later release.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { ChainCoreError } from "../errors.ts";
import { syncFolder } from "../files/atomic-file.ts";

export const SESSION_FILE_FORMAT = 1;
const MAGIC = "chaincore session ";
const DIGEST_BYTES = 32;
/** 64 nodes with 1,000 files each, at 200 bytes a file, are 13 MB. */
const HEADER_BYTES_MAX = 16_000_000;
/** The longest first line: the magic word, a number of at most 9 digits, a space, 8 digits, a newline. */
const FIRST_LINE_BYTES_MAX = MAGIC.length + 19;

export interface PackedFile {
  /** Under the session's folder, with slashes. */
  readonly path: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface SessionFileHeader {
  readonly session: string;
  readonly files: readonly PackedFile[];
}

/** A file to pack, as a stream that can be read more than once. */
export interface PackSource {
  readonly path: string;
  read(): AsyncIterable<Buffer>;
}

function firstLine(format: number): string {
  const text = `${MAGIC}${format}`;
  return `${text} ${createHash("sha256").update(text).digest("hex").slice(0, 8)}\n`;
}

/**
 * Writes `path` (0600) by way of `temporary` beside it, whole or not at all; one that stands is replaced. Each source is read twice: once for the header.
 * `lastCheck` runs when all is written and before the file appears; what it throws leaves nothing behind.
 * @throws ChainCoreError session-changed when a source gives other bytes the second time
 */
export async function writeSessionFile(
  { path, temporary }: { readonly path: string; readonly temporary: string },
  session: string,
  sources: readonly PackSource[],
  lastCheck: () => Promise<void>,
): Promise<SessionFileHeader> {
  const files = [];
  for (const source of sources) files.push({ path: source.path, ...(await measure(source.read())) });
  const header: SessionFileHeader = { session, files };
  const prefix = Buffer.from(`${firstLine(SESSION_FILE_FORMAT)}${JSON.stringify(header)}\n`);
  try {
    await pipeline(
      Readable.from(contents(sources, files)),
      createGzip({ level: 6 }),
      (packed: AsyncIterable<Buffer>) => framed(prefix, packed),
      createWriteStream(temporary, { flags: "wx", mode: 0o600, flush: true }),
    );
    await lastCheck();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
  return header;
}

async function* contents(sources: readonly PackSource[], files: readonly PackedFile[]): AsyncGenerator<Buffer> {
  for (const [index, source] of sources.entries()) {
    const hash = createHash("sha256");
    for await (const chunk of source.read()) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest("hex") === files[index]!.sha256) continue;
    throw new ChainCoreError("session-changed", `${source.path} of the session changed while it was read; try again`);
  }
}

async function* framed(prefix: Buffer, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash("sha256").update(prefix);
  yield prefix;
  for await (const chunk of packed) {
    hash.update(chunk);
    yield chunk;
  }
  yield hash.digest();
}

async function measure(chunks: AsyncIterable<Buffer>): Promise<Omit<PackedFile, "path">> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest("hex") };
}

/**
 * Unpacks into `folder`, which must not stand: made 0700, its files 0600, all of them fsynced.
 * @throws ChainCoreError session-file-damaged, session-file-too-new; then part of the folder may stand
 */
export async function readSessionFile(path: string, folder: (header: SessionFileHeader) => string): Promise<SessionFileHeader> {
  const { size } = await stat(path);
  const { header, headerEnd } = await readHeader(path, size);
  await checkDigest(path, size);
  const root = folder(header);
  await mkdir(root, { mode: 0o700 });
  const packed = createReadStream(path, { start: headerEnd, end: size - DIGEST_BYTES - 1 });
  try {
    await pipeline(packed, createGunzip(), (chunks: AsyncIterable<Buffer>) => unpack(chunks, header.files, root, path));
  } catch (error) {
    throw String((error as NodeJS.ErrnoException).code).startsWith("Z_") ? damaged(path, error) : error;
  }
  return header;
}

async function readHeader(path: string, size: number): Promise<{ header: SessionFileHeader; headerEnd: number }> {
  const file = await open(path);
  try {
    const start = await readStart(file, Math.min(size, FIRST_LINE_BYTES_MAX + HEADER_BYTES_MAX));
    const line = start.toString("latin1", 0, FIRST_LINE_BYTES_MAX).split("\n", 1)[0]!;
    const format = Number(/^chaincore session (\d{1,9}) [0-9a-f]{8}$/.exec(line)?.[1] ?? Number.NaN);
    if (`${line}\n` !== firstLine(format)) throw damaged(path);
    if (format > SESSION_FILE_FORMAT) {
      const versions = `format ${format}, this one knows ${SESSION_FILE_FORMAT}`;
      throw new ChainCoreError(
        "session-file-too-new",
        `${path} was written by a newer chaincore (${versions}); update chaincore`,
      );
    }
    const headerStart = line.length + 1;
    const end = start.indexOf(10, headerStart);
    if (format < 1 || end < 0) throw damaged(path);
    return { header: parseHeader(start.toString("utf8", headerStart, end), path), headerEnd: end + 1 };
  } finally {
    await file.close();
  }
}

async function readStart(file: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, 0);
  return buffer.subarray(0, bytesRead);
}

function parseHeader(text: string, path: string): SessionFileHeader {
  let header: Partial<SessionFileHeader> | null;
  try {
    header = JSON.parse(text) as Partial<SessionFileHeader> | null;
  } catch (error) {
    throw damaged(path, error);
  }
  const isSound = (file: PackedFile) => isInside(file?.path) && Number.isSafeInteger(file.size) && file.size >= 0;
  if (typeof header?.session !== "string" || !Array.isArray(header.files) || !header.files.every(isSound)) throw damaged(path);
  return header as SessionFileHeader;
}

/** A right checksum says nothing of intentions: no path leads out of the folder. */
function isInside(path: unknown): boolean {
  return typeof path === "string" && path.split("/").every((word) => /^[A-Za-z0-9._-]+$/.test(word) && !/^\.+$/.test(word));
}

async function checkDigest(path: string, size: number): Promise<void> {
  const end = size - DIGEST_BYTES;
  if (end <= 0) throw damaged(path);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { end: end - 1 })) hash.update(chunk as Buffer);
  let stored = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { start: end })) stored = Buffer.concat([stored, chunk as Buffer]);
  if (!hash.digest().equals(stored)) throw damaged(path);
}

async function unpack(chunks: AsyncIterable<Buffer>, files: readonly PackedFile[], root: string, from: string): Promise<void> {
  const stream = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const next = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const { value, done } = await stream.next();
      if (done) return false;
      rest = value;
    }
    return true;
  };
  const take = async function* (size: number) {
    for (let left = size; left > 0; ) {
      if (!(await next())) throw damaged(from);
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  };
  for (const file of files) {
    const target = join(root, file.path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    if ((await writeAll(target, take(file.size))) !== file.sha256) throw damaged(from);
    await syncFolder(dirname(target));
  }
  if (await next()) throw damaged(from);
}

/** Returns the SHA-256. */
async function writeAll(path: string, chunks: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      await file.writeFile(chunk); // From where the last one ended.
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

function damaged(path: string, cause?: unknown): ChainCoreError {
  const message = `${path} is no session file or is damaged; export the session again, or take another copy of the file`;
  return new ChainCoreError("session-file-damaged", message, { detail: { path }, cause });
}
