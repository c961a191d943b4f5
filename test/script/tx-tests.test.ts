import { describe, expect, test } from "vitest";
import { checkTransaction } from "../../src/core/consensus/check-transaction.ts";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { type OutpointKey, outpointKey } from "../../src/core/primitives/outpoint.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Txid } from "../../src/core/primitives/units.ts";
import { parseFlags, type ScriptFlags } from "../../src/core/script/flags.ts";
import type { SpentOutput } from "../../src/core/script/sighash-cache.ts";
import { verifyTransaction } from "../../src/core/script/verify-input.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData, testJson } from "../support/test-data.ts";
import { parseScript } from "./core-script.ts";
import { ALL_FLAGS, EACH_FLAG, fillFlags, seededRandom, trimFlags } from "./flag-sets.ts";

const engine = defaultSignatureEngine();

type Prevout = readonly [txid: string, vout: number, script: string, amount?: number];
type Line = readonly [prevouts: readonly Prevout[], tx: string, flags: string];

interface TransactionCase {
  readonly tx: Transaction;
  readonly spent: readonly SpentOutput[];
  readonly flags: string;
  readonly title: string;
}

function readCases(path: string): readonly TransactionCase[] {
  if (!hasTestData) return [];
  return testJson<Line[]>(path)
    .filter((line) => Array.isArray(line[0]))
    .map(readCase);
}

function readCase(line: Line): TransactionCase {
  const [prevouts, hex, flags] = line;
  const coins = new Map<OutpointKey, SpentOutput>();
  for (const [txid, vout, script, amount] of prevouts) {
    coins.set(outpointKey(txid as Txid, vout >>> 0), { value: amount ?? 0, script: parseScript(script) });
  }
  const tx = Transaction.decode(hexToBytes(hex));
  const spent = tx.inputs.map((_, i) => coins.get(tx.prevoutKey(i)) ?? { value: 0, script: new Uint8Array(0) });
  return { tx, spent, flags, title: `${tx.txid} ${flags}` };
}

function passes({ tx, spent }: TransactionCase, flags: ScriptFlags): boolean {
  return verifyTransaction(tx, spent, flags, engine) === undefined;
}

const seed = 20_260_102;

describe.skipIf(!hasTestData)("Bitcoin Core's tx_valid.json", () => {
  const cases = readCases("vectors/core/tx_valid.json");

  test(`all ${cases.length} transactions pass under every flag but those that they name`, () => {
    for (const one of cases) expect(passes(one, ALL_FLAGS & ~parseFlags(one.flags)!), one.title).toBe(true);
    expect(cases.length).toBe(121);
    console.info(`tx_valid.json: ${cases.length} cases`);
  });

  test("they pass without any further flag, and fail with any flag that they name", () => {
    const random = seededRandom(seed);
    for (const one of cases) {
      const excluded = parseFlags(one.flags)!;
      for (const flag of EACH_FLAG) {
        expect(passes(one, trimFlags(ALL_FLAGS & ~(excluded | flag))), `${one.title} without ${flag}`).toBe(true);
        if ((excluded & flag) === 0) continue;
        const all = fillFlags(ALL_FLAGS & ~(excluded & ~flag));
        expect(passes(one, all), `${one.title} with ${flag}`).toBe(false);
      }
      for (let i = 0; i < 5; i++) {
        const fewer = trimFlags(ALL_FLAGS & ~(excluded | random(ALL_FLAGS + 1)));
        expect(passes(one, fewer), `seed ${seed}: ${one.title} ${fewer}`).toBe(true);
      }
    }
  });
});

describe.skipIf(!hasTestData)("Bitcoin Core's tx_invalid.json", () => {
  const all = readCases("vectors/core/tx_invalid.json");
  const malformed = all.filter((one) => one.flags === "BADTX");
  const cases = all.filter((one) => one.flags !== "BADTX");

  test(`all ${malformed.length} that no script can save are refused before scripts run`, () => {
    for (const one of malformed) expect(checkTransaction(one.tx), one.title).toBeDefined();
    for (const one of cases) expect(checkTransaction(one.tx), one.title).toBeUndefined();
  });

  test(`all ${cases.length} whose scripts are to fail do so under the flags that they name`, () => {
    for (const one of cases) expect(passes(one, parseFlags(one.flags)!), one.title).toBe(false);
    expect(all.length).toBe(93);
    console.info(`tx_invalid.json: ${malformed.length} + ${cases.length} cases`);
  });

  test("they fail with any further flag, and pass without any flag that they name", () => {
    const random = seededRandom(seed);
    for (const one of cases) {
      const named = parseFlags(one.flags)!;
      for (const flag of EACH_FLAG) {
        expect(passes(one, fillFlags(named | flag)), `${one.title} with ${flag}`).toBe(false);
        if ((named & flag) !== 0) expect(passes(one, trimFlags(named & ~flag)), `${one.title} without ${flag}`).toBe(true);
      }
      const more = fillFlags(named | random(ALL_FLAGS + 1));
      expect(passes(one, more), `seed ${seed}: ${one.title} ${more}`).toBe(false);
    }
  });
});
