import { Reader } from "../encoding/reader.ts";
import { DISK, type FileSystem, FRAME_LENGTH } from "./block-files.ts";
import { diskError } from "./store-error.ts";

/** A block weighs at most 4,000,000, so its body has at most as many bytes: a longer length is no frame. */
export const BODY_BYTES_MAX = 4_000_000;
const CHUNK_BYTES = 8 * 1024 * 1024;

/** One body as a block file holds it. */
export interface ScannedBody {
  /** Of the body's first byte. */
  readonly offset: number;
  readonly raw: Uint8Array;
}

/**
 * Every framed body of a block file in Bitcoin Core's format, in file order, in runs as large as a chunk holds. Bytes that belong
 * to no frame are stepped over up to the next magic; a last frame that is cut off ends the scan.
 * @throws StoreError when the file cannot be read.
 */
export async function* scanBlockFile(
  path: string,
  magic: Uint8Array,
  files: FileSystem = DISK,
): AsyncGenerator<readonly ScannedBody[]> {
  await using file = await files.open(path, "r").catch((error) => {
    throw diskError(error, path);
  });
  let start = 0; // Where `window` begins in the file.
  let window: Uint8Array = new Uint8Array(0);
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, start + window.length).catch((error) => {
      throw diskError(error, path);
    });
    window = window.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([window, chunk.subarray(0, bytesRead)]);
    const { bodies, used } = takeBodies(window, start, magic);
    if (bodies.length > 0) yield bodies;
    if (bytesRead === 0) return;
    window = window.subarray(used);
    start += used;
  }
}

/** The whole frames of `window`, and how many of its bytes need not be looked at again. */
function takeBodies(window: Uint8Array, start: number, magic: Uint8Array): { bodies: readonly ScannedBody[]; used: number } {
  const bytes = Buffer.from(window.buffer, window.byteOffset, window.length);
  const bodies: ScannedBody[] = [];
  let at = 0;
  for (;;) {
    const found = bytes.indexOf(magic, at);
    if (found < 0) return { bodies, used: Math.max(at, window.length - magic.length + 1) };
    at = found;
    if (window.length - at < FRAME_LENGTH) return { bodies, used: at };
    const size = new Reader(window, at + 4).u32();
    if (size > BODY_BYTES_MAX) {
      at += magic.length;
      continue;
    }
    const body = at + FRAME_LENGTH;
    if (window.length < body + size) return { bodies, used: at };
    bodies.push({ offset: start + body, raw: window.subarray(body, body + size) });
    at = body + size;
  }
}
