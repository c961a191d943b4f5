import { checkSignatureEncoding, lowerS, readDer } from "./der.ts";
import { Flag } from "./flags.ts";
import { WEIGHT_PER_SIGNATURE } from "./limits.ts";
import type { Machine, Spend } from "./machine.ts";
import { checkKeyEncoding, isKeySized } from "./public-key.ts";
import type { ScriptError } from "./script-error.ts";
import { pushOf } from "./script-reader.ts";
import { Sighash } from "./sighash-cache.ts";
import { findAndDelete } from "./sighash-legacy.ts";
import { type LeafContext, sighashTaproot } from "./sighash-taproot.ts";

/** Whether a signature holds, or the rule that its form breaks, at which the script fails. */
export type SignatureVerdict = boolean | ScriptError;

/** One OP_CHECKSIG in whatever version of script. */
export function checkSignature(machine: Machine, signature: Uint8Array, publicKey: Uint8Array): SignatureVerdict {
  return machine.version === "tapscript"
    ? checkTapscript(machine, signature, publicKey)
    : checkBeforeTapscript(machine, signature, publicKey);
}

function checkBeforeTapscript(machine: Machine, signature: Uint8Array, publicKey: Uint8Array): SignatureVerdict {
  const scriptCode = withoutSignature(machine, machine.scriptCode, signature);
  if (scriptCode === undefined) return "SIG_FINDANDDELETE";
  const verdict = checkOne(machine, signature, publicKey, scriptCode);
  return verdict === false && machine.has(Flag.NULLFAIL) && signature.length > 0 ? "NULLFAIL" : verdict;
}

/** Before segwit a signature cannot sign itself; undefined where CONST_SCRIPTCODE forbids that it stands there. */
export function withoutSignature(machine: Machine, scriptCode: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  if (machine.version !== "base") return scriptCode;
  const deleted = findAndDelete(scriptCode, pushOf(signature));
  return deleted !== scriptCode && machine.has(Flag.CONST_SCRIPTCODE) ? undefined : deleted;
}

/** The form of both, then the signature: what OP_CHECKMULTISIG does for each pair. */
export function checkOne(
  machine: Machine,
  signature: Uint8Array,
  publicKey: Uint8Array,
  scriptCode: Uint8Array,
): SignatureVerdict {
  const isWitness = machine.version === "witness-v0";
  const signatureError = checkSignatureEncoding(signature, machine.flags);
  if (signatureError !== "OK") return signatureError;
  const keyError = checkKeyEncoding(publicKey, machine.flags, isWitness);
  if (keyError !== "OK") return keyError;
  if (!isKeySized(publicKey) || signature.length === 0) return false;
  const compact = readDer(signature.subarray(0, -1));
  if (compact === undefined) return false;
  lowerS(compact);
  const hashType = signature[signature.length - 1]!;
  return machine.spend.checker.ecdsa(compact, publicKey, machine.sighash(scriptCode, hashType));
}

/** BIP342: unknown kinds of key pass, an empty signature is false, any other must hold. */
function checkTapscript(machine: Machine, signature: Uint8Array, publicKey: Uint8Array): SignatureVerdict {
  const taproot = machine.taproot!;
  const isPresent = signature.length > 0;
  if (isPresent) {
    taproot.weightLeft -= WEIGHT_PER_SIGNATURE;
    if (taproot.weightLeft < 0) return "TAPSCRIPT_VALIDATION_WEIGHT";
  }
  if (publicKey.length === 0) return "TAPSCRIPT_EMPTY_PUBKEY";
  if (publicKey.length !== 32)
    return machine.has(Flag.DISCOURAGE_UPGRADABLE_PUBKEYTYPE) ? "DISCOURAGE_UPGRADABLE_PUBKEYTYPE" : isPresent;
  if (!isPresent) return false;
  const error = checkSchnorr(machine.spend, signature, publicKey, taproot.annexHash, {
    leafHash: taproot.leafHash,
    separatorPosition: machine.separatorIndex,
  });
  return error === "OK" ? true : error;
}

/** A signature with an optional hash type behind it against the hash of BIP341. */
export function checkSchnorr(
  spend: Spend,
  signature: Uint8Array,
  publicKey: Uint8Array,
  annexHash: Uint8Array | undefined,
  leaf: LeafContext | undefined,
): ScriptError {
  if (signature.length !== 64 && signature.length !== 65) return "SCHNORR_SIG_SIZE";
  const hashType = signature.length === 64 ? Sighash.DEFAULT : signature[64]!;
  if (signature.length === 65 && hashType === Sighash.DEFAULT) return "SCHNORR_SIG_HASHTYPE";
  const hash = sighashTaproot(spend.sighashes, spend.inputIndex, hashType, annexHash, leaf);
  if (hash === undefined) return "SCHNORR_SIG_HASHTYPE";
  return spend.checker.schnorr(signature.length === 64 ? signature : signature.subarray(0, 64), publicKey, hash)
    ? "OK"
    : "SCHNORR_SIG";
}
