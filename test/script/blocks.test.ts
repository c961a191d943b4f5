import { describe, expect, test } from "vitest";
import { blockFlags } from "../../src/core/consensus/block-flags.ts";
import { MAINNET } from "../../src/core/consensus/params.ts";
import { Reader } from "../../src/core/encoding/reader.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { isStrictDer } from "../../src/core/script/der.ts";
import type { ScriptFlags } from "../../src/core/script/flags.ts";
import { ScriptReader } from "../../src/core/script/script-reader.ts";
import type { SpentOutput } from "../../src/core/script/sighash-cache.ts";
import { classifyScript, type OutputType } from "../../src/core/script/templates.ts";
import { verifyInput, verifyTransaction } from "../../src/core/script/verify-input.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData, testData } from "../support/test-data.ts";
import { seededRandom } from "./flag-sets.ts";

const engine = defaultSignatureEngine();
const HEIGHTS = [300_025, 928_816, 1_087_400];
const PLACES = 100;
const seed = 20_260_103;

interface Spending {
  readonly tx: Transaction;
  readonly spent: readonly SpentOutput[];
  readonly flags: ScriptFlags;
}

interface Input extends Spending {
  readonly index: number;
  readonly type: OutputType;
}

function readBlock(height: number): readonly Spending[] {
  const block = Block.decode(testData(`vectors/blocks/block${height}.raw`));
  const undo = new Reader(testData(`vectors/blocks/block${height}-undo.raw`));
  const flags = blockFlags(height, block.hash, MAINNET);
  return block.transactions.slice(1).map((tx) => ({
    tx,
    spent: Array.from({ length: tx.inputCount }, () => ({ value: undo.i64(), script: undo.varBytes() })),
    flags,
  }));
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** The input with one bit of its transaction changed; `part` is a view of it. */
function withChangedPart(input: Input, part: Uint8Array, bit: number): Input {
  const at = part.byteOffset - input.tx.raw.byteOffset;
  return { ...input, tx: Transaction.decode(flipped(input.tx.raw, 8 * at + bit)) };
}

function withChangedCoin(input: Input, change: (coin: SpentOutput) => SpentOutput): Input {
  return { ...input, spent: input.spent.map((coin, i) => (i === input.index ? change(coin) : coin)) };
}

/** What scriptSig pushes and the witness holds. */
function elements({ tx, index }: Input): readonly Uint8Array[] {
  const pushed: Uint8Array[] = [];
  for (const reader = new ScriptReader(tx.scriptSig(index)); reader.next(); ) pushed.push(reader.data());
  return [...pushed, ...tx.witness(index)];
}

type Change = (input: Input, random: (below: number) => number) => Input | undefined;

/** One bit of r, s or the hash type of a signature. */
const inSignature: Change = (input, random) => {
  const signatures = elements(input).filter(isStrictDer);
  const signature = signatures[random(signatures.length)];
  if (signature === undefined) return undefined;
  const rLength = signature[3]!;
  const s = signature.subarray(6 + rLength);
  const part = [signature.subarray(4, 4 + rLength), s][random(2)]!;
  return withChangedPart(input, part, random(8 * part.length));
};

/** One bit of the script that runs: of the output, or what P2SH reveals. (OP_EQUAL of P2SH itself is one bit away from OP_SHA1, which anyone may spend.) */
const inScript: Change = (input, random) => {
  if (input.type === "scripthash") {
    const script = elements(input).at(-1)!;
    return withChangedPart(input, script, random(8 * script.length));
  }
  return withChangedCoin(input, (coin) => ({ ...coin, script: flipped(coin.script, random(8 * coin.script.length)) }));
};

/** One bit of the amount, which signatures cover from segwit on. */
const inAmount: Change = (input, random) => {
  if (!input.type.startsWith("witness")) return undefined;
  const bit = 2 ** random(50);
  return withChangedCoin(input, (coin) => ({
    ...coin,
    value: Math.floor(coin.value / bit) % 2 ? coin.value - bit : coin.value + bit,
  }));
};

/** One bit of the id of the transaction that it spends from. */
const inHash: Change = (input, random) => {
  const at = input.tx.prevoutOffset(input.index);
  return withChangedPart(input, input.tx.raw.subarray(at, at + 32), random(256));
};

describe.skipIf(!hasTestData).each(HEIGHTS)("the real block of file block%i.raw", (height) => {
  const transactions = hasTestData ? readBlock(height) : [];

  test("every input holds under the flags of its height", () => {
    for (const { tx, spent, flags } of transactions) expect(verifyTransaction(tx, spent, flags, engine), tx.txid).toBeUndefined();
    console.info(`block${height}.raw: ${transactions.reduce((sum, { tx }) => sum + tx.inputCount, 0)} inputs`);
  });
});

describe.skipIf(!hasTestData)("one changed bit", () => {
  const inputs = (hasTestData ? HEIGHTS.flatMap(readBlock) : []).flatMap(({ tx, spent, flags }) =>
    spent.map((coin, index): Input => ({ tx, spent, flags, index, type: classifyScript(coin.script).type })),
  );

  test.each([
    ["signature", inSignature],
    ["script", inScript],
    ["amount", inAmount],
    ["hash", inHash],
  ] as const)("in a %s makes the input fail", (name, change) => {
    const random = seededRandom(seed);
    const kinds = [...new Set(inputs.map(({ type }) => type))].map((type) => inputs.filter((input) => input.type === type));
    let places = 0;
    for (let i = 0; places < PLACES; i++) {
      const kind = kinds[i % kinds.length]!;
      const changed = change(kind[random(kind.length)]!, random);
      if (changed === undefined) continue;
      places++;
      const { tx, index, spent, flags, type } = changed;
      const title = `seed ${seed}, place ${places}: ${name} of input ${index} (${type}) of ${tx.txid}`;
      expect(verifyInput(tx, index, spent, flags, engine), title).not.toBe("OK");
    }
    console.info(`one changed bit in a ${name}: ${places} places in ${kinds.length} kinds of output`);
  });
});
