import { verdictText } from "../../consensus/verdict.ts";
import type { PoolEntry } from "../../mempool/cluster.ts";
import { isChildWithParents } from "../../mempool/package.ts";
import { packageFee } from "../../mempool/package-judgement.ts";
import type { MemberOutcome } from "../../mempool/package-submission.ts";
import type { Sats } from "../../primitives/units.ts";
import { amount } from "../format/amount.ts";
import type { ApiDeps } from "../ports.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";
import { checkBurns, DEFAULT_FEE_RATE_MAX, decodeAll } from "./submit-transaction.ts";

const TOPOLOGY = "package topology disallowed. not child-with-parents or parents depend on each other.";

/** A child and its parents; the child may pay for parents that would not get in alone. */
export function submitpackage({ transactions }: ApiDeps): RpcMethod {
  return {
    name: "submitpackage",
    group: "Rawtransactions",
    about:
      "Submit a package of raw transactions (serialized, hex-encoded) to local node.\nThe package will be validated according to consensus and mempool policy rules.",
    params: [
      param("package", "array", "An array of raw transactions: unconfirmed parents, then the child that spends them.", {
        shown: '["rawtx",...]',
      }),
      optional(
        "maxfeerate",
        "amount",
        "Reject transactions whose fee rate is higher than the specified value, expressed in BTC/kvB.",
        '"0.10"',
      ),
      optional(
        "maxburnamount",
        "amount",
        "Reject transactions with provably unspendable outputs greater than the specified value, expressed in BTC.",
        '"0.00"',
      ),
    ],
    results: result("{...}", "(json object)"),
    async run(args, { at }) {
      const feeRateMax = args.feeRate(1, DEFAULT_FEE_RATE_MAX);
      const burnMax = args.amount(2, 0 as Sats);
      const txs = decodeAll(args.array(0));
      for (const tx of txs) checkBurns(tx, burnMax);
      if (txs.length > 1 && !isChildWithParents(txs)) throw new RpcError(RPC.VERIFY_ERROR, TOPOLOGY);
      const { message, members, replaced } = await transactions.submitPackage!(at, txs, { feeRateMax });
      const outcomes = new Map(members.map(({ tx, outcome }) => [tx, outcome]));
      return {
        package_msg: message,
        "tx-results": Object.fromEntries(txs.map((tx) => [tx.wtxid, { txid: tx.txid, ...memberJson(outcomes.get(tx)) }])),
        "replaced-transactions": replaced,
      };
    },
  };
}

function memberJson(outcome: MemberOutcome | undefined): Record<string, unknown> {
  switch (outcome?.kind) {
    case undefined:
      return { error: "package-not-validated" };
    case "failed":
      return { error: outcome.why.kind === "missing-inputs" ? "missing-inputs" : verdictText(outcome.why) };
    case "other-witness":
      return { "other-wtxid": outcome.wtxid };
    case "known":
      return { vsize: outcome.entry.vsize, fees: { base: amount(outcome.entry.fee) } };
    case "accepted":
      return { vsize: outcome.entry.vsize, fees: { base: amount(outcome.entry.fee), ...effective(outcome.together) } };
  }
}

function effective(together: readonly PoolEntry[]): Record<string, unknown> {
  const { fee, vsize } = packageFee(together);
  const feeRate = Math.floor((fee * 1000) / vsize);
  return { "effective-feerate": amount(feeRate), "effective-includes": together.map(({ tx }) => tx.wtxid) };
}
