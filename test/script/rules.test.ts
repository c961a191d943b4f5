import { expect, test } from "vitest";
import { hash160 } from "../../src/core/encoding/hash.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats, Txid } from "../../src/core/primitives/units.ts";
import { Flag, MANDATORY_FLAGS, type ScriptFlags, STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import { pushOf } from "../../src/core/script/script-reader.ts";
import { verifyInput } from "../../src/core/script/verify-input.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { parseScript } from "./core-script.ts";
import { credulous } from "./random-scripts.ts";

/** Every commitment of a tapscript counts as good here; signatures are checked. */
const checker = credulous(defaultSignatureEngine());
const none = new Uint8Array(0);

interface Parts {
  readonly output: Uint8Array;
  readonly scriptSig?: Uint8Array;
  readonly witness?: readonly Uint8Array[];
  readonly flags?: ScriptFlags;
  readonly version?: number;
  readonly lockTime?: number;
  readonly sequence?: number;
  readonly outputs?: number;
}

function verdictOf(parts: Parts): string {
  const {
    output,
    scriptSig = none,
    witness = [],
    flags = MANDATORY_FLAGS,
    version = 2,
    lockTime = 0,
    sequence = 0,
    outputs = 1,
  } = parts;
  const tx = Transaction.build({
    version,
    lockTime,
    inputs: [
      { txid: "33".repeat(32) as Txid, vout: 0, scriptSig: none, sequence: 0, witness: [] },
      { txid: "33".repeat(32) as Txid, vout: 1, scriptSig, sequence, witness },
    ],
    outputs: Array.from({ length: outputs }, () => ({ value: 0 as Sats, script: none })),
  });
  return verifyInput(
    tx,
    1,
    [
      { value: 0, script: none },
      { value: 0, script: output },
    ],
    flags,
    checker,
  );
}

const nested = (program: Uint8Array) => ({
  output: Buffer.concat([parseScript("HASH160 0x14"), hash160(program), parseScript("EQUAL")]),
  scriptSig: pushOf(program),
});
const taproot = parseScript(`1 0x20 0x${"44".repeat(32)}`);
const tapscript = (text: string, ...stack: readonly Uint8Array[]) => ({
  output: taproot,
  witness: [...stack, parseScript(text), Uint8Array.from({ length: 33 }, (_, i) => (i === 0 ? 0xc0 : 0x44))],
});

test("taproot within P2SH is left to the future: anyone may spend it, policy discourages it", () => {
  expect(verdictOf(nested(taproot))).toBe("OK");
  expect(verdictOf({ ...nested(taproot), flags: STANDARD_FLAGS })).toBe("DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM");
  expect(verdictOf({ output: taproot })).toBe("WITNESS_PROGRAM_WITNESS_EMPTY");
});

test("an anchor may be spent by anyone under policy too, within P2SH it is an unknown program", () => {
  const anchor = parseScript("1 0x02 0x4e73");
  expect(verdictOf({ output: anchor, flags: STANDARD_FLAGS })).toBe("OK");
  expect(verdictOf({ ...nested(anchor), flags: STANDARD_FLAGS })).toBe("DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM");
  expect(verdictOf({ output: parseScript("1 0x02 0x4e74"), flags: STANDARD_FLAGS })).toBe(
    "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
  );
});

test("each version of script has its own signature operations", () => {
  expect(verdictOf(tapscript("0 0 0 CHECKMULTISIG"))).toBe("TAPSCRIPT_CHECKMULTISIG");
  expect(verdictOf(tapscript("0 0 0 CHECKMULTISIGVERIFY 1"))).toBe("TAPSCRIPT_CHECKMULTISIG");
  expect(verdictOf(tapscript(`0 7 0x20 0x${"44".repeat(32)} CHECKSIGADD 7 NUMEQUAL`))).toBe("OK");
  expect(verdictOf({ output: parseScript("0 7 0 CHECKSIGADD") })).toBe("BAD_OPCODE");
  expect(verdictOf(tapscript("0 0 CHECKSIGADD"))).toBe("INVALID_STACK_OPERATION");
  expect(verdictOf(tapscript("0 0x05 0x0000000001 1 CHECKSIGADD"))).toBe("SCRIPTNUM");
});

test("a signature for an output that does not exist has no hash type", () => {
  const signature = Buffer.concat([new Uint8Array(64), Uint8Array.of(3)]);
  expect(verdictOf({ output: taproot, witness: [signature] })).toBe("SCHNORR_SIG_HASHTYPE");
  expect(verdictOf({ output: taproot, witness: [signature], outputs: 2 })).toBe("SCHNORR_SIG");
  expect(verdictOf({ output: taproot, witness: [Buffer.concat([new Uint8Array(64), Uint8Array.of(4)])] })).toBe(
    "SCHNORR_SIG_HASHTYPE",
  );
});

const DISABLE = 0x80000000;
const SECONDS = 0x400000;

test.each([
  ["as old as asked", "5", { sequence: 5 }, "OK"],
  ["too young", "6", { sequence: 5 }, "UNSATISFIED_LOCKTIME"],
  ["switched off in the input", "5", { sequence: DISABLE + 5 }, "UNSATISFIED_LOCKTIME"],
  ["switched off in the script", "0x05 0x0500008000", { sequence: 0 }, "OK"],
  ["in another unit", "5", { sequence: SECONDS + 9 }, "UNSATISFIED_LOCKTIME"],
  ["in seconds", "0x03 0x050040", { sequence: SECONDS + 5 }, "OK"],
  ["with bits that mean nothing", "0x03 0x050020", { sequence: 5 }, "OK"],
  ["above 32 bits, of which the lower 32 count", "0x05 0x0500000001", { sequence: 5 }, "OK"],
  ["in a transaction of version 1", "5", { sequence: 5, version: 1 }, "UNSATISFIED_LOCKTIME"],
  ["in a transaction of a negative version, read as unsigned", "5", { sequence: 5, version: 0xffffffff }, "OK"],
  ["negative", "-1", { sequence: 5 }, "NEGATIVE_LOCKTIME"],
  ["of more than 5 bytes", "0x06 0x000000000001", { sequence: 5 }, "SCRIPTNUM"],
  ["missing", "", { sequence: 5 }, "INVALID_STACK_OPERATION"],
])("OP_CHECKSEQUENCEVERIFY %s", (_, script, parts, verdict) => {
  expect(verdictOf({ output: parseScript(`${script} CHECKSEQUENCEVERIFY`), ...parts })).toBe(verdict);
  expect(verdictOf({ output: parseScript("1 CHECKSEQUENCEVERIFY"), flags: MANDATORY_FLAGS & ~Flag.CHECKSEQUENCEVERIFY })).toBe(
    "OK",
  );
});

test.each([
  ["reached", "500", { lockTime: 500 }, "OK"],
  ["not reached", "501", { lockTime: 500 }, "UNSATISFIED_LOCKTIME"],
  ["of another unit", "0x04 0x0065cd1d", { lockTime: 499_999_999 }, "UNSATISFIED_LOCKTIME"],
  ["in seconds", "0x04 0x0065cd1d", { lockTime: 500_000_000 }, "OK"],
  ["beyond 2038", "0x05 0xffffffff00", { lockTime: 0xffffffff }, "OK"],
  ["of a final input", "500", { lockTime: 500, sequence: 0xffffffff }, "UNSATISFIED_LOCKTIME"],
])("OP_CHECKLOCKTIMEVERIFY %s", (_, script, parts, verdict) => {
  expect(verdictOf({ output: parseScript(`${script} CHECKLOCKTIMEVERIFY`), ...parts })).toBe(verdict);
});
