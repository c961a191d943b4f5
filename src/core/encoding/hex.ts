import { DecodeError } from "./reader.ts";

/** Lowercase hex, two characters a byte. */
export function bytesToHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** Whether `text` is an even number of hex digits, either case; "" is. */
export function isHex(text: string): boolean {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text);
}

/** @throws DecodeError at the first character that is no hex digit, or at the end of an odd number of them. */
export function hexToBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, "hex"); // Stops silently at the first bad pair, hence the length check.
  if (bytes.length * 2 !== text.length) {
    throw new DecodeError(
      "hex",
      bytes.length * 2,
      `not hex: a character other than 0-9 and a-f near position ${bytes.length * 2}`,
    );
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A 32-byte hash as users see it: bytes in reverse order, hex. */
export function toDisplayHash(internal: Uint8Array, offset = 0): string {
  const reversed = Buffer.allocUnsafe(32);
  for (let i = 0; i < 32; i++) reversed[i] = internal[offset + 31 - i]!;
  return reversed.toString("hex");
}

/** The 32 bytes behind a displayed hash, in the order in which they are hashed and stored.
 * @throws DecodeError unless `text` is 64 hex digits. */
export function fromDisplayHash(text: string): Uint8Array {
  const bytes = hexToBytes(text);
  if (bytes.length !== 32) throw new DecodeError("hash-length", 0, `a hash has 64 hex digits, this has ${text.length}`);
  return bytes.reverse();
}
