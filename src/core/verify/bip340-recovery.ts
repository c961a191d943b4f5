import { taggedHash } from "../encoding/hash.ts";

/**
 * BIP340 by means of ECDSA key recovery, for a library that has only the latter.
 *
 * Recovery of a key from a signature (r', s') of a message m' whose point R' has x = r' and even y gives
 *     Q = (s' R' - m' G) / r'.
 * With the Schnorr key P, of even y, in the place of R', and e = H(r, P, m):
 *     r' = x(P),  s' = -e x(P),  m' = -s x(P)   gives   Q = s G - e P,
 * which is the Schnorr signature's own R exactly when it holds: even y and x = r, compared as the 33 bytes 02 || r.
 * No inverse is needed on our side, so that nothing is gained by batches.
 *
 * - s >= n is no signature. An r that is no x of a point, or is >= p, equals no encoding of a point.
 * - A Q at infinity cannot be recovered: no signature, as BIP340 demands.
 * - m' = 0 (s = 0) is a message like any other.
 * - s' = 0 (e = 0) and x(P) >= n, one in 2^128, cannot be put as an ECDSA signature: another engine must decide.
 * - x(P) = 0 is no point; a signature with r' = 0 is refused.
 */
export interface RecoveryProblem {
  /** r' || s'; recovery id 0. */
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The recovery whose result must be 02 || r; "invalid" where none is needed to say no, "unsuited" where it cannot tell. */
export function recoveryProblem(
  signature: Uint8Array,
  publicKey: Uint8Array,
  message: Uint8Array,
): RecoveryProblem | "invalid" | "unsuited" {
  const challenge = taggedHash("BIP0340/challenge", signature.subarray(0, 32), publicKey, message);
  return problemOfChallenge(signature, publicKey, readScalar(challenge, 0) % ORDER);
}

/** The same for a given e: hashes that are 0 can only be made up. */
export function problemOfChallenge(
  signature: Uint8Array,
  publicKey: Uint8Array,
  challenge: bigint,
): RecoveryProblem | "invalid" | "unsuited" {
  const s = readScalar(signature, 32);
  if (s >= ORDER) return "invalid";
  const x = readScalar(publicKey, 0);
  if (x >= ORDER || challenge === 0n) return "unsuited";
  const parts = Buffer.allocUnsafe(96);
  parts.set(publicKey, 0);
  writeScalar(parts, 32, ORDER - ((challenge * x) % ORDER));
  writeScalar(parts, 64, (ORDER - ((s * x) % ORDER)) % ORDER);
  return { signature: parts.subarray(0, 64), message: parts.subarray(64) };
}

function readScalar(bytes: Uint8Array, at: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 32);
  const high = (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
  return (high << 128n) | (view.getBigUint64(16) << 64n) | view.getBigUint64(24);
}

function writeScalar(bytes: Buffer, at: number, value: bigint): void {
  bytes.writeBigUInt64BE(value >> 192n, at);
  bytes.writeBigUInt64BE((value >> 128n) & 0xffffffffffffffffn, at + 8);
  bytes.writeBigUInt64BE((value >> 64n) & 0xffffffffffffffffn, at + 16);
  bytes.writeBigUInt64BE(value & 0xffffffffffffffffn, at + 24);
}
