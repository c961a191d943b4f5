import type { Transaction } from "../primitives/transaction.ts";
import { Flag, type ScriptFlags } from "./flags.ts";
import { MULTISIG_KEYS_MAX } from "./limits.ts";
import { isSmallNumber, Op, smallNumber } from "./opcodes.ts";
import { isPayToScriptHash, isWitnessProgram } from "./script-forms.ts";
import { isPushOnly, ScriptReader } from "./script-reader.ts";

/**
 * Signature operations as blocks are limited by: every OP_CHECKSIG counts, executed or not, up to the first broken push.
 * @param bytes the script's, from `from` to before `to`.
 * @param isAccurate count OP_CHECKMULTISIG by the OP_1 ... OP_16 in front of it, as P2SH and witness scripts are counted; else it is always 20.
 */
export function countSigops(bytes: Uint8Array, isAccurate: boolean, from = 0, to = bytes.length): number {
  const reader = new ScriptReader(bytes, from, to);
  let count = 0;
  for (let previous = -1; reader.next(); previous = reader.opcode) {
    const { opcode } = reader;
    if (opcode === Op.OP_CHECKSIG || opcode === Op.OP_CHECKSIGVERIFY) count++;
    else if (opcode === Op.OP_CHECKMULTISIG || opcode === Op.OP_CHECKMULTISIGVERIFY) {
      count += isAccurate && isSmallNumber(previous) ? smallNumber(previous) : MULTISIG_KEYS_MAX;
    }
  }
  return count;
}

/** Those of the script that a P2SH input reveals; 0 for other outputs (BIP16). */
export function countScriptHashSigops(scriptPubKey: Uint8Array, scriptSig: Uint8Array): number {
  if (!isPayToScriptHash(scriptPubKey)) return 0;
  const redeemScript = lastPush(scriptSig);
  return redeemScript === undefined ? 0 : countSigops(redeemScript, true);
}

/** Those that a witness program runs, native or within P2SH; each costs a quarter of the others (BIP141). `input` spends `scriptPubKey`. */
export function countWitnessSigops(tx: Transaction, input: number, scriptPubKey: Uint8Array, flags: ScriptFlags): number {
  if ((flags & Flag.WITNESS) === 0) return 0;
  const program = isPayToScriptHash(scriptPubKey) ? lastPush(tx.scriptSig(input)) : scriptPubKey;
  if (program === undefined || !isWitnessProgram(program)) return 0;
  if (program[0] !== Op.OP_0) return 0; // Tapscript has a budget of its own.
  const length = program[1];
  if (length === 20) return 1;
  const script = length === 32 ? tx.witness(input).at(-1) : undefined;
  return script === undefined ? 0 : countSigops(script, true);
}

/** What the last operation of a script that only pushes leaves on top; undefined where it does more than push. Small numbers count as empty, as in Core. */
function lastPush(script: Uint8Array): Uint8Array | undefined {
  if (!isPushOnly(script)) return undefined;
  const reader = new ScriptReader(script);
  let last = script.subarray(0, 0);
  while (reader.next()) last = reader.data();
  return last;
}
