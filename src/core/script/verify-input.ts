import { bytesEqual } from "../encoding/hash.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { Flag, type ScriptFlags } from "./flags.ts";
import { runScript } from "./interpreter.ts";
import { Machine, type Spend } from "./machine.ts";
import type { ScriptError } from "./script-error.ts";
import { findWitnessProgram, isPayToScriptHash } from "./script-forms.ts";
import { isTrue } from "./script-number.ts";
import { isPushOnly, pushOf } from "./script-reader.ts";
import { SighashCache, type SpentOutput } from "./sighash-cache.ts";
import type { SignatureChecker } from "./signature-checker.ts";
import { verifyWitnessProgram } from "./witness-program.ts";

/** The first input of a transaction whose scripts fail, and why. */
export interface ScriptFailure {
  readonly input: number;
  readonly error: ScriptError;
}

/**
 * Runs the scripts of every input in order.
 * @param spent the outputs that the inputs spend, in order of the inputs.
 * @returns undefined when all of them hold.
 */
export function verifyTransaction(
  tx: Transaction,
  spent: readonly SpentOutput[],
  flags: ScriptFlags,
  checker: SignatureChecker,
): ScriptFailure | undefined {
  const sighashes = new SighashCache(tx, spent);
  for (let input = 0; input < tx.inputCount; input++) {
    const error = verifyInput(tx, input, spent, flags, checker, sighashes);
    if (error !== "OK") return { input, error };
  }
  return undefined;
}

/**
 * Whether an input may spend its output: scriptSig, scriptPubKey, then what P2SH and witness programs add.
 * @param spent the outputs of all inputs; taproot signs them all.
 * @param sighashes of this transaction and these outputs; shared by its inputs.
 */
export function verifyInput(
  tx: Transaction,
  inputIndex: number,
  spent: readonly SpentOutput[],
  flags: ScriptFlags,
  checker: SignatureChecker,
  sighashes: SighashCache = new SighashCache(tx, spent),
): ScriptError {
  const spend: Spend = { tx, inputIndex, flags, checker, sighashes };
  return verifyScripts(spend, tx.scriptSig(inputIndex), spent[inputIndex]!.script, tx.witness(inputIndex));
}

function verifyScripts(
  spend: Spend,
  scriptSig: Uint8Array,
  scriptPubKey: Uint8Array,
  witness: readonly Uint8Array[],
): ScriptError {
  const { flags } = spend;
  if ((flags & Flag.SIGPUSHONLY) !== 0 && !isPushOnly(scriptSig)) return "SIG_PUSHONLY";
  const stack: Uint8Array[] = [];
  const signed = runScript(new Machine(spend, scriptSig, stack, "base"));
  if (signed !== "OK") return signed;
  const beforeOutput = stack.slice();
  const judged = runToTrue(spend, scriptPubKey, stack);
  if (judged !== "OK") return judged;
  if ((flags & Flag.WITNESS) !== 0) {
    const program = findWitnessProgram(scriptPubKey);
    if (program !== undefined)
      return scriptSig.length > 0 ? "WITNESS_MALLEATED" : verifyWitnessProgram(spend, program, witness, false);
  }
  if ((flags & Flag.P2SH) !== 0 && isPayToScriptHash(scriptPubKey))
    return verifyScriptHash(spend, scriptSig, beforeOutput, witness);
  return finish(flags, stack, witness);
}

/** BIP16: the last push of scriptSig is the script that counts. */
function verifyScriptHash(spend: Spend, scriptSig: Uint8Array, stack: Uint8Array[], witness: readonly Uint8Array[]): ScriptError {
  if (!isPushOnly(scriptSig)) return "SIG_PUSHONLY";
  const redeemScript = stack.pop()!; // There is one: its hash was just compared.
  const judged = runToTrue(spend, redeemScript, stack);
  if (judged !== "OK") return judged;
  if ((spend.flags & Flag.WITNESS) !== 0) {
    const program = findWitnessProgram(redeemScript);
    if (program !== undefined) {
      if (!bytesEqual(scriptSig, pushOf(redeemScript))) return "WITNESS_MALLEATED_P2SH";
      return verifyWitnessProgram(spend, program, witness, true);
    }
  }
  return finish(spend.flags, stack, witness);
}

function runToTrue(spend: Spend, script: Uint8Array, stack: Uint8Array[]): ScriptError {
  const error = runScript(new Machine(spend, script, stack, "base"));
  if (error !== "OK") return error;
  return stack.length > 0 && isTrue(stack[stack.length - 1]!) ? "OK" : "EVAL_FALSE";
}

/** Where no witness program has had the last word. */
function finish(flags: ScriptFlags, stack: readonly Uint8Array[], witness: readonly Uint8Array[]): ScriptError {
  if ((flags & Flag.CLEANSTACK) !== 0 && stack.length !== 1) return "CLEANSTACK";
  return (flags & Flag.WITNESS) !== 0 && witness.length > 0 ? "WITNESS_UNEXPECTED" : "OK";
}
