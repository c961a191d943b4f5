import { verdictText } from "../../src/core/consensus/verdict.ts";
import type { PoolEntry } from "../../src/core/mempool/cluster.ts";
import { addPackage, evaluatePackage, isChildWithParents } from "../../src/core/mempool/package.ts";
import { packageFee } from "../../src/core/mempool/package-judgement.ts";
import { type MemberOutcome, type PackageSteps, submitPackage } from "../../src/core/mempool/package-submission.ts";
import { type VerifiedCandidate, withScripts } from "../../src/core/mempool/script-verdict.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import { AT, type PoolReplay, verifyScripts } from "./pool-replay.ts";

const TOPOLOGY = "package topology disallowed. not child-with-parents or parents depend on each other.";

/** submitpackage's answer as Core words it, or the message of its error. */
export async function submit(replay: PoolReplay, txs: readonly Transaction[]): Promise<unknown> {
  if (txs.length > 1 && !isChildWithParents(txs)) return TOPOLOGY;
  const { message, members, replaced } = await submitPackage(txs, stepsOf(replay));
  return {
    package_msg: message,
    "tx-results": Object.fromEntries(members.map(({ tx, outcome }) => [tx.wtxid, { txid: tx.txid, ...memberAnswer(outcome) }])),
    "replaced-transactions": replaced,
  };
}

function memberAnswer(outcome: MemberOutcome): object {
  if (outcome.kind === "failed") {
    return { error: outcome.why.kind === "missing-inputs" ? "missing-inputs" : verdictText(outcome.why) };
  }
  if (outcome.kind === "other-witness") return { "other-wtxid": outcome.wtxid };
  const { entry } = outcome;
  const fees = outcome.kind === "known" ? {} : effective(outcome.together);
  return { vsize: entry.vsize, fees: { base: entry.fee / 1e8, ...fees } };
}

function effective(entries: readonly { tx: Transaction; modifiedFee: number; adjustedWeight: PoolEntry["adjustedWeight"] }[]) {
  const { fee, vsize } = packageFee(entries);
  const rate = Math.floor((fee * 1000) / vsize) / 1e8;
  return { "effective-feerate": rate, "effective-includes": entries.map(({ tx }) => tx.wtxid) };
}

function stepsOf(replay: PoolReplay): PackageSteps {
  const { pool } = replay;
  return {
    find: (tx) => pool.find(tx.txid),
    acceptAlone: async (tx) => {
      const judged = replay.judge(tx);
      if ("kind" in judged) return judged;
      const outcome = pool.add(AT, judged);
      if (outcome.kind === "stale") throw new Error("stale");
      return outcome.kind === "added" ? { entry: outcome.entry, removed: outcome.removed } : outcome.why;
    },
    acceptTogether: async (txs) => {
      const options = { nowSeconds: replay.now, sharesFees: true };
      const judged = evaluatePackage(AT, pool, txs, replay.view, options);
      if (judged.kind !== "good") return judged;
      const verified: VerifiedCandidate[] = [];
      for (const candidate of judged.candidates) {
        const stage = withScripts(candidate, verifyScripts(candidate));
        if ("kind" in stage) return { kind: "bad", message: "transaction failed", tx: candidate.tx, why: stage };
        verified.push(stage);
      }
      return addPackage(AT, pool, verified, replay.view, options);
    },
  };
}

/** testmempoolaccept's answer for several transactions. */
export function testPackage(replay: PoolReplay, txs: readonly Transaction[]): unknown {
  const judged = evaluatePackage(AT, replay.pool, txs, replay.view, { nowSeconds: replay.now, sharesFees: false });
  if (judged.kind === "refused") throw new Error(judged.message);
  return txs.map((tx, i) => {
    const ids = { txid: tx.txid, wtxid: tx.wtxid };
    if (judged.kind === "bad") {
      if (judged.tx !== tx) return ids;
      return { ...ids, allowed: false, "reject-reason": judged.why.code, "reject-details": verdictText(judged.why) };
    }
    const candidate = judged.candidates[i]!;
    const vsize = Math.ceil(candidate.adjustedWeight / 4);
    return { ...ids, allowed: true, vsize, fees: { base: candidate.fee / 1e8, ...effective([candidate]) } };
  });
}
