import { describe, expect, test } from "vitest";
import { bytesToHex, hexToBytes, toDisplayHash } from "../../src/core/encoding/hex.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { SighashCache } from "../../src/core/script/sighash-cache.ts";
import { findAndDelete, sighashLegacy } from "../../src/core/script/sighash-legacy.ts";
import { hasTestData, testJson } from "../support/test-data.ts";
import { parseScript } from "./core-script.ts";

type Line = readonly [tx: string, script: string, index: number, hashType: number, hash: string];

describe.skipIf(!hasTestData)("Bitcoin Core's sighash.json", () => {
  const lines = (hasTestData ? testJson<Line[]>("vectors/core/sighash.json") : []).filter((line) => line.length > 1);

  test(`all ${lines.length} hashes come out, with hash types of 32 bits`, () => {
    for (const [tx, script, index, hashType, hash] of lines) {
      const cache = new SighashCache(Transaction.decode(hexToBytes(tx)), []);
      expect(toDisplayHash(sighashLegacy(cache, index, hexToBytes(script), hashType))).toBe(hash);
    }
    expect(lines.length).toBe(500);
    console.info(`sighash.json: ${lines.length} cases`);
  });
});

/** script, what is deleted, what is left: the cases of Core's script_FindAndDelete. */
const DELETIONS: readonly (readonly [script: string, pattern: string, left: string])[] = [
  ["1 2", "", "1 2"],
  ["1 2 3", "2", "1 3"],
  ["3 1 3 3 4 3", "3", "1 4"],
  ["0x0302ff03", "0x0302ff03", ""],
  ["0x0302ff030302ff03", "0x0302ff03", ""],
  ["0x0302ff030302ff03", "0x02", "0x0302ff030302ff03"],
  ["0x0302ff030302ff03", "0xff", "0x0302ff030302ff03"],
  ["0x0302ff030302ff03", "0x03", "0x02ff0302ff03"],
  ["0x02feed5169", "0xfeed51", "0x02feed5169"],
  ["0x02feed5169", "0x02feed51", "0x69"],
  ["0x516902feed5169", "0xfeed51", "0x516902feed5169"],
  ["0x516902feed5169", "0x02feed51", "0x516969"],
  ["0 0 1 1", "0 1", "0 1"],
  ["0 0 1 0 1 1", "0 1", "0 1"],
  ["0x0003feed", "0x03feed", "0x00"],
  ["0x0003feed", "0x00", "0x03feed"],
];

test("deletes a pattern where an operation starts, in one pass, also in front of a broken push", () => {
  for (const [script, pattern, left] of DELETIONS) {
    const result = findAndDelete(parseScript(script), parseScript(pattern));
    expect(bytesToHex(result), `${script} without ${pattern}`).toBe(bytesToHex(parseScript(left)));
  }
});

test("SIGHASH_SINGLE without an output of its index signs the number one", () => {
  const tx = Transaction.build({
    version: 1,
    lockTime: 0,
    inputs: [0, 1].map((vout) => ({
      txid: "11".repeat(32) as never,
      vout,
      scriptSig: new Uint8Array(0),
      sequence: 0,
      witness: [],
    })),
    outputs: [{ value: 1 as never, script: new Uint8Array(0) }],
  });
  const cache = new SighashCache(tx, []);
  const one = `01${"00".repeat(31)}`;
  expect(bytesToHex(sighashLegacy(cache, 1, Uint8Array.of(0x51), 3))).toBe(one);
  expect(bytesToHex(sighashLegacy(cache, 0, Uint8Array.of(0x51), 3))).not.toBe(one);
});
