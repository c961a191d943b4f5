import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32c, mask } from "./crc32c.ts";
import { databaseDamaged, diskError } from "./store-error.ts";

/*
 * LevelDB reads its log anew at each start and leaves out, without a word, what does not hold its checksum: a flipped bit
 * drops a batch and keeps later ones. The coins may come from their image, and then nobody adds them up. So the log is looked
 * at before LevelDB opens it. The format: leveldb/doc/log_format.md.
 */

const BLOCK_BYTES = 32 * 1024;
/** Masked CRC-32C of type and content, length of the content (u16), type. */
const HEADER_BYTES = 7;

/**
 * A damaged record with a sound one behind it: something was lost in the middle. A damaged end may be what a loss of power
 * left; whether something confirmed was in it is told by the serial number.
 * @throws StoreError
 */
export async function checkLog(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    if (!/^\d+\.log$/.test(name)) continue;
    const path = join(directory, name);
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return new Uint8Array(); // Another node owns the folder, as opening will tell.
      throw diskError(error, path);
    });
    if (!isSoundLog(bytes)) throw databaseDamaged(directory, `the log ${name}`);
  }
}

/** Whether no sound record follows a damaged one. A block whose records cannot be followed any more is given up, as LevelDB does. */
export function isSoundLog(log: Uint8Array): boolean {
  let isDamaged = false;
  for (let start = 0; start < log.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, log.length);
    for (let at = start; at + HEADER_BYTES <= end; ) {
      const next = recordEnd(log, at, end);
      if (next === undefined) {
        isDamaged = true;
        break;
      }
      if (isDamaged) return false;
      at = next;
    }
  }
  return true;
}

/** Where the record at `at` ends; undefined when it is not what was written. */
function recordEnd(log: Uint8Array, at: number, end: number): number | undefined {
  const view = new DataView(log.buffer, log.byteOffset);
  const next = at + HEADER_BYTES + view.getUint16(at + 4, true);
  const type = log[at + 6]!;
  if (next > end || type < 1 || type > 4) return undefined;
  return view.getUint32(at, true) === mask(crc32c(log, at + 6, next)) ? next : undefined;
}
