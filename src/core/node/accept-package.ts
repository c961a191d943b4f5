import type { PackageVerdict, TransactionVerdict } from "../api/ports.ts";
import { ChainCoreError } from "../errors.ts";
import type { Holds, Root } from "../locks/context.ts";
import type { ChainView } from "../mempool/evaluate.ts";
import { addPackage, checkPackage, evaluatePackage } from "../mempool/package.ts";
import type { PackageJudgement } from "../mempool/package-judgement.ts";
import { type PackageOutcome, type PackageSteps, submitPackage as submitMembers } from "../mempool/package-submission.ts";
import { rejected } from "../mempool/rejection.ts";
import { type VerifiedCandidate, withScripts } from "../mempool/script-verdict.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { FeeRate, VBytes } from "../primitives/units.ts";
import { STANDARD_FLAGS } from "../script/flags.ts";
import { acceptTransaction, tellAdded, tellRemovals } from "./accept-transaction.ts";
import { type NodeParts, nowSeconds, withChainView } from "./parts.ts";

/*
 * The path of several transactions that belong together: each alone where that will do; the others judged as one, under
 * MEMPOOL -> scripts on other threads, no lock held -> judged again and pooled, under MEMPOOL.
 */

type Bad = Extract<PackageJudgement, { kind: "bad" }>;

/** What testmempoolaccept says of several: each by its own fee, the pool left as it is. */
export async function testPackage(
  at: Root,
  node: NodeParts,
  txs: readonly Transaction[],
  feeRateMax: FeeRate,
): Promise<PackageVerdict> {
  const error = checkPackage(txs);
  if (error !== undefined) return { error, verdicts: [] };
  const judged = await judge(at, node, txs, false);
  if (judged.kind === "refused") return { error: rejected("policy", judged.message), verdicts: [] }; // Only of shared fees.
  const result = judged.kind === "bad" ? judged : await verifyScripts(node, judged.candidates);
  if ("why" in result) return { verdicts: txs.map((tx) => (tx === result.tx ? refusalOf(result) : undefined)) };
  const verdicts: TransactionVerdict[] = [];
  for (const { fee, adjustedWeight } of result) {
    const vsize = Math.ceil(adjustedWeight / 4) as VBytes;
    const isTooMuch = feeRateMax > 0 && fee > Math.ceil((feeRateMax * vsize) / 1000);
    verdicts.push(isTooMuch ? { kind: "fee-exceeded", fee } : { kind: "accepted", fee, vsize });
    if (isTooMuch) break; // Core looks no further.
  }
  return { verdicts };
}

function refusalOf({ why }: Bad): TransactionVerdict {
  return { kind: "invalid", why, isMissingInputs: why.kind === "missing-inputs" };
}

/** submitpackage: a child and its parents into the pool. */
export function submitPackage(
  at: Root,
  node: NodeParts,
  txs: readonly Transaction[],
  feeRateMax: FeeRate,
): Promise<PackageOutcome> {
  return submitMembers(txs, {
    find: (tx) => node.mempool.find(tx.txid),
    acceptAlone: async (tx) => {
      const outcome = await acceptTransaction(at, node, tx, { feeRateMax });
      if (outcome.kind === "rejected") return outcome.why;
      const entry = node.mempool.find(tx.txid);
      if (outcome.kind !== "accepted" || entry === undefined) return rejected("policy", "max feerate exceeded");
      return { entry, removed: outcome.removed };
    },
    acceptTogether: (members) => acceptTogether(at, node, members),
  });
}

/** Each attempt fails only because a block came meanwhile. */
const ATTEMPTS_MAX = 100;

async function acceptTogether(
  at: Root,
  node: NodeParts,
  txs: readonly Transaction[],
): ReturnType<PackageSteps["acceptTogether"]> {
  const judged = await judge(at, node, txs, true);
  if (judged.kind !== "good") return judged;
  const verified = await verifyScripts(node, judged.candidates);
  if ("why" in verified) return verified;
  const outcome = await onTip(at, node, (at, view) => {
    const added = addPackage(at, node.mempool, verified, view, optionsOf(node, true));
    if (added.kind !== "added") return added;
    for (const entry of added.entries) tellAdded(node.events, entry);
    tellRemovals(node.events, added.removed);
    return added;
  });
  if (outcome.kind === "added") {
    node.locks.noteInputOutput(at, "the pool's journal");
    await Promise.all(outcome.entries.map(({ tx }) => node.journal.append(tx))); // Before the sender hears of it, as with a single one.
  }
  return outcome;
}

function judge(at: Root, node: NodeParts, txs: readonly Transaction[], sharesFees: boolean): Promise<PackageJudgement> {
  return onTip(at, node, (at, view) => evaluatePackage(at, node.mempool, txs, view, optionsOf(node, sharesFees)));
}

function optionsOf(node: NodeParts, sharesFees: boolean) {
  return { nowSeconds: nowSeconds(node.clock), sharesFees };
}

async function verifyScripts(
  { verifier }: NodeParts,
  candidates: Extract<PackageJudgement, { kind: "good" }>["candidates"],
): Promise<VerifiedCandidate[] | Bad> {
  const failures = await verifier.verify(candidates.map(({ tx, spent }) => ({ tx, spent, flags: STANDARD_FLAGS })));
  const verified: VerifiedCandidate[] = [];
  for (const [index, candidate] of candidates.entries()) {
    const stage = withScripts(candidate, failures[index]);
    if ("kind" in stage) return { kind: "bad", message: "transaction failed", tx: candidate.tx, why: stage };
    verified.push(stage);
  }
  return verified;
}

/** Runs `use` under MEMPOOL while pool and chain stand on the same block. */
async function onTip<R>(at: Root, node: NodeParts, use: (at: Holds<"MEMPOOL", "write">, view: ChainView) => R): Promise<R> {
  const { mempoolLock, mempool, chain } = node;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const result = await mempoolLock.withWrite(
      at,
      (at) => withChainView(chain, (view) => (view.tip.hash === mempool.tipHash ? { value: use(at, view) } : undefined)),
      { site: "package" },
    );
    if (result !== undefined) return result.value;
  }
  throw new ChainCoreError("pool-busy", `the package was overtaken by new blocks ${ATTEMPTS_MAX} times; send it again`);
}
