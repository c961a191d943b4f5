import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { hash160, sha256 } from "../encoding/hash.ts";
import { Transaction, type TxInput } from "../primitives/transaction.ts";
import type { Sats, Txid } from "../primitives/units.ts";
import { Op } from "../script/opcodes.ts";
import { payToKeyHash } from "../script/script-forms.ts";
import { pushOf } from "../script/script-reader.ts";
import { Sighash, SighashCache, type SpentOutput } from "../script/sighash-cache.ts";
import { sighashLegacy } from "../script/sighash-legacy.ts";
import { sighashSegwit } from "../script/sighash-segwit.ts";
import { sighashTaproot } from "../script/sighash-taproot.ts";

/** The usual ways to lock an output, each with a valid signature: what benches and tests verify. */
export type SpendKind = "P2PKH" | "P2WPKH" | "P2TR key path" | "2-of-3 P2WSH";

export const SPEND_KINDS: readonly SpendKind[] = ["P2PKH", "P2WPKH", "P2TR key path", "2-of-3 P2WSH"];

export interface SignedSpend {
  readonly tx: Transaction;
  readonly spent: readonly SpentOutput[];
}

const AMOUNT = 100_000 as Sats;

/** A transaction of `inputs` inputs of one kind and two outputs; `seed` makes keys and outpoints. */
export function signedSpend(kind: SpendKind, inputs: number, seed: number): SignedSpend {
  const keys = Array.from({ length: inputs }, (_, i) => secretKeys(seed, i));
  const spent = keys.map((own) => ({ value: AMOUNT, script: lock(kind, own) }));
  const unsigned: TxInput[] = keys.map((_, i) => ({
    txid: Buffer.from(sha256(Buffer.from(`coin ${seed}`))).toString("hex") as Txid,
    vout: i,
    scriptSig: new Uint8Array(0),
    sequence: 0xffffffff,
    witness: [],
  }));
  const outputs = [0, 1].map((i) => ({ value: AMOUNT, script: lock("P2WPKH", secretKeys(seed, inputs + i)) }));
  const fields = { version: 2, lockTime: 0, outputs };
  const sighashes = new SighashCache(Transaction.build({ ...fields, inputs: unsigned }), spent);
  const signed = unsigned.map((input, i) => ({ ...input, ...unlock(kind, keys[i]!, sighashes, i) }));
  return { tx: Transaction.build({ ...fields, inputs: signed }), spent };
}

type Keys = readonly [Uint8Array, Uint8Array, Uint8Array];

function secretKeys(seed: number, index: number): Keys {
  const key = (part: number) => sha256(Buffer.from(`key ${seed} ${index} ${part}`));
  return [key(0), key(1), key(2)];
}

function lock(kind: SpendKind, keys: Keys): Uint8Array {
  const keyHash = hash160(secp256k1.getPublicKey(keys[0]));
  if (kind === "P2PKH") return payToKeyHash(keyHash);
  if (kind === "P2WPKH") return Buffer.concat([Uint8Array.of(Op.OP_0, 20), keyHash]);
  if (kind === "P2TR key path") return Buffer.concat([Uint8Array.of(Op.OP_1, 32), schnorr.getPublicKey(keys[0])]);
  return Buffer.concat([Uint8Array.of(Op.OP_0, 32), sha256(twoOfThree(keys))]);
}

function twoOfThree(keys: Keys): Uint8Array {
  const pushes = keys.map((key) => pushOf(secp256k1.getPublicKey(key)));
  return Buffer.concat([Uint8Array.of(Op.OP_2), ...pushes, Uint8Array.of(Op.OP_3, Op.OP_CHECKMULTISIG)]);
}

function unlock(kind: SpendKind, keys: Keys, sighashes: SighashCache, index: number): Partial<TxInput> {
  const publicKey = secp256k1.getPublicKey(keys[0]);
  const scriptCode = payToKeyHash(hash160(publicKey));
  if (kind === "P2PKH") {
    const signature = sign(keys[0], sighashLegacy(sighashes, index, scriptCode, Sighash.ALL));
    return { scriptSig: Buffer.concat([pushOf(signature), pushOf(publicKey)]) };
  }
  if (kind === "P2WPKH") return { witness: [sign(keys[0], sighashSegwit(sighashes, index, scriptCode, Sighash.ALL)), publicKey] };
  if (kind === "P2TR key path") {
    const hash = sighashTaproot(sighashes, index, Sighash.DEFAULT, undefined, undefined)!;
    return { witness: [schnorr.sign(hash, keys[0], new Uint8Array(32))] };
  }
  const script = twoOfThree(keys);
  const hash = sighashSegwit(sighashes, index, script, Sighash.ALL);
  return { witness: [new Uint8Array(0), sign(keys[0], hash), sign(keys[2], hash), script] };
}

/** DER with SIGHASH_ALL behind. */
function sign(secretKey: Uint8Array, hash: Uint8Array): Uint8Array {
  const signature = secp256k1.sign(hash, secretKey, { prehash: false, format: "der" });
  return Buffer.concat([signature, Uint8Array.of(Sighash.ALL)]);
}
