/**
 * BIP34: how a coinbase's script must begin at this height. As Core pushes a number: OP_0, OP_1 to OP_16, above that the
 * number itself in little-endian bytes with room for a sign.
 */
export function encodeHeight(height: number): Uint8Array {
  if (height === 0) return Uint8Array.of(0x00);
  if (height <= 16) return Uint8Array.of(0x50 + height);
  const bytes: number[] = [];
  for (let rest = height; rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  if (bytes.at(-1)! >= 0x80) bytes.push(0);
  return Uint8Array.of(bytes.length, ...bytes);
}
