/** So that a checksum stored among checksummed bytes does not weaken theirs (LevelDB, util/crc32c.h). */
export function mask(crc: number): number {
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

export function crc32c(bytes: Uint8Array, start: number, end: number): number {
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
