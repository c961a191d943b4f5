import { verdictText } from "../../consensus/verdict.ts";
import { outpointBytesOf } from "../../primitives/outpoint.ts";
import type { Transaction } from "../../primitives/transaction.ts";
import type { FeeRate, Sats } from "../../primitives/units.ts";
import { ELEMENT_BYTES_MAX } from "../../script/limits.ts";
import { Op } from "../../script/opcodes.ts";
import { isUnspendable } from "../../script/script-forms.ts";
import { ScriptReader } from "../../script/script-reader.ts";
import { amount } from "../format/amount.ts";
import type { ApiDeps, ChainReader, PackageVerdict, TransactionVerdict } from "../ports.ts";
import { typed } from "./args.ts";
import { SENDRAWTRANSACTION_HELP } from "./help/sendrawtransaction.ts";
import { TESTMEMPOOLACCEPT_HELP } from "./help/testmempoolaccept.ts";
import type { Call, RpcMethod } from "./method.ts";
import { RPC, RpcError } from "./rpc-error.ts";
import { decodeTransaction } from "./transactions.ts";
import type { Unbroadcast } from "./unbroadcast.ts";

/** Transactions on their way into the pool. */
export function submitTransactionMethods(deps: ApiDeps, unbroadcast: Unbroadcast): readonly RpcMethod[] {
  return [sendrawtransaction(deps, unbroadcast), testmempoolaccept(deps)];
}

/** 0.1 coins per 1,000 virtual bytes: more is taken for a mistake. */
export const DEFAULT_FEE_RATE_MAX = 10_000_000 as FeeRate;
const PACKAGE_TRANSACTIONS_MAX = 25;
const MISSING_INPUTS = "bad-txns-inputs-missingorspent";
const FEE_EXCEEDED = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)";
const BURN_EXCEEDED = "Unspendable output exceeds maximum configured by user (maxburnamount)";

function sendrawtransaction(deps: ApiDeps, unbroadcast: Unbroadcast): RpcMethod {
  return {
    ...SENDRAWTRANSACTION_HELP,
    name: "sendrawtransaction",
    group: "Rawtransactions",
    async run(args, { at }) {
      const burnMax = args.amount(2, 0 as Sats);
      const tx = decodeTransaction(args.text(0));
      if (tx === undefined) throw new RpcError(RPC.DESERIALIZATION, "TX decode failed. Make sure the tx has at least one input.");
      checkBurns(tx, burnMax);
      const feeRateMax = args.feeRate(1, DEFAULT_FEE_RATE_MAX);
      checkNotConfirmed(deps.chain, tx);
      if (deps.pool.find(tx.txid) === undefined) throwUnlessPooled(await deps.transactions.accept(at, tx, { feeRateMax }));
      unbroadcast.add(tx.txid);
      return tx.txid;
    },
  };
}

/** Coins that nobody can ever spend again, above what the caller allows. */
export function checkBurns(tx: Transaction, burnMax: number): void {
  for (const { value, script } of tx.outputs) {
    if (value > burnMax && (isUnspendable(script) || !hasValidOperations(script)))
      throw new RpcError(RPC.VERIFY_ERROR, BURN_EXCEEDED);
  }
}

/** Whether every operation is one that a legacy script may hold, and every push whole and short enough (HasValidOps). */
function hasValidOperations(script: Uint8Array): boolean {
  const reader = new ScriptReader(script);
  while (reader.position < reader.end) {
    if (!reader.next() || reader.opcode > Op.OP_NOP10 || reader.dataLength > ELEMENT_BYTES_MAX) return false;
  }
  return true;
}

/** Known to the chain only while an output of it is unspent; what is spent to the last output answers that inputs are missing. */
function checkNotConfirmed(chain: ChainReader, tx: Transaction): void {
  for (let vout = 0; vout < tx.outputCount; vout++) {
    if (chain.coins.find(outpointBytesOf(tx.txidBytes, vout)) === undefined) continue;
    throw new RpcError(RPC.VERIFY_ALREADY_IN_UTXO_SET, "Transaction outputs already in utxo set");
  }
}

function throwUnlessPooled(verdict: TransactionVerdict): void {
  switch (verdict.kind) {
    case "accepted":
    case "known":
      return;
    case "fee-exceeded":
      throw new RpcError(RPC.VERIFY_ERROR, FEE_EXCEEDED);
    case "invalid":
      throw verdict.isMissingInputs
        ? new RpcError(RPC.VERIFY_ERROR, MISSING_INPUTS)
        : new RpcError(RPC.VERIFY_REJECTED, verdictText(verdict.why));
  }
}

function testmempoolaccept(deps: ApiDeps): RpcMethod {
  return {
    ...TESTMEMPOOLACCEPT_HELP,
    name: "testmempoolaccept",
    group: "Rawtransactions",
    async run(args, { at }) {
      checkLength(args.array(0));
      const feeRateMax = args.feeRate(1, DEFAULT_FEE_RATE_MAX);
      const txs = decodeAll(args.array(0));
      const { error, verdicts } = await testAll(deps, txs, { at, feeRateMax });
      return txs.map((tx, index) => ({
        txid: tx.txid,
        wtxid: tx.wtxid,
        ...(error === undefined ? {} : { "package-error": verdictText(error) }),
        ...verdictJson(verdicts[index], tx),
      }));
    },
  };
}

/** @throws RpcError -8, -3, -22 */
export function decodeAll(texts: readonly unknown[]): readonly Transaction[] {
  checkLength(texts);
  return texts.map((text) => decodePackaged(typed(text, "string")));
}

function checkLength(texts: readonly unknown[]): void {
  if (texts.length >= 1 && texts.length <= PACKAGE_TRANSACTIONS_MAX) return;
  throw new RpcError(RPC.INVALID_PARAMETER, `Array must contain between 1 and ${PACKAGE_TRANSACTIONS_MAX} transactions.`);
}

function decodePackaged(hex: string): Transaction {
  const tx = decodeTransaction(hex);
  if (tx !== undefined) return tx;
  const message = `TX decode failed: ${hex} Make sure the tx has at least one input.`;
  throw new RpcError(RPC.DESERIALIZATION, message);
}

async function testAll(
  { transactions }: ApiDeps,
  txs: readonly Transaction[],
  { at, feeRateMax }: Pick<Call, "at"> & { feeRateMax: FeeRate },
): Promise<PackageVerdict> {
  const options = { feeRateMax, testOnly: true };
  if (txs.length > 1 && transactions.testPackage !== undefined) return await transactions.testPackage(at, txs, options);
  const verdicts: (TransactionVerdict | undefined)[] = [];
  for (const tx of txs) {
    const failed = verdicts.some((verdict) => verdict?.kind !== "accepted");
    verdicts.push(failed ? undefined : await transactions.accept(at, tx, options));
  }
  return { verdicts };
}

function verdictJson(verdict: TransactionVerdict | undefined, tx: Transaction): Record<string, unknown> {
  switch (verdict?.kind) {
    case undefined:
      return {};
    case "accepted": {
      const effective = verdict.effective ?? { feeRate: Math.floor((verdict.fee * 1000) / verdict.vsize), includes: [tx.wtxid] };
      const fees = {
        base: amount(verdict.fee),
        "effective-feerate": amount(effective.feeRate),
        "effective-includes": effective.includes,
      };
      return { allowed: true, vsize: verdict.vsize, fees };
    }
    case "fee-exceeded":
      return { allowed: false, "reject-reason": "max-fee-exceeded" };
    case "known":
      return rejection("txn-already-in-mempool", "txn-already-in-mempool");
    case "invalid":
      return verdict.isMissingInputs
        ? { allowed: false, "reject-reason": "missing-inputs" }
        : rejection(verdict.why.code, verdictText(verdict.why));
  }
}

function rejection(reason: string, details: string): Record<string, unknown> {
  return { allowed: false, "reject-reason": reason, "reject-details": details };
}
