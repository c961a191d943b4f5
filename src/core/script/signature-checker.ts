/**
 * The elliptic-curve arithmetic that scripts need, and nothing else: verify/signature-engine.ts brings implementations.
 * None of these throws: a key off the curve, a scalar out of range or a wrong length is `false`.
 */
export interface SignatureChecker {
  /**
   * ECDSA over secp256k1.
   * @param signature 64 bytes r || s, both in 1..n-1, s at most n/2.
   * @param publicKey 33 or 65 bytes, also in the hybrid forms 06 and 07, whose parity must be right.
   * @param hash 32 bytes.
   */
  ecdsa(signature: Uint8Array, publicKey: Uint8Array, hash: Uint8Array): boolean;
  /** BIP340. 64 bytes, 32 bytes x-only, 32 bytes. */
  schnorr(signature: Uint8Array, publicKey: Uint8Array, message: Uint8Array): boolean;
  /** BIP341: whether `output` (x-only) with that parity of y is lift_x(`internal`) + `tweak` * G. Each 32 bytes; parity 0 or 1. */
  isTweaked(output: Uint8Array, parity: number, internal: Uint8Array, tweak: Uint8Array): boolean;
}
