import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import type { SignatureChecker } from "../../src/core/script/signature-checker.ts";

/** The slow, simple engine of tests that are about rules, not about signatures. */
export const testChecker: SignatureChecker = {
  ecdsa(signature, publicKey, hash) {
    try {
      return secp256k1.verify(signature, hash, asPlainKey(publicKey), { lowS: false, prehash: false });
    } catch {
      return false;
    }
  },
  schnorr(signature, publicKey, message) {
    try {
      return schnorr.verify(signature, message, publicKey);
    } catch {
      return false;
    }
  },
  isTweaked(output, parity, internal, tweak) {
    try {
      const base = schnorr.utils.lift_x(BigInt(`0x${Buffer.from(internal).toString("hex")}`));
      const scalar = BigInt(`0x${Buffer.from(tweak).toString("hex")}`);
      const point = scalar === 0n ? base : base.add(secp256k1.Point.BASE.multiplyUnsafe(scalar));
      const bytes = point.toBytes(true);
      return bytes[0] === 2 + parity && Buffer.compare(bytes.subarray(1), output) === 0;
    } catch {
      return false;
    }
  },
};

/** noble refuses the hybrid forms 06 and 07; their parity must be right. */
function asPlainKey(key: Uint8Array): Uint8Array {
  if (key[0] !== 6 && key[0] !== 7) return key;
  if ((key[64]! & 1) !== key[0] - 6) throw new RangeError("parity");
  return Uint8Array.of(4, ...key.subarray(1));
}
