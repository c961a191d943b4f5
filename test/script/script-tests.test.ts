import { secp256k1 } from "@noble/curves/secp256k1.js";
import { describe, expect, test } from "vitest";
import { sha256, taggedHash } from "../../src/core/encoding/hash.ts";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { NO_BLOCK, type Sats, type Txid } from "../../src/core/primitives/units.ts";
import { parseFlags, type ScriptFlags } from "../../src/core/script/flags.ts";
import type { ScriptError } from "../../src/core/script/script-error.ts";
import { verifyInput } from "../../src/core/script/verify-input.ts";
import { tapleafHash } from "../../src/core/script/witness-program.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData, testJson } from "../support/test-data.ts";
import { parseScript } from "./core-script.ts";
import { ALL_FLAGS, fillFlags, seededRandom, trimFlags } from "./flag-sets.ts";

const engine = defaultSignatureEngine();

interface ScriptCase {
  readonly title: string;
  readonly scriptSig: Uint8Array;
  readonly scriptPubKey: Uint8Array;
  readonly witness: readonly Uint8Array[];
  readonly value: Sats;
  readonly flags: ScriptFlags;
  readonly expected: string;
}

type Line = readonly (string | readonly (string | number)[])[];

function readCase(line: Line): ScriptCase {
  const [first, ...rest] = line;
  const stack = typeof first === "string" ? [] : (first as readonly (string | number)[]);
  const [scriptSig, scriptPubKey, flags, expected] = (typeof first === "string" ? line : rest) as string[];
  const items = stack.slice(0, -1) as string[];
  const leaf = items.find((item) => item.startsWith("#SCRIPT#"));
  const tree = leaf === undefined ? undefined : onlyLeaf(parseScript(leaf.slice("#SCRIPT#".length)));
  return {
    title: JSON.stringify(line),
    scriptSig: parseScript(scriptSig!),
    scriptPubKey: parseScript(scriptPubKey!.replace("#TAPROOTOUTPUT#", tree === undefined ? "" : `0x${tree.output}`)),
    witness: items.map((item) => {
      if (item.startsWith("#SCRIPT#")) return tree!.script;
      return item === "#CONTROLBLOCK#" ? tree!.control : hexToBytes(item);
    }),
    value: Math.round(((stack.at(-1) as number | undefined) ?? 0) * 1e8) as Sats,
    flags: fillFlags(parseFlags(flags!)!),
    expected: expected!,
  };
}

/** The internal key whose secret nobody knows (BIP341). */
const NOTHING_UP_MY_SLEEVE = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

/** A taproot output whose tree is one script. */
function onlyLeaf(script: Uint8Array) {
  const internal = hexToBytes(NOTHING_UP_MY_SLEEVE);
  const tweak = taggedHash("TapTweak", internal, tapleafHash(0xc0, script));
  const base = secp256k1.Point.fromHex(`02${NOTHING_UP_MY_SLEEVE}`);
  const output = base.add(secp256k1.Point.BASE.multiply(BigInt(`0x${Buffer.from(tweak).toString("hex")}`))).toBytes(true);
  return {
    script,
    control: Buffer.concat([Uint8Array.of(0xc0 | (output[0]! & 1)), internal]),
    output: Buffer.from(output.subarray(1)).toString("hex"),
  };
}

/** The pair of transactions that Core's test builds around a pair of scripts. */
function verdictOf({ scriptSig, scriptPubKey, witness, value, flags }: ScriptCase): ScriptError {
  const funding = Transaction.build({
    version: 1,
    lockTime: 0,
    inputs: [
      { txid: NO_BLOCK as string as Txid, vout: 0xffffffff, scriptSig: Uint8Array.of(0, 0), sequence: 0xffffffff, witness: [] },
    ],
    outputs: [{ value, script: scriptPubKey }],
  });
  const spending = Transaction.build({
    version: 1,
    lockTime: 0,
    inputs: [{ txid: funding.txid, vout: 0, scriptSig, sequence: 0xffffffff, witness }],
    outputs: [{ value, script: new Uint8Array(0) }],
  });
  return verifyInput(spending, 0, [{ value, script: scriptPubKey }], flags, engine);
}

describe.skipIf(!hasTestData)("Bitcoin Core's script_tests.json", () => {
  const cases = (hasTestData ? testJson<Line[]>("vectors/core/script_tests.json") : [])
    .filter((line) => line.length > 1)
    .map(readCase);

  test(`all ${cases.length} cases end with Core's verdict`, () => {
    const wrong = cases.flatMap((one) => (verdictOf(one) === one.expected ? [] : [`${verdictOf(one)}: ${one.title}`]));
    expect(wrong).toEqual([]);
    expect(cases.length).toBe(1_222);
    console.info(`script_tests.json: ${cases.length} cases`);
  });

  test("fewer flags never fail what passed, more flags never pass what failed", () => {
    const seed = 20_260_101;
    const random = seededRandom(seed);
    for (const one of cases) {
      for (let i = 0; i < 4; i++) {
        const extra = random(ALL_FLAGS + 1);
        const passes = one.expected === "OK";
        const flags = passes ? trimFlags(one.flags & ~extra) : fillFlags(one.flags | extra);
        expect(verdictOf({ ...one, flags }) === "OK", `seed ${seed}, flags ${flags}: ${one.title}`).toBe(passes);
      }
    }
  });
});

test("a witness script is found by its SHA-256", () => {
  const script = Uint8Array.of(0x51);
  const output = Buffer.concat([Uint8Array.of(0, 32), sha256(script)]);
  const one = {
    title: "",
    scriptSig: new Uint8Array(0),
    scriptPubKey: output,
    witness: [script],
    value: 1 as Sats,
    flags: ALL_FLAGS,
    expected: "OK",
  };
  expect(verdictOf(one)).toBe("OK");
  expect(verdictOf({ ...one, witness: [Uint8Array.of(0x52)] })).toBe("WITNESS_PROGRAM_MISMATCH");
});
