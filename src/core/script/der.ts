import { Flag, type ScriptFlags } from "./flags.ts";
import type { ScriptError } from "./script-error.ts";
import { Sighash } from "./sighash-cache.ts";

/** The order of secp256k1's group, big-endian, and its half, rounded down: the greatest "low" s. */
const ORDER = Buffer.from("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "hex");
const HALF_ORDER = Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex");

/**
 * A DER signature as r || s, both 32 bytes, s as it stands. Reads as OpenSSL once did: long forms of lengths, padding and
 * bytes behind are accepted, for blocks before BIP66. Undefined where even that fails, and for numbers that are not below
 * the order; 0 passes here and no engine accepts it.
 */
export function readDer(signature: Uint8Array): Uint8Array | undefined {
  if (signature.length < 2 || signature[0] !== 0x30) return undefined;
  let at = 2;
  const first = signature[1]!;
  if (first & 0x80) at += first - 0x80; // The sequence's own length is skipped, not believed.
  const compact = new Uint8Array(64);
  at = readInteger(signature, at, compact, 0);
  if (at > 0) at = readInteger(signature, at, compact, 32);
  return at > 0 && compareAt(compact, 0, ORDER) < 0 && compareAt(compact, 32, ORDER) < 0 ? compact : undefined;
}

/** Copies an integer to `target` and returns where the next one starts; -1 where it does not parse. One of more than 32 bytes becomes 2^256 - 1. */
function readInteger(bytes: Uint8Array, start: number, target: Uint8Array, to: number): number {
  if (start + 1 >= bytes.length || bytes[start] !== 0x02) return -1;
  let at = start + 2;
  let length = bytes[start + 1]!;
  if (length & 0x80) {
    const width = length - 0x80;
    if (width > bytes.length - at) return -1;
    length = 0;
    for (const end = at + width; at < end; at++) length = length * 256 + bytes[at]!; // However large: it is held against the end next.
  }
  if (length > bytes.length - at) return -1;
  const end = at + length;
  while (at < end && bytes[at] === 0) at++;
  if (end - at > 32) target.fill(0xff, to, to + 32);
  else target.set(bytes.subarray(at, end), to + 32 - (end - at));
  return end;
}

function compareAt(bytes: Uint8Array, at: number, bound: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = bytes[at + i]! - bound[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Replaces s by n - s where that is lower: both are valid in consensus, engines take the lower one. */
export function lowerS(compact: Uint8Array): void {
  if (compareAt(compact, 32, HALF_ORDER) <= 0) return;
  let borrow = 0;
  for (let i = 31; i >= 0; i--) {
    const difference = ORDER[i]! - compact[32 + i]! - borrow;
    compact[32 + i] = difference;
    borrow = difference < 0 ? 1 : 0;
  }
}

/** BIP66, byte for byte: 30 <length> 02 <length> r 02 <length> s <hash type>, numbers positive and as short as they can be. */
export function isStrictDer(signature: Uint8Array): boolean {
  const length = signature.length;
  if (length < 9 || length > 73) return false;
  if (signature[0] !== 0x30 || signature[1] !== length - 3) return false;
  const rLength = signature[3]!;
  if (5 + rLength >= length) return false;
  const sLength = signature[5 + rLength]!;
  if (rLength + sLength + 7 !== length) return false;
  return isStrictInteger(signature, 2, rLength) && isStrictInteger(signature, 4 + rLength, sLength);
}

function isStrictInteger(bytes: Uint8Array, tag: number, length: number): boolean {
  const first = bytes[tag + 2]!;
  if (bytes[tag] !== 0x02 || length === 0 || (first & 0x80) !== 0) return false;
  return length === 1 || first !== 0 || (bytes[tag + 3]! & 0x80) !== 0;
}

/** What the flags ask of a signature's form, hash type included. The empty signature is a known way to fail and passes. */
export function checkSignatureEncoding(signature: Uint8Array, flags: ScriptFlags): ScriptError {
  if (signature.length === 0) return "OK";
  if ((flags & (Flag.DERSIG | Flag.LOW_S | Flag.STRICTENC)) !== 0 && !isStrictDer(signature)) return "SIG_DER";
  if ((flags & Flag.LOW_S) !== 0) {
    const compact = readDer(signature.subarray(0, -1)); // Numbers out of range count as low: they fail later.
    if (compact !== undefined && compareAt(compact, 32, HALF_ORDER) > 0) return "SIG_HIGH_S";
  }
  if ((flags & Flag.STRICTENC) !== 0 && !isDefinedHashType(signature[signature.length - 1]!)) return "SIG_HASHTYPE";
  return "OK";
}

function isDefinedHashType(hashType: number): boolean {
  const base = hashType & ~Sighash.ANYONECANPAY;
  return base >= Sighash.ALL && base <= Sighash.SINGLE;
}
