import { expect, test } from "vitest";
import { sha256 } from "../../src/core/encoding/hash.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Txid } from "../../src/core/primitives/units.ts";
import { Flag, NO_FLAGS } from "../../src/core/script/flags.ts";
import { pushOf } from "../../src/core/script/script-reader.ts";
import { countScriptHashSigops, countSigops, countWitnessSigops } from "../../src/core/script/sigops.ts";
import { parseScript } from "./core-script.ts";

const count = (script: string) => [countSigops(parseScript(script), false), countSigops(parseScript(script), true)];

test("counts OP_CHECKSIG once, OP_CHECKMULTISIG as 20 or by the number in front of it", () => {
  expect(count("")).toEqual([0, 0]);
  expect(count("CHECKSIG CHECKSIGVERIFY")).toEqual([2, 2]);
  expect(count("1 0x02 0x1111 2 CHECKMULTISIG")).toEqual([20, 2]);
  expect(count("16 CHECKMULTISIGVERIFY")).toEqual([20, 16]);
  expect(count("0 CHECKMULTISIG")).toEqual([20, 20]);
  expect(count("0x01 0x11 CHECKMULTISIG")).toEqual([20, 20]);
  expect(count("2 NOP CHECKMULTISIG")).toEqual([20, 20]);
});

test("counts what is never executed, and stops at a broken push", () => {
  expect(count("0 IF CHECKSIG ENDIF RETURN CHECKSIG")).toEqual([2, 2]);
  expect(count("CHECKSIG 0x02 0xac")).toEqual([1, 1]);
  expect(count("0x01 0xac CHECKSIG"), "data is no operation").toEqual([1, 1]);
  expect(count("CHECKSIGADD"), "tapscript has a budget of its own").toEqual([0, 0]);
});

const redeem = parseScript("1 0x02 0x1111 0x02 0x2222 2 CHECKMULTISIG CHECKSIG");
const scriptHash = parseScript(`HASH160 0x14 0x${"11".repeat(20)} EQUAL`);

test("counts the script that P2SH reveals, if scriptSig only pushes", () => {
  expect(countScriptHashSigops(scriptHash, pushOf(redeem))).toBe(3);
  expect(countScriptHashSigops(scriptHash, Buffer.concat([parseScript("1"), pushOf(redeem)]))).toBe(3);
  expect(countScriptHashSigops(scriptHash, Buffer.concat([parseScript("NOP"), pushOf(redeem)]))).toBe(0);
  expect(countScriptHashSigops(scriptHash, Buffer.concat([pushOf(redeem), parseScript("1")])), "the last push counts").toBe(0);
  expect(countScriptHashSigops(scriptHash, parseScript(""))).toBe(0);
  expect(countScriptHashSigops(parseScript("DUP"), pushOf(redeem))).toBe(0);
});

/** Two inputs, of which the second is the one that is looked at. */
function spend(scriptSig: Uint8Array, witness: readonly Uint8Array[]): Transaction {
  const input = { txid: "11".repeat(32) as Txid, vout: 0, scriptSig: new Uint8Array(0), sequence: 0, witness: [redeem] };
  return Transaction.build({ version: 2, inputs: [input, { ...input, scriptSig, witness }], outputs: [], lockTime: 0 });
}

test("counts witness programs of version 0, native and within P2SH, under WITNESS", () => {
  const keyHash = parseScript(`0 0x14 0x${"11".repeat(20)}`);
  const witnessHash = parseScript(`0 0x20 0x${Buffer.from(sha256(redeem)).toString("hex")}`);
  const none = new Uint8Array(0);
  const counted = (script: Uint8Array, scriptSig: Uint8Array, witness: readonly Uint8Array[], flags = Flag.WITNESS) =>
    countWitnessSigops(spend(scriptSig, witness), 1, script, flags);
  expect(counted(keyHash, none, [])).toBe(1);
  expect(counted(keyHash, none, [], NO_FLAGS)).toBe(0);
  expect(counted(witnessHash, none, [none, redeem])).toBe(3);
  expect(counted(witnessHash, none, [])).toBe(0);
  expect(counted(scriptHash, pushOf(keyHash), [])).toBe(1);
  expect(counted(scriptHash, pushOf(witnessHash), [redeem])).toBe(3);
  expect(counted(scriptHash, Buffer.concat([parseScript("NOP"), pushOf(keyHash)]), [])).toBe(0);
  expect(counted(parseScript(`1 0x20 0x${"11".repeat(32)}`), none, [redeem])).toBe(0);
});
