import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { ELEMENT_BYTES_MAX, STACK_ELEMENTS_MAX } from "../script/limits.ts";
import { isSmallNumber, Op, smallNumber } from "../script/opcodes.ts";
import { findWitnessProgram, isAnchorProgram, isPayToScriptHash } from "../script/script-forms.ts";
import { isPushOnly, ScriptReader } from "../script/script-reader.ts";
import { countScriptHashSigops, countSigops } from "../script/sigops.ts";
import { classifyScript } from "../script/templates.ts";
import { dustOutputs } from "./dust.ts";
import { type Policy, STANDARD_WEIGHT_MAX } from "./policy.ts";

/*
 * Which forms of transactions are relayed: those whose cost is known and that no later rule is meant to change the meaning
 * of. Bitcoin Core's policy.cpp is the measure; reasons are its reject codes.
 */

const VERSION_MAX = 3;
/** A scriptSig of fifteen signatures and a redeem script of fifteen keys, rounded up. */
const SCRIPT_SIG_BYTES_MAX = 1650;
const BARE_MULTISIG_KEYS_MAX = 3;
const DUST_OUTPUTS_MAX = 1;

/** The reject code of a transaction whose form is not relayed; looks at nothing but the transaction. */
export function nonstandardReason(tx: Transaction, policy: Policy): string | undefined {
  if (tx.version < 1 || tx.version > VERSION_MAX) return "version";
  if (tx.weight > STANDARD_WEIGHT_MAX) return "tx-size";
  for (let i = 0; i < tx.inputCount; i++) {
    const script = tx.scriptSig(i);
    if (script.length > SCRIPT_SIG_BYTES_MAX) return "scriptsig-size";
    if (!isPushOnly(script)) return "scriptsig-not-pushonly";
  }
  return nonstandardOutput(tx, policy) ?? (dustOutputs(tx, policy.dustFeeRate).length > DUST_OUTPUTS_MAX ? "dust" : undefined);
}

function nonstandardOutput(tx: Transaction, policy: Policy): string | undefined {
  let dataBytesLeft = policy.dataCarrierBytesMax;
  for (let i = 0; i < tx.outputCount; i++) {
    const script = tx.outputScript(i);
    const form = classifyScript(script);
    if (form.type === "nonstandard") return "scriptpubkey";
    if (form.type === "multisig" && form.keys.length > BARE_MULTISIG_KEYS_MAX) return "scriptpubkey";
    if (form.type === "multisig" && !policy.permitBareMultisig) return "bare-multisig";
    if (form.type === "nulldata") {
      if (script.length > dataBytesLeft) return "datacarrier";
      dataBytesLeft -= script.length;
    }
  }
  return undefined;
}

/** BIP54: operations that a transaction may run outside witnesses. */
const LEGACY_SIGOPS_MAX = 2500;
const SCRIPT_HASH_SIGOPS_MAX = 15;

/** Whether every output that is spent has a known form and no input hides too much work. */
export function hasStandardInputs(tx: Transaction, spent: readonly Coin[]): boolean {
  let sigops = 0;
  for (let i = 0; i < tx.inputCount; i++) {
    const { script } = spent[i]!;
    const scriptSig = tx.scriptSig(i);
    sigops += countSigops(scriptSig, true);
    sigops += isPayToScriptHash(script) ? countScriptHashSigops(script, scriptSig) : countSigops(script, true);
    if (sigops > LEGACY_SIGOPS_MAX) return false;
  }
  return spent.every((coin, i) => isStandardSpend(coin.script, tx.scriptSig(i)));
}

function isStandardSpend(script: Uint8Array, scriptSig: Uint8Array): boolean {
  const { type } = classifyScript(script);
  if (type === "nonstandard" || type === "witness_unknown") return false;
  if (type !== "scripthash") return true;
  const redeemScript = topOfPushes(scriptSig);
  return redeemScript !== undefined && countSigops(redeemScript, true) <= SCRIPT_HASH_SIGOPS_MAX;
}

const P2WSH_SCRIPT_BYTES_MAX = 3600;
const P2WSH_ITEMS_MAX = 100;
const WITNESS_ITEM_BYTES_MAX = 80;

/** Whether no witness is larger than its form needs, or stands where none belongs. */
export function hasStandardWitnesses(tx: Transaction, spent: readonly Coin[]): boolean {
  if (!tx.hasWitness) return true;
  return spent.every((coin, i) => !tx.hasWitnessItems(i) || isStandardWitness(tx, i, coin.script));
}

function isStandardWitness(tx: Transaction, input: number, script: Uint8Array): boolean {
  const isNested = isPayToScriptHash(script);
  const judged = isNested ? topOfPushes(tx.scriptSig(input)) : script;
  const found = judged === undefined ? undefined : findWitnessProgram(judged);
  if (found === undefined || (!isNested && isAnchorProgram(found))) return false;
  const { version, program } = found;
  if (version === 0 && program.length === 32) return isStandardP2wsh(tx.witness(input));
  if (version === 1 && program.length === 32 && !isNested) return isStandardTaproot(tx.witness(input));
  return true;
}

function isStandardP2wsh(witness: readonly Uint8Array[]): boolean {
  const items = witness.slice(0, -1);
  if (witness.at(-1)!.length > P2WSH_SCRIPT_BYTES_MAX || items.length > P2WSH_ITEMS_MAX) return false;
  return items.every((item) => item.length <= WITNESS_ITEM_BYTES_MAX);
}

const ANNEX_TAG = 0x50;
const LEAF_MASK = 0xfe;
const LEAF_TAPSCRIPT = 0xc0;

/** No annex; small items for a tapscript. */
function isStandardTaproot(witness: readonly Uint8Array[]): boolean {
  if (witness.length < 2) return true;
  const controlBlock = witness.at(-1)!;
  if (controlBlock.length === 0 || controlBlock[0] === ANNEX_TAG) return false;
  if ((controlBlock[0]! & LEAF_MASK) !== LEAF_TAPSCRIPT) return true;
  return witness.slice(0, -2).every((item) => item.length <= WITNESS_ITEM_BYTES_MAX);
}

/** What a script that only pushes leaves on top of the stack; undefined when running it fails or leaves nothing. */
function topOfPushes(script: Uint8Array): Uint8Array | undefined {
  const reader = new ScriptReader(script);
  let top: Uint8Array | undefined;
  for (let count = 1; reader.next(); count++) {
    const { opcode } = reader;
    if (reader.dataLength > ELEMENT_BYTES_MAX || count > STACK_ELEMENTS_MAX) return undefined;
    if (opcode <= Op.OP_PUSHDATA4) top = reader.data();
    else if (opcode === Op.OP_1NEGATE) top = Uint8Array.of(0x81);
    else if (isSmallNumber(opcode)) top = Uint8Array.of(smallNumber(opcode));
    else return undefined;
  }
  return reader.opcode === Op.OP_INVALIDOPCODE ? undefined : top;
}
