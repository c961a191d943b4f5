import { createRequire } from "node:module";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sha256, taggedHash } from "../../src/core/encoding/hash.ts";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { checkSignatureEncoding, lowerS, readDer } from "../../src/core/script/der.ts";
import { Flag } from "../../src/core/script/flags.ts";
import { problemOfChallenge } from "../../src/core/verify/bip340-recovery.ts";
import type { EngineName } from "../../src/core/verify/engine.ts";
import { pureEngine } from "../../src/core/verify/engine-pure.ts";
import { defaultSignatureEngine, findSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData, testData, testJson } from "../support/test-data.ts";
import { compareEngines } from "./compare-engines.ts";

const { Point } = secp256k1;
const ORDER = Point.Fn.ORDER;
const FIELD = Point.Fp.ORDER;
const names: readonly EngineName[] = ["native", "ffi", "pure"];
/** ffi is here only where the system has libsecp256k1. */
const engines = names.flatMap((name) => findSignatureEngine(name) ?? []);

const bytes32 = (value: bigint) => hexToBytes(value.toString(16).padStart(64, "0"));
const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const mod = (value: bigint) => ((value % ORDER) + ORDER) % ORDER;
/** x of a point, which counts as the one with even y, and the scalar that makes that one. */
function evenKey(secret: bigint): { x: Uint8Array; secret: bigint } {
  const encoded = Point.BASE.multiply(secret).toBytes(true);
  return { x: encoded.subarray(1), secret: encoded[0] === 2 ? secret : ORDER - secret };
}
const challengeOf = (r: Uint8Array, key: Uint8Array, message: Uint8Array) =>
  mod(number(taggedHash("BIP0340/challenge", r, key, message)));

test("the default engine here is the native addon, not a slow substitute", () => {
  expect(defaultSignatureEngine().name).toBe("native");
});

describe("CHAINCORE_SIGNATURES", () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each(engines)("chooses $name", ({ name }) => {
    vi.stubEnv("CHAINCORE_SIGNATURES", name);
    expect(defaultSignatureEngine().name).toBe(name);
  });

  test("is refused where there is no such engine", () => {
    vi.stubEnv("CHAINCORE_SIGNATURES", "openssl");
    expect(defaultSignatureEngine).toThrow(
      "CHAINCORE_SIGNATURES=openssl: there is no such engine; it is one of native, ffi, pure",
    );
  });
});

describe.skipIf(!hasTestData).each(engines)("engine $name", (engine) => {
  test("decides all of BIP340's vectors", () => {
    const lines = testData("vectors/core/bip340_test_vectors.csv").toString("utf8").trim().split(/\r?\n/).slice(1);
    for (const line of lines) {
      const [index, , key, , message, signature, result] = line.split(",");
      const verdict = engine.schnorr(hexToBytes(signature!), hexToBytes(key!), hexToBytes(message!));
      expect(verdict, `vector ${index}`).toBe(result === "TRUE");
    }
    console.info(`bip340_test_vectors.csv, ${engine.name}: ${lines.length} cases`);
    expect(lines.length).toBe(19);
  });

  test("decides all of Wycheproof's ECDSA cases, with strict DER and low s as policy asks", () => {
    const { testGroups } = testJson<Wycheproof>("vectors/core/ecdsa_secp256k1_sha256_bitcoin_test.json");
    const counts = { valid: 0, invalid: 0 };
    for (const group of testGroups) {
      const key = hexToBytes(group.publicKey.uncompressed);
      for (const { tcId, msg, sig, result } of group.tests) {
        const signature = hexToBytes(sig);
        const compact = readDer(signature);
        const isWellFormed =
          checkSignatureEncoding(Buffer.concat([signature, Uint8Array.of(1)]), Flag.DERSIG | Flag.LOW_S) === "OK";
        const holds = compact !== undefined && isWellFormed && engine.ecdsa(compact, key, sha256(hexToBytes(msg)));
        expect(holds, `case ${tcId}`).toBe(result === "valid");
        counts[result]++;
      }
    }
    console.info(`ecdsa_secp256k1_sha256_bitcoin_test.json, ${engine.name}: ${counts.valid} valid, ${counts.invalid} invalid`);
    expect(counts).toEqual({ valid: 162, invalid: 301 });
  });

  test("takes hybrid keys whose first byte tells the parity of y, and no others", () => {
    for (let secret = 1; secret <= 8; secret++) {
      const hash = sha256(Uint8Array.of(secret));
      const signature = secp256k1.sign(hash, bytes32(BigInt(secret)), { prehash: false });
      const key = Uint8Array.from(secp256k1.getPublicKey(bytes32(BigInt(secret)), false));
      const parity = key[64]! & 1;
      const as = (first: number) =>
        engine.ecdsa(
          signature,
          Uint8Array.from(key, (byte, i) => (i === 0 ? first : byte)),
          hash,
        );
      expect([4, 6 + parity, 7 - parity, 5, 0].map(as)).toEqual([true, true, false, false, false]);
    }
  });

  test("takes a high s once it is lowered", () => {
    const hash = sha256(Uint8Array.of(1));
    const signature = secp256k1.sign(hash, bytes32(7n), { prehash: false });
    const high = Buffer.concat([signature.subarray(0, 32), bytes32(ORDER - number(signature.subarray(32)))]);
    lowerS(high);
    expect(Buffer.from(high)).toEqual(Buffer.from(signature));
    expect(engine.ecdsa(high, secp256k1.getPublicKey(bytes32(7n)), hash)).toBe(true);
  });

  test("says no to scalars of 0 and out of range, and to what is no key", () => {
    const hash = sha256(Uint8Array.of(1));
    const key = secp256k1.getPublicKey(bytes32(7n));
    const signature = secp256k1.sign(hash, bytes32(7n), { prehash: false });
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
    const zero = new Uint8Array(32);
    expect(engine.ecdsa(signature, key, hash)).toBe(true);
    for (const bad of [
      [zero, s],
      [r, zero],
      [zero, zero],
      [bytes32(ORDER), s],
      [r, bytes32(ORDER)],
    ]) {
      expect(engine.ecdsa(Buffer.concat(bad), key, hash)).toBe(false);
    }
    for (const bad of [
      zero,
      key.subarray(0, 32),
      Buffer.concat([key, zero]),
      Buffer.concat([Uint8Array.of(2), bytes32(FIELD)]),
    ]) {
      expect(engine.ecdsa(signature, bad, hash)).toBe(false);
    }
  });

  test("Schnorr: a commitment at infinity is no signature", () => {
    const { x: key, secret } = evenKey(5n);
    const message = sha256(Uint8Array.of(3));
    const r = evenKey(11n).x;
    const s = bytes32(mod(challengeOf(r, key, message) * secret)); // s G - e P is infinity.
    expect(engine.schnorr(Buffer.concat([r, s]), key, message)).toBe(false);
  });

  test("Schnorr: an odd y, an r that is no x, r >= p, s >= n and x(P) >= n are refused", () => {
    const { x: key, secret } = evenKey(5n);
    const message = sha256(Uint8Array.of(4));
    const sign = (nonce: bigint, r: Uint8Array) =>
      Buffer.concat([r, bytes32(mod(nonce + challengeOf(r, key, message) * secret))]);
    const nonce = evenKey(12n);
    expect(engine.schnorr(sign(nonce.secret, nonce.x), key, message)).toBe(true);
    expect(engine.schnorr(sign(ORDER - nonce.secret, nonce.x), key, message), "odd y").toBe(false);
    expect(engine.schnorr(sign(nonce.secret, bytes32(5n)), key, message), "5 is no x").toBe(false);
    for (const r of [FIELD, FIELD + 1n, 2n ** 256n - 1n])
      expect(engine.schnorr(sign(nonce.secret, bytes32(r)), key, message)).toBe(false);
    const good = sign(nonce.secret, nonce.x);
    const s = number(good.subarray(32));
    for (const bad of [ORDER, 2n ** 256n - 1n, s + ORDER].filter((value) => value < 2n ** 256n)) {
      expect(engine.schnorr(Buffer.concat([nonce.x, bytes32(bad)]), key, message)).toBe(false);
    }
    for (const x of [keyBetweenOrderAndField(), FIELD, 0n]) expect(engine.schnorr(good, bytes32(x), message)).toBe(false);
  });

  test("taproot: a tweak of 0 changes nothing; one that is >= n or leads to infinity has no output", () => {
    const { x: internal, secret } = evenKey(13n);
    const message = new Uint8Array(32);
    expect(engine.isTweaked(internal, 0, internal, message)).toBe(true);
    expect(engine.isTweaked(internal, 1, internal, message)).toBe(false);
    expect(engine.isTweaked(internal, 0, internal, bytes32(ORDER))).toBe(false);
    expect(engine.isTweaked(internal, 0, internal, bytes32(ORDER - secret)), "infinity").toBe(false);
    expect(engine.isTweaked(internal, 0, bytes32(5n), message), "no point").toBe(false);
    const output = Point.BASE.multiply(mod(secret + 3n)).toBytes(true);
    expect(engine.isTweaked(output.subarray(1), output[0]! - 2, internal, bytes32(3n))).toBe(true);
  });
});

/** The x of a point that is not below the order of the group: there are 2^128 of them, and nobody knows a secret for one. */
function keyBetweenOrderAndField(): bigint {
  for (let x = ORDER; ; x++) {
    try {
      Point.fromBytes(Buffer.concat([Uint8Array.of(2), bytes32(x)]));
      return x;
    } catch {
      // No point; the next one.
    }
  }
}

const addon = createRequire(import.meta.url)("secp256k1/bindings.js") as {
  ecdsaRecover(signature: Uint8Array, id: number, message: Uint8Array, compressed: boolean): Uint8Array;
};

describe("BIP340 through ECDSA recovery", () => {
  const { x: key, secret } = evenKey(21n);

  /** Whether the recovery that a challenge asks for ends at r: by the addon, and by noble. */
  function recovers(signature: Uint8Array, challenge: bigint): boolean | string {
    const problem = problemOfChallenge(signature, key, challenge);
    if (typeof problem === "string") return problem;
    const wanted = `02${Buffer.from(signature.subarray(0, 32)).toString("hex")}`;
    const [r, s] = [number(problem.signature.subarray(0, 32)), number(problem.signature.subarray(32))];
    const isFound = [
      () => addon.ecdsaRecover(problem.signature, 0, problem.message, true),
      () => new secp256k1.Signature(r, s, 0).recoverPublicKey(problem.message).toBytes(true),
    ].map((recover) => {
      try {
        return Buffer.from(recover()).toString("hex") === wanted;
      } catch {
        return false;
      }
    });
    expect(isFound[0]).toBe(isFound[1]);
    return isFound[0]!;
  }

  test("holds for every challenge, and s = 0 is a legal message", () => {
    for (const challenge of [1n, 2n, ORDER - 1n, 0x1234567890abcdefn]) {
      const nonce = evenKey(mod(77n + challenge) + 1n);
      const s = mod(nonce.secret + challenge * secret);
      expect(recovers(Buffer.concat([nonce.x, bytes32(s)]), challenge)).toBe(true);
      expect(recovers(Buffer.concat([nonce.x, bytes32(mod(s + 1n))]), challenge)).toBe(false);
    }
    const challenge = 99n; // R = -e P gives s = 0, where -e d has an even y.
    const opposite = mod(-challenge * secret);
    const isEven = evenKey(opposite).secret === opposite;
    const fitting = isEven ? challenge : ORDER - challenge;
    const signature = Buffer.concat([evenKey(mod(-fitting * secret)).x, new Uint8Array(32)]);
    expect(recovers(signature, fitting)).toBe(true);
  });

  test("asks another engine where it cannot tell, and nobody where s is out of range", () => {
    const signature = Buffer.concat([evenKey(3n).x, bytes32(4n)]);
    expect(problemOfChallenge(signature, key, 0n)).toBe("unsuited");
    expect(problemOfChallenge(signature, bytes32(ORDER), 1n)).toBe("unsuited");
    expect(problemOfChallenge(Buffer.concat([evenKey(3n).x, bytes32(ORDER)]), key, 1n)).toBe("invalid");
  });

  test("infinity cannot be recovered", () => {
    const challenge = 31n;
    expect(recovers(Buffer.concat([evenKey(3n).x, bytes32(mod(challenge * secret))]), challenge)).toBe(false);
  });
});

test("all engines agree with noble on good, changed and random input", () => {
  const counts = compareEngines(engines, pureEngine, 20_260_104, 150);
  console.info(
    `engines ${engines.map(({ name }) => name).join(", ")} agree on ${counts.cases} cases, ${counts.good} of them good`,
  );
  expect(counts.good).toBeGreaterThan(counts.cases / 5);
});

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed: string };
    readonly tests: readonly { tcId: number; msg: string; sig: string; result: "valid" | "invalid" }[];
  }[];
}
