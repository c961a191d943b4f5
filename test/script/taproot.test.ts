import { describe, expect, test } from "vitest";
import { taggedHash } from "../../src/core/encoding/hash.ts";
import { bytesToHex, hexToBytes } from "../../src/core/encoding/hex.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { SighashCache } from "../../src/core/script/sighash-cache.ts";
import { sighashTaproot } from "../../src/core/script/sighash-taproot.ts";
import { verifyInput } from "../../src/core/script/verify-input.ts";
import { tapbranchHash, tapleafHash } from "../../src/core/script/witness-program.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData, testJson } from "../support/test-data.ts";
import { readTaprootCase, taprootCases } from "./taproot-cases.ts";

const engine = defaultSignatureEngine();

interface Leaf {
  readonly script: string;
  readonly leafVersion: number;
}
type Tree = null | Leaf | readonly [Tree, Tree];

interface WalletVectors {
  readonly scriptPubKey: readonly {
    readonly given: { readonly internalPubkey: string; readonly scriptTree: Tree };
    readonly intermediary: { readonly merkleRoot: string | null; readonly tweak: string; readonly tweakedPubkey: string };
    readonly expected: { readonly scriptPubKey: string };
  }[];
  readonly keyPathSpending: readonly {
    readonly given: {
      readonly rawUnsignedTx: string;
      readonly utxosSpent: readonly { scriptPubKey: string; amountSats: number }[];
    };
    readonly intermediary: Readonly<Record<string, string>>;
    readonly inputSpending: readonly {
      readonly given: { readonly txinIndex: number; readonly hashType: number; readonly internalPrivkey: string };
      readonly intermediary: { readonly sigHash: string };
      readonly expected: { readonly witness: readonly string[] };
    }[];
  }[];
}

function rootOf(tree: Tree): Uint8Array {
  if (tree === null) return new Uint8Array(0);
  if ("script" in tree) return tapleafHash(tree.leafVersion, hexToBytes(tree.script));
  return tapbranchHash(rootOf(tree[0]), rootOf(tree[1]));
}

describe.skipIf(!hasTestData)("BIP341's wallet vectors", () => {
  const vectors = hasTestData ? testJson<WalletVectors>("vectors/core/bip341_wallet_vectors.json") : undefined;

  test("output keys are the internal key tweaked by the tree, and no other", () => {
    for (const { given, intermediary, expected } of vectors!.scriptPubKey) {
      const internal = hexToBytes(given.internalPubkey);
      const root = rootOf(given.scriptTree);
      expect(bytesToHex(root)).toBe(intermediary.merkleRoot ?? "");
      const tweak = taggedHash("TapTweak", internal, root);
      expect(bytesToHex(tweak)).toBe(intermediary.tweak);
      const output = hexToBytes(intermediary.tweakedPubkey);
      expect(`5120${bytesToHex(output)}`).toBe(expected.scriptPubKey);
      const parities = [0, 1].filter((parity) => engine.isTweaked(output, parity, internal, tweak));
      expect(parities.length, "exactly one parity fits").toBe(1);
      expect(engine.isTweaked(internal, parities[0]!, internal, tweak)).toBe(false);
    }
    console.info(`bip341_wallet_vectors.json: ${vectors!.scriptPubKey.length} output keys`);
  });

  test("the hashes that key paths sign, and the signatures, come out", () => {
    let inputs = 0;
    for (const { given, intermediary, inputSpending } of vectors!.keyPathSpending) {
      const unsigned = Transaction.decode(hexToBytes(given.rawUnsignedTx));
      const spent = given.utxosSpent.map((utxo) => ({ value: utxo.amountSats, script: hexToBytes(utxo.scriptPubKey) }));
      const cache = new SighashCache(unsigned, spent);
      expect(bytesToHex(cache.amountsSingle)).toBe(intermediary["hashAmounts"]);
      expect(bytesToHex(cache.outputsSingle)).toBe(intermediary["hashOutputs"]);
      expect(bytesToHex(cache.prevoutsSingle)).toBe(intermediary["hashPrevouts"]);
      expect(bytesToHex(cache.scriptsSingle)).toBe(intermediary["hashScriptPubkeys"]);
      expect(bytesToHex(cache.sequencesSingle)).toBe(intermediary["hashSequences"]);
      for (const input of inputSpending) {
        const { txinIndex, hashType } = input.given;
        const hash = sighashTaproot(cache, txinIndex, hashType, undefined, undefined)!;
        expect(bytesToHex(hash)).toBe(input.intermediary.sigHash);
        const signature = hexToBytes(input.expected.witness[0]!).subarray(0, 64);
        expect(engine.schnorr(signature, spent[txinIndex]!.script.subarray(2), hash)).toBe(true);
        inputs++;
      }
    }
    console.info(`bip341_wallet_vectors.json: ${inputs} signed inputs`);
    expect(inputs).toBe(7);
  });
});

describe.skipIf(!hasTestData)("taproot-ref.jsonl, Bitcoin Core's taproot and tapscript cases", () => {
  const cases = hasTestData ? taprootCases() : [];

  test(`all ${cases.length} pass, and all of their twins fail`, () => {
    let twins = 0;
    const wrong: string[] = [];
    for (const line of cases) {
      const { comment, flags, index, spent, success, failure } = readTaprootCase(line);
      const verdict = verifyInput(success, index, spent, flags, engine);
      if (verdict !== "OK") wrong.push(`${comment}: ${verdict}`);
      if (failure === undefined) continue;
      twins++;
      if (verifyInput(failure, index, spent, flags, engine) === "OK") wrong.push(`${comment}: the twin passes`);
    }
    expect(wrong).toEqual([]);
    console.info(`taproot-ref.jsonl: ${cases.length} cases, ${twins} twins that fail`);
    expect([cases.length, twins]).toEqual([2_760, 2_483]);
  });
});
