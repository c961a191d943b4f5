import { compactSizeLength } from "../encoding/compact-size.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { FeeRate, Sats } from "../primitives/units.ts";
import { isUnspendable, isWitnessProgram } from "../script/script-forms.ts";
import { feeFor } from "./fee-fraction.ts";

/** Bytes of an input that spends an output: outpoint 36, script length 1, a signature and a key 107, sequence 4. */
const INPUT_BYTES = 36 + 1 + 107 + 4;
/** The same with the 107 in the witness, where a byte counts a quarter. */
const WITNESS_INPUT_BYTES = 36 + 1 + Math.floor(107 / 4) + 4;

/** Below this an output costs more to spend than it holds; 0 for one that can never be spent. */
export function dustLimit(script: Uint8Array, dustFeeRate: FeeRate): Sats {
  if (isUnspendable(script)) return 0 as Sats;
  const outputBytes = 8 + compactSizeLength(script.length) + script.length;
  return feeFor(dustFeeRate, outputBytes + (isWitnessProgram(script) ? WITNESS_INPUT_BYTES : INPUT_BYTES));
}

/** Indices of the outputs that are dust. */
export function dustOutputs(tx: Transaction, dustFeeRate: FeeRate): readonly number[] {
  const found: number[] = [];
  for (let i = 0; i < tx.outputCount; i++) {
    if (tx.value(i) < dustLimit(tx.outputScript(i), dustFeeRate)) found.push(i);
  }
  return found;
}
