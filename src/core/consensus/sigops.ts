import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { WITNESS_SCALE } from "../primitives/units.ts";
import { Flag, type ScriptFlags } from "../script/flags.ts";
import { countScriptHashSigops, countSigops, countWitnessSigops } from "../script/sigops.ts";

/** Signature operations in the scripts of the transaction itself, a bare OP_CHECKMULTISIG counting as twenty. */
export function legacySigopCount(tx: Transaction): number {
  let count = 0;
  for (let i = 0; i < tx.inputCount; i++) count += countSigops(tx.scriptSig(i), false);
  for (let i = 0; i < tx.outputCount; i++) count += countSigops(tx.raw, false, tx.outputScriptOffset(i), tx.outputOffset(i + 1));
  return count;
}

/** BIP141's cost: operations outside witnesses count four, those inside one. `spent` are the coins of the inputs, in order. */
export function transactionSigopCost(tx: Transaction, spent: readonly Pick<Coin, "script">[], flags: ScriptFlags): number {
  let cost = legacySigopCount(tx) * WITNESS_SCALE;
  if (tx.isCoinbase) return cost;
  for (let i = 0; i < tx.inputCount; i++) {
    const { script } = spent[i]!;
    if ((flags & Flag.P2SH) !== 0) cost += countScriptHashSigops(script, tx.scriptSig(i)) * WITNESS_SCALE;
    cost += countWitnessSigops(tx, i, script, flags);
  }
  return cost;
}
