import { createRequire } from "node:module";
import { recoveryProblem } from "./bip340-recovery.ts";
import type { SignatureEngine } from "./engine.ts";
import { pureEngine } from "./engine-pure.ts";

/** What we use of npm's secp256k1, version 5. It throws for keys off the curve and scalars out of range. */
interface Secp256k1Addon {
  ecdsaVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    message: Uint8Array,
    compressed: boolean,
    output: Uint8Array,
  ): Uint8Array;
  publicKeyTweakAdd(publicKey: Uint8Array, tweak: Uint8Array, compressed: boolean, output: Uint8Array): Uint8Array;
}

let engine: SignatureEngine | false | undefined;

/** The package's compiled binding itself: its door would fall silently to slow JavaScript where that does not load. */
export function findNativeEngine(): SignatureEngine | undefined {
  engine ??= load();
  return engine || undefined;
}

function load(): SignatureEngine | false {
  try {
    return nativeEngine(createRequire(import.meta.url)("secp256k1/bindings.js") as Secp256k1Addon);
  } catch {
    return false; // No prebuilt binary for this platform.
  }
}

function nativeEngine(addon: Secp256k1Addon): SignatureEngine {
  const point = Buffer.alloc(33);
  const result = Buffer.alloc(33);
  point[0] = 2;
  return {
    name: "native",

    ecdsa(signature, publicKey, hash) {
      try {
        return addon.ecdsaVerify(signature, hash, publicKey);
      } catch {
        return false;
      }
    },

    schnorr(signature, publicKey, message) {
      const problem = recoveryProblem(signature, publicKey, message);
      if (problem === "invalid") return false;
      if (problem === "unsuited") return pureEngine.schnorr(signature, publicKey, message);
      try {
        addon.ecdsaRecover(problem.signature, 0, problem.message, true, result);
      } catch {
        return false;
      }
      return result[0] === 2 && result.compare(signature, 0, 32, 1, 33) === 0;
    },

    isTweaked(output, parity, internal, tweak) {
      point.set(internal, 1);
      try {
        addon.publicKeyTweakAdd(point, tweak, true, result);
      } catch {
        return false;
      }
      return result[0] === 2 + parity && result.compare(output, 0, 32, 1, 33) === 0;
    },
  };
}
