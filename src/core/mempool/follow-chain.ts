import { checkSequenceLocks, isFinalTx } from "../consensus/lock-time.ts";
import { isInvalid } from "../consensus/verdict.ts";
import { checkTxInputs } from "../consensus/verify-inputs.ts";
import type { Holds } from "../locks/context.ts";
import type { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { outpointBytesOf, outpointKeyAt } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { Txid, UnixSeconds } from "../primitives/units.ts";
import type { ScriptError } from "../script/script-error.ts";
import type { PoolEntry } from "./cluster.ts";
import type { Candidate, ChainView } from "./evaluate.ts";
import type { Mempool, Removal } from "./mempool.ts";
import { type VerifiedCandidate, withScripts } from "./script-verdict.ts";

/** How the best chain has moved. */
export interface ChainMove {
  /** The new tip and its coins. */
  readonly view: ChainView;
  readonly connected: readonly Block[];
  /** Transactions of the blocks that were disconnected, oldest block first, in block order; their coinbases may be among them. */
  readonly displaced: readonly Transaction[];
  readonly nowSeconds: UnixSeconds;
}

export interface FollowOutcome {
  readonly removed: readonly Removal[];
  /** Displaced transactions that wait again. */
  readonly returned: readonly PoolEntry[];
}

/** Runs the scripts of candidates under STANDARD_FLAGS; the answers in the same order, undefined where they hold. */
export type VerifyScripts = (
  candidates: readonly Candidate[],
) => Promise<readonly ({ readonly input: number; readonly error: ScriptError } | undefined)[]>;

/**
 * Brings the pool into agreement with a new tip, in one hold of MEMPOOL: what was mined leaves, with what conflicts; what
 * was displaced comes back if it still may; what a shorter or other chain makes premature or impossible leaves. Displaced
 * ones are put in at once and their scripts run together at the end, so that children find their parents.
 */
export async function followChain(
  at: Holds<"MEMPOOL", "write">,
  pool: Mempool,
  move: ChainMove,
  verify: VerifyScripts,
): Promise<FollowOutcome> {
  const removed: Removal[] = [];
  pool.moveTip(at, move.view.tip);
  for (const block of move.connected) removed.push(...pool.connectBlock(at, block, move.view.tip, move.nowSeconds));
  if (move.displaced.length === 0) return { removed, returned: [] };
  const candidates = takeBack(at, pool, move, removed);
  pool.adoptChildren(
    at,
    candidates.flatMap(({ rawTxid }) => pool.findRaw(rawTxid) ?? []),
  );
  const verdicts = await verify(candidates);
  candidates.forEach((candidate, i) => {
    const entry = pool.findRaw(candidate.rawTxid);
    const isBad = "kind" in withScripts(candidate, verdicts[i]);
    if (entry && isBad) removed.push(...pool.removeWithDescendants(at, entry, "reorganisation"));
  });
  removed.push(...dropPremature(at, pool, move.view), ...trimClusters(at, pool, candidates), ...pool.trim(at));
  return { removed, returned: candidates.flatMap((candidate) => pool.findRaw(candidate.rawTxid) ?? []) };
}

/**
 * Puts displaced transactions in, in their order; where one may not come back, what builds on it goes too. Children that
 * wait already do not count for the limits of clusters yet, as in Bitcoin Core: they are linked, and trimmed, at the end.
 */
function takeBack(at: Holds<"MEMPOOL", "write">, pool: Mempool, move: ChainMove, removed: Removal[]): readonly Candidate[] {
  const mined = new Set<Txid>(move.connected.flatMap((block) => block.transactions.map((tx) => tx.txid)));
  const candidates: Candidate[] = [];
  for (const tx of move.displaced) {
    if (mined.has(tx.txid)) continue;
    const options = { nowSeconds: move.nowSeconds, bypassLimits: true };
    const judged = tx.isCoinbase ? undefined : pool.evaluate(tx, move.view, options);
    const outcome = judged && !("kind" in judged) ? pool.add(at, judged as VerifiedCandidate) : undefined;
    if (outcome?.kind === "added") {
      candidates.push(judged as Candidate);
      removed.push(...outcome.removed);
    } else if (pool.find(tx.txid) === undefined) {
      removed.push(...dropSpenders(at, pool, tx));
    }
  }
  return candidates;
}

function dropSpenders(at: Holds<"MEMPOOL", "write">, pool: Mempool, tx: Transaction): readonly Removal[] {
  const removed: Removal[] = [];
  for (let i = 0; i < tx.outputCount; i++) {
    const spender = pool.spenderEntry(outpointKeyAt(outpointBytesOf(tx.txidBytes, i), 0));
    if (spender) removed.push(...pool.removeWithDescendants(at, spender, "reorganisation"));
  }
  return removed;
}

/** What the new tip does not let into the next block any more. */
function dropPremature(at: Holds<"MEMPOOL", "write">, pool: Mempool, view: ChainView): readonly Removal[] {
  const removed: Removal[] = [];
  for (const entry of [...pool.entries()]) {
    if (pool.findRaw(entry.rawTxid) !== entry) continue; // Went with an ancestor.
    const isGood =
      isFinalTx(entry.tx, view.tip.height + 1, view.tip.medianTimePast) && (!entry.dependsOnChain || canSpend(pool, entry, view));
    if (!isGood) removed.push(...pool.removeWithDescendants(at, entry, "reorganisation"));
  }
  return removed;
}

function canSpend(pool: Mempool, { tx }: PoolEntry, view: ChainView): boolean {
  const spent: Coin[] = [];
  for (let i = 0; i < tx.inputCount; i++) {
    const coin = pool.findOutput(tx.prevoutKey(i)) ?? view.findCoin(tx.raw, tx.prevoutOffset(i));
    if (coin === undefined) return false;
    spent.push(coin);
  }
  return checkSequenceLocks(tx, spent, view.tip) && !isInvalid(checkTxInputs(tx, spent, view.tip.height + 1, pool.params));
}

/** Returning parents may have joined clusters beyond the limits: what pays least of such a cluster goes. */
function trimClusters(at: Holds<"MEMPOOL", "write">, pool: Mempool, returned: readonly Candidate[]): readonly Removal[] {
  const { clusterCountMax, clusterWeightMax } = pool.policy;
  const removed: Removal[] = [];
  for (const { rawTxid } of returned) {
    for (;;) {
      const cluster = pool.findRaw(rawTxid)?.cluster;
      if (cluster === undefined || (cluster.entries.size <= clusterCountMax && cluster.weight <= clusterWeightMax)) break;
      const [first] = cluster.chunks.at(-1)!.entries;
      removed.push(...pool.removeWithDescendants(at, first!, "size-limit"));
    }
  }
  return removed;
}
