/** By byte: the remainder of the reflected polynomial 0xedb88320. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let word = byte;
  for (let bit = 0; bit < 8; bit++) word = (word & 1) === 1 ? (word >>> 1) ^ 0xedb88320 : word >>> 1;
  return word;
});

/**
 * CRC-32 (ISO 3309) of `bytes` from `start` to `end`, going on from `before`. For short records: the call into zlib.crc32, which
 * gives the same, costs more than all the bytes of a coin. Use that for whole blocks.
 */
export function shortCrc32(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let crc = ~before;
  for (let at = start; at < end; at++) crc = TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
