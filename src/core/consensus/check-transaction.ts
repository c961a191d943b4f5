import { isNullOutpoint } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { isMoney, WITNESS_SCALE } from "../primitives/units.ts";
import { BLOCK_WEIGHT_MAX } from "./limits.ts";
import { type Invalid, invalid } from "./verdict.ts";

/** Script of a coinbase input, in bytes. */
const COINBASE_SCRIPT_MIN = 2;
const COINBASE_SCRIPT_MAX = 100;

/** Rules that a transaction can be held against alone, in Core's order (tx_check.cpp). */
export function checkTransaction(tx: Transaction): Invalid | undefined {
  if (tx.inputCount === 0) return invalid("bad-txns-vin-empty");
  if (tx.outputCount === 0) return invalid("bad-txns-vout-empty");
  if (tx.strippedSize * WITNESS_SCALE > BLOCK_WEIGHT_MAX) return invalid("bad-txns-oversize");
  return checkOutputs(tx) ?? checkPrevouts(tx);
}

function checkOutputs(tx: Transaction): Invalid | undefined {
  let total = 0;
  for (let i = 0; i < tx.outputCount; i++) {
    const value = tx.value(i);
    if (value < 0) return invalid("bad-txns-vout-negative");
    if (!isMoney(value)) return invalid("bad-txns-vout-toolarge");
    total += value;
    if (!isMoney(total)) return invalid("bad-txns-txouttotal-toolarge");
  }
  return undefined;
}

function checkPrevouts(tx: Transaction): Invalid | undefined {
  if (hasDuplicateInputs(tx)) return invalid("bad-txns-inputs-duplicate");
  if (tx.isCoinbase) {
    const length = tx.scriptSig(0).length;
    return length < COINBASE_SCRIPT_MIN || length > COINBASE_SCRIPT_MAX ? invalid("bad-cb-length") : undefined;
  }
  for (let i = 0; i < tx.inputCount; i++) {
    if (isNullOutpoint(tx.raw, tx.prevoutOffset(i))) return invalid("bad-txns-prevout-null");
  }
  return undefined;
}

/** CVE-2018-17144: an output spent twice by one transaction. */
function hasDuplicateInputs(tx: Transaction): boolean {
  if (tx.inputCount === 1) return false;
  const seen = new Set<string>();
  for (let i = 0; i < tx.inputCount; i++) seen.add(tx.prevoutKey(i));
  return seen.size !== tx.inputCount;
}
