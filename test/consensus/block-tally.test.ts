import { expect, test } from "vitest";
import { mustCheckBip30 } from "../../src/core/consensus/bip30.ts";
import { blockFlags } from "../../src/core/consensus/block-flags.ts";
import { BlockTally } from "../../src/core/consensus/block-tally.ts";
import { MAINNET, REGTEST } from "../../src/core/consensus/params.ts";
import { transactionSigopCost } from "../../src/core/consensus/sigops.ts";
import { checkTxInputs, formatMoney } from "../../src/core/consensus/verify-inputs.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { type BlockHash, type Height, MAX_MONEY, type Sats } from "../../src/core/primitives/units.ts";
import { flagNames, MANDATORY_FLAGS } from "../../src/core/script/flags.ts";
import { ancestry, buildCoinbase, buildTx, OPEN_SCRIPT } from "../support/build-block.ts";

const parent = ancestry(Array.from({ length: 120 }, (_, i) => 1_700_000_000 + i));
const SUBSIDY = 5_000_000_000;

function coin(value: number, parts: Partial<Coin> = {}): Coin {
  return { value: value as Sats, script: OPEN_SCRIPT, height: 1 as Height, isCoinbase: false, ...parts };
}

function tally(): BlockTally {
  return new BlockTally(parent, REGTEST, MANDATORY_FLAGS);
}

test("a fee is what inputs have and outputs do not", () => {
  const tx = buildTx({ inputs: [{}, { vout: 1 }], outputs: [{ value: 70 }, { value: 20 }] });
  expect(checkTxInputs(tx, [coin(60), coin(40)], 5, REGTEST)).toEqual({ fee: 10 });
  expect(checkTxInputs(tx, [coin(50), coin(40)], 5, REGTEST)).toEqual({ fee: 0 });
  expect(checkTxInputs(tx, [coin(50), coin(39)], 5, REGTEST)).toEqual({
    code: "bad-txns-in-belowout",
    detail: "value in (0.00000089) < value out (0.0000009)",
  });
});

test("a coinbase matures with its hundredth block", () => {
  const spend = (height: number) =>
    checkTxInputs(buildTx(), [coin(1000, { isCoinbase: true, height: 10 as Height })], height, REGTEST);
  expect(spend(110)).toEqual({ fee: 0 });
  expect(spend(109)).toEqual({ code: "bad-txns-premature-spend-of-coinbase", detail: "tried to spend coinbase at depth 99" });
});

test("coins beyond all money are refused", () => {
  const two = buildTx({ inputs: [{}, { vout: 1 }] });
  expect(checkTxInputs(two, [coin(MAX_MONEY), coin(1)], 5, REGTEST)).toMatchObject({ code: "bad-txns-inputvalues-outofrange" });
  expect(checkTxInputs(two, [coin(-1), coin(1)], 5, REGTEST)).toMatchObject({ code: "bad-txns-inputvalues-outofrange" });
});

test("money reads as in Bitcoin Core's texts", () => {
  expect([0, 1, 10, 2000, 500_000, 150_000_000, 100_000_000, 2_100_000_000_000_000, -1].map(formatMoney)).toEqual([
    "0.00",
    "0.00000001",
    "0.0000001",
    "0.00002",
    "0.005",
    "1.50",
    "1.00",
    "21000000.00",
    "-0.00000001",
  ]);
});

test("a coinbase takes subsidy and fees, and not a satoshi more", () => {
  const connect = (created: number) => {
    const block = tally();
    expect(block.add(buildCoinbase(120, { outputs: [{ value: created }] }), [])).toBeUndefined();
    expect(block.add(buildTx({ outputs: [{ value: 900 }] }), [coin(1000)])).toBeUndefined();
    expect(block.fees).toBe(100);
    return block.finish();
  };
  expect(connect(SUBSIDY + 100)).toBeUndefined();
  expect(connect(SUBSIDY + 101)).toEqual({
    code: "bad-cb-amount",
    detail: `coinbase pays too much (actual=${SUBSIDY + 101} vs limit=${SUBSIDY + 100})`,
  });
});

test("a spend's verdict names its transaction", () => {
  const tx = buildTx({ outputs: [{ value: 2000 }] });
  expect(tally().add(tx, [coin(1000)])).toEqual({
    code: "bad-txns-in-belowout",
    detail: `value in (0.00001) < value out (0.00002) in transaction ${tx.txid}`,
  });
});

test("relative locks hold from their activation on", () => {
  const tx = buildTx({ inputs: [{ sequence: 200 }] });
  expect(tally().add(tx, [coin(1000)])).toMatchObject({ code: "bad-txns-nonfinal" });
  const before = { ...REGTEST, activation: { ...REGTEST.activation, csv: 121 } };
  expect(new BlockTally(parent, before, MANDATORY_FLAGS).add(tx, [coin(1000)])).toBeUndefined();
});

test("fees together stay within all money", () => {
  const block = tally();
  const tx = (vout: number) => buildTx({ inputs: [{ vout }], outputs: [{ value: 0 }] });
  expect(block.add(tx(0), [coin(MAX_MONEY)])).toBeUndefined();
  expect(block.add(tx(1), [coin(1)])).toMatchObject({ code: "bad-txns-accumulated-fee-outofrange" });
});

test("signature operations cost at most 80,000, redeem scripts and witnesses included", () => {
  const block = tally();
  const heavy = buildTx({ outputs: [{ script: new Uint8Array(19_999).fill(0xac) }] });
  expect(block.add(heavy, [coin(1000)])).toBeUndefined();
  const p2wpkh = coin(1000, { script: Buffer.concat([Uint8Array.of(0, 20), Buffer.alloc(20)]) });
  const witness = [new Uint8Array(71), new Uint8Array(33)];
  for (let vout = 0; vout < 4; vout++) expect(block.add(buildTx({ inputs: [{ vout, witness }] }), [p2wpkh])).toBeUndefined();
  expect(block.sigopCost).toBe(80_000);
  expect(block.add(buildTx({ inputs: [{ vout: 4, witness }] }), [p2wpkh])).toMatchObject({ code: "bad-blk-sigops" });
});

test("operations in redeem scripts count only when P2SH is known", () => {
  const redeem = Uint8Array.of(0x52, 0xae); // OP_2 OP_CHECKMULTISIG
  const p2sh = { script: Buffer.concat([Uint8Array.of(0xa9, 20), Buffer.alloc(20), Uint8Array.of(0x87)]) };
  const tx = buildTx({ inputs: [{ scriptSig: Uint8Array.of(redeem.length, ...redeem) }] });
  expect(transactionSigopCost(tx, [p2sh], MANDATORY_FLAGS)).toBe(8);
  expect(transactionSigopCost(tx, [p2sh], 0)).toBe(0);
});

test("regtest holds scripts to every rule from the first block on", () => {
  expect(blockFlags(1, "00" as BlockHash, REGTEST)).toBe(MANDATORY_FLAGS);
});

test("mainnet's rules come at their heights, but for two known blocks", () => {
  const names = (height: number, hash = "00") => flagNames(blockFlags(height, hash as BlockHash, MAINNET)).join();
  expect(names(200_000)).toBe("P2SH,WITNESS,TAPROOT");
  expect(names(363_724)).toBe("P2SH,WITNESS,TAPROOT");
  expect(names(363_725)).toBe("P2SH,DERSIG,WITNESS,TAPROOT");
  expect(names(388_381)).toBe("P2SH,DERSIG,CHECKLOCKTIMEVERIFY,WITNESS,TAPROOT");
  expect(names(419_328)).toBe("P2SH,DERSIG,CHECKLOCKTIMEVERIFY,CHECKSEQUENCEVERIFY,WITNESS,TAPROOT");
  expect(blockFlags(481_824, "00" as BlockHash, MAINNET)).toBe(MANDATORY_FLAGS);
  expect(names(170_060, "00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22")).toBe("");
});

test("BIP30 is always checked on regtest, on mainnet not where BIP34 implies it", () => {
  expect(mustCheckBip30("00", parent, REGTEST)).toBe(true);
  const withBip34 = { ...MAINNET, activation: { ...MAINNET.activation, bip34: 100 }, bip34Hash: parent.ancestor(100)!.hash };
  expect(mustCheckBip30("00", parent, withBip34)).toBe(false);
  expect(mustCheckBip30("00", parent.ancestor(99) as never, withBip34)).toBe(true);
  expect(mustCheckBip30("00", parent, MAINNET)).toBe(true);
  const [exception] = MAINNET.bip30Exceptions;
  expect(mustCheckBip30(exception!, parent, MAINNET)).toBe(false);
});
