import { expect, test } from "vitest";
import { checkTransaction } from "../../src/core/consensus/check-transaction.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { MAX_MONEY } from "../../src/core/primitives/units.ts";
import { buildCoinbase, buildTx, fakeTxid, NULL_TXID } from "../support/build-block.ts";

const code = (tx: Transaction) => checkTransaction(tx)?.code;

test("a plain transaction passes", () => {
  expect(code(buildTx())).toBeUndefined();
  expect(code(buildTx({ inputs: [{ vout: 0 }, { vout: 1 }], outputs: [{ value: 0 }, { value: MAX_MONEY }] }))).toBeUndefined();
});

test("a transaction without inputs or outputs is refused", () => {
  expect(code(buildTx({ inputs: [] }))).toBe("bad-txns-vin-empty");
  expect(code(buildTx({ outputs: [] }))).toBe("bad-txns-vout-empty");
  expect(code(buildTx({ inputs: [], outputs: [] }))).toBe("bad-txns-vin-empty");
});

test("a transaction may fill a block without its witness, and not a byte more", () => {
  const bare = buildTx({ outputs: [{ script: new Uint8Array(70_000) }] }).size - 70_000;
  const filled = (size: number) => buildTx({ outputs: [{ script: new Uint8Array(size - bare) }] });
  expect(code(filled(1_000_000))).toBeUndefined();
  expect(code(filled(1_000_001))).toBe("bad-txns-oversize");
  const witness = [new Uint8Array(2_000_000)];
  expect(code(buildTx({ inputs: [{ witness }] }))).toBeUndefined();
});

test("amounts and their sum stay between nothing and all money", () => {
  expect(code(buildTx({ outputs: [{ value: -1 }] }))).toBe("bad-txns-vout-negative");
  expect(code(buildTx({ outputs: [{ value: MAX_MONEY + 1 }] }))).toBe("bad-txns-vout-toolarge");
  expect(code(buildTx({ outputs: [{ value: MAX_MONEY }, { value: 1 }] }))).toBe("bad-txns-txouttotal-toolarge");
  const raw = Buffer.from(buildTx().raw);
  raw.writeBigInt64LE(0x7fffffffffffffffn, raw.length - 4 - 2 - 8);
  expect(code(Transaction.decode(raw))).toBe("bad-txns-vout-toolarge");
});

test("an output is spent once by a transaction (CVE-2018-17144)", () => {
  expect(code(buildTx({ inputs: [{ vout: 3 }, { vout: 4 }, { vout: 3 }] }))).toBe("bad-txns-inputs-duplicate");
  expect(code(buildTx({ inputs: [{ vout: 3 }, { vout: 3, txid: fakeTxid(2) }] }))).toBeUndefined();
});

test("a coinbase has a script of 2 to 100 bytes", () => {
  const withScript = (length: number) => buildCoinbase(1, { scriptSig: new Uint8Array(length) });
  expect([2, 100].map((length) => code(withScript(length)))).toEqual([undefined, undefined]);
  expect([0, 1, 101].map((length) => code(withScript(length)))).toEqual(["bad-cb-length", "bad-cb-length", "bad-cb-length"]);
});

test("only a lone input may spend nothing", () => {
  const nothing = { txid: NULL_TXID, vout: 0xffffffff };
  expect(code(buildTx({ inputs: [{}, nothing] }))).toBe("bad-txns-prevout-null");
  expect(code(buildTx({ inputs: [{}, { txid: NULL_TXID, vout: 0 }] }))).toBeUndefined();
});

test("the first broken rule in Bitcoin Core's order is the one that is named", () => {
  const broken = buildTx({ inputs: [{ vout: 1 }, { vout: 1 }], outputs: [{ value: -1 }] });
  expect(code(broken)).toBe("bad-txns-vout-negative");
});
