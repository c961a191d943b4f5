import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256, taggedHash } from "../../src/core/encoding/hash.ts";
import { Transaction, type TxInput } from "../../src/core/primitives/transaction.ts";
import type { Sats, Txid } from "../../src/core/primitives/units.ts";
import { MANDATORY_FLAGS } from "../../src/core/script/flags.ts";
import { Op } from "../../src/core/script/opcodes.ts";
import { encodeNumber } from "../../src/core/script/script-number.ts";
import { pushOf } from "../../src/core/script/script-reader.ts";
import { SighashCache } from "../../src/core/script/sighash-cache.ts";
import { sighashTaproot } from "../../src/core/script/sighash-taproot.ts";
import { tapleafHash } from "../../src/core/script/witness-program.ts";
import type { FuzzCase } from "./random-scripts.ts";

/** A way to keep a verifier busy with one transaction that fits a block. */
export interface SlowSpend extends FuzzCase {
  readonly name: string;
}

const INTERNAL = secp256k1.getPublicKey(sha256(Uint8Array.of(1))).subarray(1);
function taprootSpend(name: string, script: Uint8Array, stack: readonly Uint8Array[]): SlowSpend {
  const tweak = taggedHash("TapTweak", INTERNAL, tapleafHash(0xc0, script));
  const sum = secp256k1.Point.fromBytes(Buffer.concat([Uint8Array.of(2), INTERNAL])).add(
    secp256k1.Point.BASE.multiply(BigInt(`0x${Buffer.from(tweak).toString("hex")}`)),
  );
  const output = sum.toBytes(true);
  const control = Buffer.concat([Uint8Array.of(0xc0 | (output[0]! & 1)), INTERNAL]);
  const tx = spend([{ ...input(0), witness: [...stack, script, control] }]);
  return {
    name,
    tx,
    spent: [{ value: 1, script: Buffer.concat([Uint8Array.of(Op.OP_1, 32), output.subarray(1)]) }],
    flags: MANDATORY_FLAGS,
  };
}

function input(vout: number): TxInput {
  return { txid: "22".repeat(32) as Txid, vout, scriptSig: new Uint8Array(0), sequence: 0, witness: [] };
}

function spend(inputs: readonly TxInput[], outputs = [{ value: 0 as Sats, script: new Uint8Array(0) }]): Transaction {
  return Transaction.build({ version: 2, lockTime: 0, inputs, outputs });
}

/** `pattern` as often as `bytes` allow, then `end`, which leaves one element. */
function repeated(bytes: number, pattern: readonly number[], end: readonly number[]): Uint8Array {
  const times = Math.floor((bytes - end.length) / pattern.length);
  return Buffer.concat([Buffer.alloc(times * pattern.length, Uint8Array.from(pattern)), Uint8Array.from(end)]);
}

const elements = (count: number, length: number) => Array.from({ length: count }, () => new Uint8Array(length).fill(1));
/** Empties a stack of `count` elements but one. */
const dropTo1 = (count: number) => Array.from({ length: count - 1 }, () => Op.OP_DROP);

/** Tapscripts of so many bytes, up to a whole block: nothing there limits the operations. */
export function slowTapscripts(bytes: number): readonly SlowSpend[] {
  const rollDeep = [...pushOf(encodeNumber(997)), Op.OP_ROLL];
  const of = (name: string, pattern: readonly number[], stack: readonly Uint8Array[], end: readonly number[]) =>
    taprootSpend(name, repeated(bytes, pattern, end), stack);
  return [
    of("OP_SHA256", [Op.OP_SHA256], elements(1, 520), []),
    of("OP_HASH256", [Op.OP_HASH256], elements(1, 520), []),
    of("OP_HASH160", [Op.OP_HASH160], elements(1, 520), []),
    of("OP_DUP OP_HASH256 OP_DROP of 520 bytes", [Op.OP_DUP, Op.OP_HASH256, Op.OP_DROP], elements(1, 520), []),
    of("OP_ROLL through 998 elements", rollDeep, elements(998, 1), dropTo1(998)),
    of("OP_3DUP OP_2DROP OP_DROP", [Op.OP_3DUP, Op.OP_2DROP, Op.OP_DROP], elements(3, 520), dropTo1(3)),
    of("OP_2ROT", [Op.OP_2ROT], elements(996, 1), dropTo1(996)),
    of("OP_2DUP OP_EQUALVERIFY of 520 bytes", [Op.OP_2DUP, Op.OP_EQUALVERIFY], elements(2, 520), dropTo1(2)),
    of("OP_1 OP_IF OP_ENDIF", [Op.OP_1, Op.OP_IF, Op.OP_ENDIF], elements(1, 1), []),
    of("OP_1ADD OP_1SUB", [Op.OP_1ADD, Op.OP_1SUB], elements(1, 1), []),
    signatures(Math.floor(bytes / 50)),
  ];
}

/** One BIP340 signature for each 50 weight, all of them the same. */
function signatures(count: number): SlowSpend {
  const secret = sha256(Uint8Array.of(3));
  const key = schnorr.getPublicKey(secret);
  const checks = Buffer.alloc(2 * count, Uint8Array.of(Op.OP_2DUP, Op.OP_CHECKSIGVERIFY));
  const filler = Buffer.concat([pushOf(new Uint8Array(520)), Uint8Array.of(Op.OP_DROP)]);
  const fill = Buffer.alloc(Math.ceil((48 * count) / filler.length) * filler.length, filler);
  const script = Buffer.concat([pushOf(key), checks, fill, Uint8Array.of(Op.OP_DROP)]);
  const unsigned = taprootSpend("", script, [new Uint8Array(64)]);
  const hash = sighashTaproot(new SighashCache(unsigned.tx, unsigned.spent), 0, 0, undefined, {
    leafHash: tapleafHash(0xc0, script),
    separatorPosition: 0xffffffff,
  })!;
  return taprootSpend("OP_2DUP OP_CHECKSIGVERIFY", script, [schnorr.sign(hash, secret, new Uint8Array(32))]);
}

/** Before segwit each signature hashes the whole transaction: 1 MB, as many times as operations allow, with hash types that share nothing. */
export function slowLegacy(): SlowSpend {
  const key = secp256k1.getPublicKey(sha256(Uint8Array.of(4)));
  const signatureOf = (hashType: number) => Buffer.concat([Buffer.from(`30060201${"11"}020122`, "hex"), Uint8Array.of(hashType)]);
  const checks = Array.from({ length: 100 }, (_, i) => [
    pushOf(signatureOf(i)),
    pushOf(key),
    Uint8Array.of(Op.OP_CHECKSIG, Op.OP_DROP),
  ]).flat();
  const script = Buffer.concat([...checks, Uint8Array.of(Op.OP_1)]);
  const outputs = [{ value: 0 as Sats, script: new Uint8Array(900_000) }];
  const tx = spend([input(0), input(1), input(2), input(3)], outputs);
  return {
    name: "400 legacy signature hashes of 0.9 MB each",
    tx,
    spent: Array(4).fill({ value: 1, script }),
    flags: MANDATORY_FLAGS,
  };
}
