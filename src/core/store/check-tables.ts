import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { databaseDamaged, diskError } from "./store-error.ts";

/*
 * LevelDB reads its table files without looking at their checksums (classic-level offers no switch for that), and some
 * flipped bits end the whole process inside it. So the checksums are looked at here, before it opens the folder. Its log and
 * its manifest it checks itself. The format: leveldb/doc/table_format.md.
 */

/** Two block handles, padding, magic. */
const FOOTER_LENGTH = 48;
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** @throws StoreError when a block of a table is not what was written. Cost: reads every table, some 300 MB a second. */
export async function checkTables(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []); // Opening tells what is wrong with the folder, or makes it.
  for (const name of names) {
    if (!/\.(ldb|sst)$/.test(name)) continue;
    const path = join(directory, name);
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined; // Another node owns the folder, as opening will tell.
      throw diskError(error, path);
    });
    if (bytes !== undefined && !isSound(bytes)) throw databaseDamaged(directory, `the table ${name}`);
  }
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** A table without its footer was never finished; if LevelDB needs it all the same, it says so. */
function isSound(table: Uint8Array): boolean {
  const footer = table.subarray(-FOOTER_LENGTH);
  if (footer.length < FOOTER_LENGTH || Buffer.compare(footer.subarray(-MAGIC.length), MAGIC) !== 0) return true;
  try {
    const cursor = new Cursor(footer);
    const [meta, index] = [cursor.handle(), cursor.handle()];
    return [meta, index].every(
      (block) => blockHolds(table, block) && handlesOf(table, block).every((each) => blockHolds(table, each)),
    );
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Behind a block stand its compression type, one byte, and the masked CRC-32C of both. */
function blockHolds(table: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size + 1;
  if (end + 4 > table.length) return false;
  return new DataView(table.buffer, table.byteOffset).getUint32(end, true) === mask(crc32c(table, offset, end));
}

/** The blocks that an index block names: its values. Its keys are shared prefixes and rests, which need no decoding for that. */
function handlesOf(table: Uint8Array, { offset, size }: Handle): readonly Handle[] {
  const block = table.subarray(offset, offset + size);
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(size - 4, true);
  const cursor = new Cursor(block, size - 4 - 4 * restarts);
  const handles: Handle[] = [];
  while (!cursor.isAtEnd) {
    cursor.varint(); // Bytes shared with the key before.
    const keyLength = cursor.varint();
    const valueLength = cursor.varint();
    cursor.skip(keyLength);
    handles.push(new Cursor(cursor.take(valueLength)).handle());
  }
  return handles;
}

/** Reads varints. @throws RangeError behind the end. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = 0;

  constructor(bytes: Uint8Array, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#end) throw new RangeError("a block ends too early");
  }

  take(count: number): Uint8Array {
    this.skip(count);
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const [byte] = this.take(1);
      value += (byte! & 127) * scale;
      if (byte! < 128) return value;
    }
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() };
  }
}

/** So that a checksum stored among checksummed bytes does not weaken theirs (LevelDB, util/crc32c.h). */
function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli): by byte, and by byte followed by one to three zero bytes, so that four bytes are taken at a time. */
const SLICES = slices();

function slices(): readonly Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let word = byte;
    for (let bit = 0; bit < 8; bit++) word = (word & 1) === 1 ? (word >>> 1) ^ 0x82f63b78 : word >>> 1;
    return word;
  });
  const tables = [first];
  for (let i = 1; i < 4; i++) tables.push(tables[i - 1]!.map((word) => (word >>> 8) ^ first[word & 0xff]!));
  return tables;
}

function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const [t0, t1, t2, t3] = SLICES as [Int32Array, Int32Array, Int32Array, Int32Array];
  let crc = ~0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!;
  }
  for (; at < end; at++) crc = t0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
