import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { expect } from "vitest";
import { sha256 } from "../../src/core/encoding/hash.ts";
import type { SignatureEngine } from "../../src/core/verify/engine.ts";
import { seededRandom } from "../script/flag-sets.ts";

type Check = (engine: SignatureEngine) => boolean;

/** Holds engines against `oracle` on `cases` seeded cases of every kind, half of them spoiled in one bit or made of random bytes. */
export function compareEngines(engines: readonly SignatureEngine[], oracle: SignatureEngine, seed: number, cases: number) {
  const random = seededRandom(seed);
  let good = 0;
  for (let i = 0; i < cases; i++) {
    const check = [ecdsaCase, schnorrCase, tweakCase][i % 3]!(random);
    const expected = check(oracle);
    if (expected) good++;
    for (const engine of engines) {
      expect(check(engine), `seed ${seed}, case ${i}: ${engine.name} against ${oracle.name}`).toBe(expected);
    }
  }
  return { cases, good };
}

type Random = (below: number) => number;

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}

/** One changed bit in one of the parts, random bytes for one of them, or nothing. */
function spoil(random: Random, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const kind = random(4);
  const chosen = random(parts.length);
  if (kind >= 2) return parts;
  return parts.map((part, i) => {
    if (i !== chosen) return part;
    const changed = kind === 0 ? Uint8Array.from(part) : randomBytes(random, part.length);
    if (kind === 0) changed[random(part.length)]! ^= 1 << random(8);
    return changed;
  });
}

function ecdsaCase(random: Random): Check {
  const secret = sha256(randomBytes(random, 8));
  const hash = randomBytes(random, 32);
  const key = Uint8Array.from(secp256k1.getPublicKey(secret, random(2) === 0));
  if (key.length === 65 && random(2) === 0) key[0] = 6 + random(2);
  const signed = secp256k1.sign(hash, secret, { prehash: false });
  const [r, s, publicKey, digest] = spoil(random, [signed.subarray(0, 32), signed.subarray(32), key, hash]);
  const signature = Buffer.concat([r!, s!]);
  if (signature[32]! >= 0x7f) signature[32] = 0; // Engines are given low s only.
  return (engine) => engine.ecdsa(signature, publicKey!, digest!);
}

function schnorrCase(random: Random): Check {
  const secret = sha256(randomBytes(random, 8));
  const hash = randomBytes(random, 32);
  const signed = schnorr.sign(hash, secret, randomBytes(random, 32));
  const [r, s, key, message] = spoil(random, [signed.subarray(0, 32), signed.subarray(32), schnorr.getPublicKey(secret), hash]);
  const signature = Buffer.concat([r!, s!]);
  return (engine) => engine.schnorr(signature, key!, message!);
}

function tweakCase(random: Random): Check {
  const internal = schnorr.getPublicKey(sha256(randomBytes(random, 8)));
  const tweak = randomBytes(random, 32);
  const sum = schnorr.utils
    .lift_x(BigInt(`0x${Buffer.from(internal).toString("hex")}`))
    .add(secp256k1.Point.BASE.multiply(BigInt(`0x${Buffer.from(tweak).toString("hex")}`)));
  const output = sum.toBytes(true);
  const parity = random(5) === 0 ? 3 - output[0]! : output[0]! - 2;
  const [x, base, scalar] = spoil(random, [output.subarray(1), internal, tweak]);
  return (engine) => engine.isTweaked(x!, parity, base!, scalar!);
}
