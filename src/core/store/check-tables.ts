import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32c, mask } from "./crc32c.ts";
import type { Progress } from "./progress.ts";
import { databaseDamaged, diskError } from "./store-error.ts";

/*
 * LevelDB reads its table files without looking at their checksums (classic-level offers no switch for that), and some
 * flipped bits end the whole process inside it. So the checksums are looked at here, before it opens the folder; those of its log,
 * where it would leave out what is damaged, in check-log.ts. Its manifest it checks itself. The format:
 * leveldb/doc/table_format.md.
 */

/** Two block handles, padding, magic. */
const FOOTER_LENGTH = 48;
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** @throws StoreError when a block of a table is not what was written. Cost: reads every table, some 300 MB a second. */
export async function checkTables(directory: string, progress?: Progress): Promise<void> {
  const all = await readdir(directory).catch(() => []); // Opening tells what is wrong with the folder, or makes it.
  const names = all.filter((name) => /\.(ldb|sst)$/.test(name));
  for (const [index, name] of names.entries()) {
    progress?.say(() => `checking the database: ${index} of ${names.length} tables`);
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
