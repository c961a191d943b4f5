/**
 * The numbers of script: little-endian, sign and magnitude, at most 4 bytes where they are read (5 for lock times), one more
 * where a sum is written. All of them are exact in a double.
 */

/** Operands of arithmetic. */
export const NUMBER_BYTES = 4;
/** Operands of OP_CHECKLOCKTIMEVERIFY and OP_CHECKSEQUENCEVERIFY. */
export const LOCKTIME_BYTES = 5;

export const FALSE = new Uint8Array(0);
export const TRUE = Uint8Array.of(1);

/** The number, or NaN when it has more than `bytesMax` bytes or, where `minimal` is asked for, bytes to spare. */
export function decodeNumber(bytes: Uint8Array, minimal: boolean, bytesMax = NUMBER_BYTES): number {
  const length = bytes.length;
  if (length > bytesMax) return Number.NaN;
  if (length === 0) return 0;
  const last = bytes[length - 1]!;
  // A last byte with nothing but a sign is needed only when the byte before it uses its own top bit.
  if (minimal && (last & 0x7f) === 0 && (length === 1 || (bytes[length - 2]! & 0x80) === 0)) return Number.NaN;
  let magnitude = last & 0x7f;
  for (let i = length - 2; i >= 0; i--) magnitude = magnitude * 256 + bytes[i]!;
  return last & 0x80 ? -magnitude || 0 : magnitude;
}

export function encodeNumber(value: number): Uint8Array {
  if (value === 0) return FALSE;
  if (value === 1) return TRUE;
  const bytes: number[] = [];
  for (let rest = Math.abs(value); rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  if (bytes[bytes.length - 1]! & 0x80) bytes.push(0);
  if (value < 0) bytes[bytes.length - 1]! |= 0x80;
  return Uint8Array.from(bytes);
}

/** False is any run of zeros, with or without a sign at its end. */
export function isTrue(bytes: Uint8Array): boolean {
  const last = bytes.length - 1;
  for (let i = 0; i <= last; i++) {
    if (bytes[i] !== 0) return i !== last || bytes[i] !== 0x80;
  }
  return false;
}

export function encodeBoolean(value: boolean): Uint8Array {
  return value ? TRUE : FALSE;
}
