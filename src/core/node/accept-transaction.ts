import { ChainCoreError, unreachable } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import type { Candidate, EvaluateOptions } from "../mempool/evaluate.ts";
import type { AddOutcome, Removal } from "../mempool/mempool.ts";
import type { Rejection } from "../mempool/rejection.ts";
import { type VerifiedCandidate, withScripts } from "../mempool/script-verdict.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { FeeRate, Sats, VBytes } from "../primitives/units.ts";
import { STANDARD_FLAGS } from "../script/flags.ts";
import { type NodeParts, nowSeconds, withChainView } from "./parts.ts";

/*
 * The path of a transaction: judged on a snapshot, no lock held -> scripts on other threads -> pooled under MEMPOOL if
 * neither the tip nor its parents have moved, else judged again -> told to whoever listens.
 */

export interface AcceptTransactionOptions extends Partial<EvaluateOptions> {
  /** Refuse what pays more, in satoshis per 1,000 virtual bytes; 0 or undefined for no limit. */
  readonly feeRateMax?: FeeRate | undefined;
  /** Say what would happen, and leave the pool as it is. */
  readonly testOnly?: boolean | undefined;
}

export type TransactionOutcome =
  | { readonly kind: "accepted"; readonly fee: Sats; readonly vsize: VBytes; readonly removed: readonly Removal[] }
  | { readonly kind: "fee-exceeded"; readonly fee: Sats; readonly vsize: VBytes }
  | { readonly kind: "rejected"; readonly why: Rejection };

/** Each attempt fails only because a block came or a parent left meanwhile; so many in a row mean a defect. */
const ATTEMPTS_MAX = 100;

/** Takes a transaction into the pool, or says why not. Resolves when it is visible to templates. */
export async function acceptTransaction(
  at: Root,
  node: NodeParts,
  tx: Transaction,
  options: AcceptTransactionOptions = {},
): Promise<TransactionOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const candidate = judge(node, tx, options);
    if ("kind" in candidate) return { kind: "rejected", why: candidate };
    const { fee } = candidate;
    const vsize = Math.ceil(candidate.adjustedWeight / 4) as VBytes;
    const limit = options.feeRateMax ?? 0;
    if (limit > 0 && fee > Math.ceil((limit * vsize) / 1000)) return { kind: "fee-exceeded", fee, vsize };
    const verified = await verifyScripts(node, candidate);
    if ("kind" in verified) return { kind: "rejected", why: verified };
    if (options.testOnly) return { kind: "accepted", fee, vsize, removed: [] };
    const added = await pool(at, node, verified);
    switch (added.kind) {
      case "stale":
        continue;
      case "rejected":
        return { kind: "rejected", why: added.why };
      case "added":
        node.locks.noteInputOutput(at, "the pool's journal");
        await node.journal.append(tx); // Before the sender hears of it: a kill -9 loses nothing that was acknowledged.
        return { kind: "accepted", fee, vsize, removed: added.removed };
      default:
        return unreachable(added);
    }
  }
  throw new ChainCoreError(
    "pool-busy",
    `transaction ${tx.txid} was overtaken by new blocks ${ATTEMPTS_MAX} times; send it again`,
  );
}

function judge(node: NodeParts, tx: Transaction, options: AcceptTransactionOptions): Candidate | Rejection {
  const rules: EvaluateOptions = { nowSeconds: nowSeconds(node.clock), ...options };
  return withChainView(node.chain, (view) => node.mempool.evaluate(tx, view, rules));
}

async function verifyScripts({ verifier }: NodeParts, candidate: Candidate): Promise<VerifiedCandidate | Rejection> {
  const [failure] = await verifier.verify([{ tx: candidate.tx, spent: candidate.spent, flags: STANDARD_FLAGS }]);
  return withScripts(candidate, failure);
}

async function pool(at: Root, { mempoolLock, mempool, events }: NodeParts, candidate: VerifiedCandidate): Promise<AddOutcome> {
  return mempoolLock.withWrite(
    at,
    (at) => {
      const outcome = mempool.add(at, candidate);
      if (outcome.kind !== "stale") tellRemovals(events, outcome.removed); // Under the lock, so that events keep the order of changes.
      if (outcome.kind === "added") tellAdded(events, outcome.entry);
      return outcome;
    },
    { site: "pool a transaction" },
  );
}

export function tellAdded(
  events: NodeParts["events"],
  { tx, vsize, fee }: Pick<Candidate, "tx" | "fee"> & { vsize: number },
): void {
  events.append({ event: "transaction-added", txid: tx.txid, vsize, feeSats: fee });
}

export function tellRemovals(events: NodeParts["events"], removals: readonly Removal[]): void {
  for (const { entry, reason } of removals) events.append({ event: "transaction-removed", txid: entry.tx.txid, reason });
}
