import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { COIN, isMoney, type Sats } from "../primitives/units.ts";
import type { NetworkParams } from "./params.ts";
import { type Invalid, invalid } from "./verdict.ts";

/** The verdict on a transaction with an input that is not among the unspent coins; looking them up is the caller's part. */
export const MISSING_INPUTS: Invalid = invalid("bad-txns-inputs-missingorspent", "CheckTxInputs: inputs missing/spent");

/**
 * Money rules of a transaction against the coins that it spends (in input order), in a block of height `spendHeight`:
 * maturity, ranges, and a fee that is not negative. Scripts and lock times are checked elsewhere.
 */
export function checkTxInputs(
  tx: Transaction,
  spent: readonly Coin[],
  spendHeight: number,
  params: Pick<NetworkParams, "coinbaseMaturity">,
): { readonly fee: Sats } | Invalid {
  let valueIn = 0;
  for (const coin of spent) {
    const depth = spendHeight - coin.height;
    if (coin.isCoinbase && depth < params.coinbaseMaturity) {
      return invalid("bad-txns-premature-spend-of-coinbase", `tried to spend coinbase at depth ${depth}`);
    }
    valueIn += coin.value;
    if (!isMoney(coin.value) || !isMoney(valueIn)) return invalid("bad-txns-inputvalues-outofrange");
  }
  const out = valueOut(tx);
  if (valueIn < out) {
    return invalid("bad-txns-in-belowout", `value in (${formatMoney(valueIn)}) < value out (${formatMoney(out)})`);
  }
  const fee = valueIn - out;
  return isMoney(fee) ? { fee } : invalid("bad-txns-fee-outofrange");
}

/** The sum of the outputs of a transaction that checkTransaction has passed. */
export function valueOut(tx: Transaction): number {
  let total = 0;
  for (let i = 0; i < tx.outputCount; i++) total += tx.value(i);
  return total;
}

/** Coins as Core writes them inside its debug texts: at least two decimals, no further zeros at the end. */
export function formatMoney(amount: number): string {
  const absolute = Math.abs(amount);
  const decimals = String(absolute % COIN)
    .padStart(8, "0")
    .replace(/0{1,6}$/, "");
  return `${amount < 0 ? "-" : ""}${Math.floor(absolute / COIN)}.${decimals}`;
}
