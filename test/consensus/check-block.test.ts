import { expect, test } from "vitest";
import { checkBlockInContext, findWitnessCommitment } from "../../src/core/consensus/block-in-context.ts";
import { checkBlock } from "../../src/core/consensus/check-block.ts";
import { encodeHeight } from "../../src/core/consensus/coinbase-height.ts";
import { MAINNET, REGTEST } from "../../src/core/consensus/params.ts";
import { bytesToHex } from "../../src/core/encoding/hex.ts";
import { Block } from "../../src/core/primitives/block.ts";
import type { HeaderFields } from "../../src/core/primitives/header.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { UnixSeconds } from "../../src/core/primitives/units.ts";
import { ancestry, buildCoinbase, buildTx, committingCoinbase, NULL_TXID, solveBlock } from "../support/build-block.ts";
import { hasTestData, testData } from "../support/test-data.ts";

const START = 1_700_000_000;
const parent = ancestry(Array.from({ length: 30 }, (_, i) => START + 10 * i));
const HEIGHT = 30;
const FIELDS = { time: (START + 400) as UnixSeconds };

const alone = (txs: readonly Transaction[], fields: Partial<HeaderFields> = {}) =>
  checkBlock(solveBlock({ ...FIELDS, ...fields }, txs), REGTEST);
const inContext = (txs: readonly Transaction[], params = REGTEST) => checkBlockInContext(solveBlock(FIELDS, txs), parent, params);

test("a block of a coinbase and spends passes alone and in its place", () => {
  const txs = [buildCoinbase(HEIGHT), buildTx(), buildTx({ inputs: [{ vout: 7 }] })];
  expect(alone(txs)).toBeUndefined();
  expect(inContext(txs)).toBeUndefined();
});

test("both genesis blocks hold to the rules", () => {
  for (const params of [REGTEST, MAINNET]) expect(checkBlock(Block.decode(params.genesis), params)).toBeUndefined();
  expect(Block.decode(REGTEST.genesis).hash).toBe("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206");
  expect(Block.decode(MAINNET.genesis).hash).toBe("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
});

test("the merkle root is that of the transactions", () => {
  expect(alone([buildCoinbase(HEIGHT)], { merkleRootBytes: new Uint8Array(32) })).toMatchObject({
    code: "bad-txnmrklroot",
    bodyMutated: true,
  });
});

test("a body with repeated transactions and the same root is a mutation, not a verdict on the hash (CVE-2012-2459)", () => {
  const txs = [buildCoinbase(HEIGHT), buildTx({ lockTime: 1 }), buildTx({ lockTime: 2 })];
  const good = solveBlock(FIELDS, txs);
  const repeated = Block.build(good.header, [...txs, txs[2]!]);
  expect(checkBlock(good, REGTEST)).toBeUndefined();
  expect(checkBlock(repeated, REGTEST)).toMatchObject({ code: "bad-txns-duplicate", bodyMutated: true });
});

test("a block has transactions, and not too many bytes without witnesses", () => {
  expect(alone([])?.code).toBe("bad-blk-length");
  const bare =
    solveBlock(FIELDS, [buildCoinbase(HEIGHT), buildTx({ outputs: [{ script: new Uint8Array(70_000) }] })]).size - 70_000;
  const filled = (size: number) => [buildCoinbase(HEIGHT), buildTx({ outputs: [{ script: new Uint8Array(size - bare) }] })];
  expect(alone(filled(1_000_000))).toBeUndefined();
  expect(alone(filled(1_000_001))?.code).toBe("bad-blk-length");
});

test("the first transaction is the coinbase, and the only one", () => {
  expect(alone([buildTx()])?.code).toBe("bad-cb-missing");
  expect(alone([buildCoinbase(HEIGHT), buildTx(), buildCoinbase(HEIGHT + 1)])?.code).toBe("bad-cb-multiple");
  expect(alone([buildCoinbase(HEIGHT, { inputs: [{ txid: NULL_TXID, vout: 0 }] })])?.code).toBe("bad-cb-missing");
});

test("a bad transaction names itself", () => {
  const bad = buildTx({ outputs: [{ value: -1 }] });
  expect(alone([buildCoinbase(HEIGHT), bad])).toEqual({
    code: "bad-txns-vout-negative",
    detail: `Transaction check failed (tx hash ${bad.txid}) `,
  });
});

test("20,000 signature operations outside witnesses are a block's limit", () => {
  const checks = (count: number) => [buildCoinbase(HEIGHT), buildTx({ outputs: [{ script: new Uint8Array(count).fill(0xac) }] })];
  expect(alone(checks(20_000))).toBeUndefined();
  expect(alone(checks(20_001))?.code).toBe("bad-blk-sigops");
});

test("proof of work and merkle root can be left out, for proposals", () => {
  const block = solveBlock({ ...FIELDS, bits: 0x1d00ffff, nonce: 0, merkleRootBytes: new Uint8Array(32) }, [
    buildCoinbase(HEIGHT),
  ]);
  expect(checkBlock(block, REGTEST)?.code).toBe("high-hash");
  expect(checkBlock(block, REGTEST, { proofOfWork: false })?.code).toBe("bad-txnmrklroot");
  expect(checkBlock(block, REGTEST, { proofOfWork: false, merkleRoot: false })).toBeUndefined();
});

test("the coinbase begins with the height as Bitcoin Core pushes it (BIP34)", () => {
  expect([0, 1, 16, 17, 127, 128, 255, 256, 32768, 500_000].map((height) => bytesToHex(encodeHeight(height)))).toEqual([
    "00",
    "51",
    "60",
    "0111",
    "017f",
    "028000",
    "02ff00",
    "020001",
    "03008000",
    "0320a107",
  ]);
  expect(inContext([buildCoinbase(HEIGHT + 1)])?.code).toBe("bad-cb-height");
  expect(inContext([buildCoinbase(HEIGHT, { scriptSig: Uint8Array.of(2, HEIGHT, 0) })])?.code).toBe("bad-cb-height");
  expect(inContext([buildCoinbase(HEIGHT, { scriptSig: Uint8Array.of(1) })])?.code).toBe("bad-cb-height");
  const late = { ...REGTEST, activation: { ...REGTEST.activation, bip34: 31 } };
  expect(inContext([buildCoinbase(7)], late)).toBeUndefined();
});

test("every transaction is final at the parent's median time (BIP113)", () => {
  const locked = (lockTime: number, sequence = 0) => [buildCoinbase(HEIGHT), buildTx({ lockTime, inputs: [{ sequence }] })];
  expect(inContext(locked(HEIGHT - 1))).toBeUndefined();
  expect(inContext(locked(HEIGHT))?.code).toBe("bad-txns-nonfinal");
  expect(inContext(locked(HEIGHT, 0xffffffff))).toBeUndefined();
  expect(inContext(locked(parent.medianTimePast - 1))).toBeUndefined();
  expect(inContext(locked(parent.medianTimePast))?.code).toBe("bad-txns-nonfinal");
  const early = { ...REGTEST, activation: { ...REGTEST.activation, csv: 31 } };
  expect(inContext(locked(parent.medianTimePast), early)).toBeUndefined(); // Then the block's own time counted.
});

const WITNESSED = buildTx({ inputs: [{ witness: [Uint8Array.of(1)] }] });

test("witnesses are committed to (BIP141)", () => {
  expect(inContext([committingCoinbase(HEIGHT, [WITNESSED]), WITNESSED])).toBeUndefined();
  expect(inContext([buildCoinbase(HEIGHT), WITNESSED])).toMatchObject({ code: "unexpected-witness", bodyMutated: true });
  expect(inContext([committingCoinbase(HEIGHT, []), WITNESSED])).toMatchObject({
    code: "bad-witness-merkle-match",
    bodyMutated: true,
  });
  const before = { ...REGTEST, activation: { ...REGTEST.activation, segwit: 31 } };
  expect(inContext([committingCoinbase(HEIGHT, [WITNESSED]), WITNESSED], before)?.code).toBe("unexpected-witness");
});

test("the reserved value is one item of 32 bytes", () => {
  const coinbase = committingCoinbase(HEIGHT, []);
  const withWitness = (witness: readonly Uint8Array[]) =>
    buildCoinbase(HEIGHT, { inputs: [{ witness, scriptSig: coinbase.scriptSig(0) }], outputs: coinbase.outputs });
  expect(inContext([withWitness([new Uint8Array(32)])])).toBeUndefined();
  for (const witness of [[], [new Uint8Array(31)], [new Uint8Array(32), new Uint8Array(0)]]) {
    expect(inContext([withWitness(witness)])).toMatchObject({ code: "bad-witness-nonce-size", bodyMutated: true });
  }
  expect(inContext([withWitness([new Uint8Array(32).fill(1)])])?.code).toBe("bad-witness-merkle-match");
});

test("the last output that looks like a commitment is the one that counts", () => {
  const coinbase = committingCoinbase(HEIGHT, []);
  const [pay, commitment] = coinbase.outputs;
  expect(findWitnessCommitment(buildCoinbase(HEIGHT, { outputs: [commitment!, commitment!, pay!] }))).toBe(1);
  expect(
    findWitnessCommitment(buildCoinbase(HEIGHT, { outputs: [{ script: commitment!.script.subarray(0, 37) }] })),
  ).toBeUndefined();
});

test("4,000,000 is a block's weight with witnesses", () => {
  const heavy = (size: number) => {
    const tx = buildTx({ inputs: [{ witness: [new Uint8Array(size)] }] });
    return [committingCoinbase(HEIGHT, [tx]), tx];
  };
  const bare = solveBlock(FIELDS, heavy(70_000)).weight - 70_000 + 2; // Above 65,535 a length takes two bytes more.
  const size = 4_000_000 - bare;
  expect(solveBlock(FIELDS, heavy(size + 2)).weight).toBe(4_000_000);
  expect(inContext(heavy(size + 2))).toBeUndefined();
  expect(inContext(heavy(size + 3))?.code).toBe("bad-blk-weight");
});

test.skipIf(!hasTestData).each(["block300025.raw", "block413567.raw", "mainnet-2021.raw", "block928816.raw", "block1087400.raw"])(
  "%s of mainnet holds to every rule that needs no chain",
  (file) => {
    const block = Block.decode(testData(`vectors/blocks/${file}`));
    expect(checkBlock(block, MAINNET)).toBeUndefined();
  },
);
