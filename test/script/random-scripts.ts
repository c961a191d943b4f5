import { hash160, sha256 } from "../../src/core/encoding/hash.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats, Txid } from "../../src/core/primitives/units.ts";
import type { ScriptFlags } from "../../src/core/script/flags.ts";
import { Op } from "../../src/core/script/opcodes.ts";
import { encodeNumber } from "../../src/core/script/script-number.ts";
import { pushOf } from "../../src/core/script/script-reader.ts";
import type { SpentOutput } from "../../src/core/script/sighash-cache.ts";
import type { SignatureChecker } from "../../src/core/script/signature-checker.ts";
import { type ScriptFailure, verifyTransaction } from "../../src/core/script/verify-input.ts";
import { fillFlags, trimFlags } from "./flag-sets.ts";

type Random = (below: number) => number;

export interface FuzzCase {
  readonly tx: Transaction;
  readonly spent: readonly SpentOutput[];
  readonly flags: ScriptFlags;
}

const SIGNATURE = Buffer.from(`3044${"0220".padEnd(68, "3")}${"0220".padEnd(68, "4")}01`, "hex");
const KEY = Buffer.from(`02${"bd85ef81492111c248adc70756d2d60a45d911e659f2fae65cce6d23c4f3e382"}`, "hex");

function randomPush(random: Random): Uint8Array {
  switch (random(6)) {
    case 0:
      return pushOf(encodeNumber(random(2) ? random(40) - 5 : random(2 ** 32) - 2 ** 31));
    case 1:
      return pushOf(Uint8Array.from({ length: random(80) }, () => random(256)));
    case 2:
      return pushOf(new Uint8Array(random(525)));
    case 3:
      return pushOf(random(2) ? KEY : KEY.subarray(1));
    case 4:
      return pushOf(random(2) ? SIGNATURE : new Uint8Array(64 + random(2)));
    default:
      return Uint8Array.of(random(3) ? Op.OP_1 + random(16) : Op.OP_0);
  }
}

/** A script of up to `operations` operations, half of them pushes, so that it gets somewhere. */
export function randomScript(random: Random, operations: number): Uint8Array {
  const parts = Array.from({ length: random(operations) + 1 }, () => {
    if (random(2)) return randomPush(random);
    return Uint8Array.of(random(20) ? Op.OP_NOP + random(Op.OP_CHECKSIGADD - Op.OP_NOP + 1) : random(256));
  });
  return Buffer.concat(parts);
}

/** A spend of a random script in one of the ways that there are: bare, P2SH, P2WSH, both, tapscript, or any program. */
export function randomSpend(random: Random, flags: ScriptFlags): FuzzCase {
  const script = randomScript(random, 30);
  const arguments_ = Array.from({ length: random(6) }, () => randomScript(random, 1).subarray(0, random(600)));
  const pushes = Buffer.concat(arguments_.map(pushOf));
  const witnessHash = Buffer.concat([Uint8Array.of(Op.OP_0, 32), sha256(script)]);
  const key = new Uint8Array(32).fill(7);
  const control = Buffer.concat([Uint8Array.of(random(8) ? 0xc0 : random(256)), new Uint8Array(32 + 32 * random(3))]);
  const annex = random(4) ? [] : [Uint8Array.of(0x50, 1)];
  const kinds: (() => [output: Uint8Array, scriptSig: Uint8Array, witness: readonly Uint8Array[]])[] = [
    () => [script, pushes, []],
    () => [script, randomScript(random, 10), []],
    () => [payToScriptHash(script), Buffer.concat([pushes, pushOf(script)]), []],
    () => [witnessHash, new Uint8Array(0), [...arguments_, script]],
    () => [payToScriptHash(witnessHash), pushOf(witnessHash), [...arguments_, script]],
    () => [Buffer.concat([Uint8Array.of(Op.OP_1, 32), key]), new Uint8Array(0), [...arguments_, script, control, ...annex]],
    () => [
      Buffer.concat([Uint8Array.of(Op.OP_1 + random(16)), pushOf(key.subarray(random(31)))]),
      new Uint8Array(0),
      [...arguments_, script],
    ],
  ];
  const [output, scriptSig, witness] = kinds[random(kinds.length)]!();
  const tx = Transaction.build({
    version: 1 + random(2),
    lockTime: random(4) ? 0 : random(2 ** 32),
    inputs: [{ txid: "11".repeat(32) as Txid, vout: 0, scriptSig, sequence: random(2 ** 32), witness }],
    outputs: [{ value: 1 as Sats, script: new Uint8Array(0) }],
  });
  return { tx, spent: [{ value: random(2 ** 32), script: output }], flags };
}

function payToScriptHash(script: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(Op.OP_HASH160, 20), hash160(script), Uint8Array.of(Op.OP_EQUAL)]);
}

/** Says yes to every commitment, so that random tapscripts run. */
export function credulous(checker: SignatureChecker): SignatureChecker {
  return {
    ecdsa: (...args) => checker.ecdsa(...args),
    schnorr: (...args) => checker.schnorr(...args),
    isTweaked: (...args) => checker.isTweaked(...args) || true,
  };
}

/** A verdict that depends on nothing but its arguments, and that fewer flags cannot turn from good to bad, nor more flags from bad to good. */
export function checkedVerdict(
  { tx, spent, flags }: FuzzCase,
  mask: ScriptFlags,
  checker: SignatureChecker,
): ScriptFailure | undefined {
  const verdict = verifyTransaction(tx, spent, flags, checker);
  const other = verdict === undefined ? trimFlags(flags & ~mask) : fillFlags(flags | mask);
  const again = verifyTransaction(tx, spent, other, checker);
  if ((verdict === undefined) !== (again === undefined)) {
    throw new Error(`flags ${flags}: ${verdict?.error}, flags ${other}: ${again?.error}`);
  }
  return verdict;
}
