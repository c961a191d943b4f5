import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import type { SignatureEngine } from "./engine.ts";

const { Point } = secp256k1;

/** JavaScript alone. noble refuses hybrid keys, which consensus accepts, and throws where others say no. */
export const pureEngine: SignatureEngine = {
  name: "pure",

  ecdsa(signature, publicKey, hash) {
    const key = plainKey(publicKey);
    return key !== undefined && isTrue(() => secp256k1.verify(signature, hash, key, { prehash: false }));
  },

  schnorr(signature, publicKey, message) {
    return isTrue(() => schnorr.verify(signature, message, publicKey));
  },

  isTweaked(output, parity, internal, tweak) {
    return isTrue(() => {
      const scalar = BigInt(`0x${Buffer.from(tweak).toString("hex")}`);
      if (scalar >= Point.Fn.ORDER) return false;
      const base = Point.fromBytes(Buffer.concat([Uint8Array.of(2), internal]));
      const sum = (scalar === 0n ? base : base.add(Point.BASE.multiply(scalar))).toBytes(true);
      return sum[0] === 2 + parity && Buffer.compare(sum.subarray(1), output) === 0;
    });
  },
};

function isTrue(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

/** Hybrid keys say in their first byte whether y is even (06) or odd (07); a lie makes them no key. */
function plainKey(key: Uint8Array): Uint8Array | undefined {
  const first = key[0];
  if (key.length !== 65 || (first !== 6 && first !== 7)) return key;
  if ((key[64]! & 1) !== first - 6) return undefined;
  const plain = Uint8Array.from(key);
  plain[0] = 4;
  return plain;
}
