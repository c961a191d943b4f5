import type { BlockSink, TransactionSink, TransactionVerdict } from "../api/ports.ts";
import { submitBlockResult } from "../chain/outcome.ts";
import { unreachable } from "../errors.ts";
import type { FeeRate, Txid } from "../primitives/units.ts";
import { acceptBlock } from "./accept-block.ts";
import { submitPackage, testPackage } from "./accept-package.ts";
import { acceptTransaction, type TransactionOutcome } from "./accept-transaction.ts";
import type { NodeParts } from "./parts.ts";

/** Where everybody's transactions go: the API's, the wallet's, the peers'. */
export function transactionSink(node: NodeParts): TransactionSink {
  return {
    accept: async (at, tx, options) => verdictOf(await acceptTransaction(at, node, tx, options), options.testOnly ?? false),
    testPackage: (at, txs, { feeRateMax }) => testPackage(at, node, txs, feeRateMax ?? (0 as FeeRate)),
    submitPackage: (at, txs, { feeRateMax }) => submitPackage(at, node, txs, feeRateMax ?? (0 as FeeRate)),
    prioritise: (at, txid: Txid, delta) =>
      node.mempoolLock.withWrite(at, (at) => node.mempool.prioritise(at, txid, delta), { site: "prioritise" }),
  };
}

/** Where everybody's blocks go. */
export function blockSink(node: NodeParts): BlockSink {
  const { chain } = node;
  return {
    acceptBlock: async (at, block) => submitBlockResult(await acceptBlock(at, node, block)),
    acceptHeader: async (at, header) => {
      const outcome = await chain.acceptHeader(at, header);
      return outcome.kind === "invalid" ? outcome.why : outcome.kind === "orphan" ? "orphan" : undefined;
    },
    checkCandidate: (at, block) => chain.checkCandidate(at, block, { proofOfWork: false }),
    invalidate: async (at, hash) => void (await chain.invalidate(at, hash)),
    reconsider: async (at, hash) => void (await chain.reconsider(at, hash)),
    prefer: async (at, hash) => void (await chain.prefer(at, hash)),
  };
}

function verdictOf(outcome: TransactionOutcome, testOnly: boolean): TransactionVerdict {
  switch (outcome.kind) {
    case "accepted":
      return { kind: "accepted", fee: outcome.fee, vsize: outcome.vsize };
    case "fee-exceeded":
      return { kind: "fee-exceeded", fee: outcome.fee };
    case "rejected": {
      const { why } = outcome;
      if (why.code === "txn-already-in-mempool" && !testOnly) return { kind: "known" };
      return { kind: "invalid", why, isMissingInputs: why.kind === "missing-inputs" };
    }
    default:
      return unreachable(outcome);
  }
}
