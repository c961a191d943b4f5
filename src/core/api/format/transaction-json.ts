import { bytesToHex } from "../../encoding/hex.ts";
import type { AddressPrefixes } from "../../primitives/address.ts";
import type { Coin } from "../../primitives/coin.ts";
import type { Transaction } from "../../primitives/transaction.ts";
import { asm } from "../../script/asm.ts";
import { describeScript } from "../../script/describe-script.ts";
import { amount } from "./amount.ts";

export interface TransactionJsonOptions {
  readonly prefixes: AddressPrefixes;
  /** The coins that it spends, by input; without them there is no `fee`. */
  readonly spent?: readonly Coin[] | undefined;
  /** Whether each input shows the coin that it spends. */
  readonly showsSpent?: boolean;
  readonly omitsHex?: boolean;
}

/** A transaction decoded, in Bitcoin Core's order of names (TxToUniv). */
export function transactionJson(tx: Transaction, options: TransactionJsonOptions): Record<string, unknown> {
  const spent = tx.isCoinbase ? undefined : options.spent;
  const shown = options.showsSpent ? spent : undefined;
  return {
    txid: tx.txid,
    hash: tx.wtxid,
    version: tx.version,
    size: tx.size,
    vsize: tx.vsize,
    weight: tx.weight,
    locktime: tx.lockTime,
    vin: tx.inputs.map((_, index) => inputJson(tx, index, shown?.[index], options.prefixes)),
    vout: tx.outputs.map(({ value, script }, n) => ({
      value: amount(value),
      n,
      scriptPubKey: describeScript(script, options.prefixes),
    })),
    ...(spent === undefined ? {} : { fee: amount(feeOf(tx, spent)) }),
    ...(options.omitsHex ? {} : { hex: bytesToHex(tx.raw) }),
  };
}

function inputJson(tx: Transaction, index: number, coin: Coin | undefined, prefixes: AddressPrefixes): Record<string, unknown> {
  const { txid, vout, scriptSig, sequence, witness } = tx.inputs[index]!;
  const source = tx.isCoinbase
    ? { coinbase: bytesToHex(scriptSig) }
    : { txid, vout, scriptSig: { asm: asm(scriptSig, true), hex: bytesToHex(scriptSig) } };
  return {
    ...source,
    ...(witness.length === 0 ? {} : { txinwitness: witness.map(bytesToHex) }),
    ...(coin === undefined ? {} : { prevout: coinJson(coin, prefixes) }),
    sequence,
  };
}

function coinJson(coin: Coin, prefixes: AddressPrefixes): Record<string, unknown> {
  return {
    generated: coin.isCoinbase,
    height: coin.height,
    value: amount(coin.value),
    scriptPubKey: describeScript(coin.script, prefixes),
  };
}

function feeOf(tx: Transaction, spent: readonly Coin[]): number {
  const paid = spent.reduce((sum, coin) => sum + coin.value, 0);
  return paid - tx.outputs.reduce((sum, output) => sum + output.value, 0);
}
