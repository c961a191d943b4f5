import { formatMoney } from "../consensus/verify-inputs.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { Txid, Weight } from "../primitives/units.ts";
import { chunksOf, components, type PoolEntry, withDescendants } from "./cluster.ts";
import { virtualSize } from "./entry.ts";
import { compareFeeRates, type FeeFraction, feeFor, improvesDiagram } from "./fee-fraction.ts";
import { type LinearizeInput, linearize } from "./linearize.ts";
import type { Policy } from "./policy.ts";
import { type Rejection, rejected } from "./rejection.ts";

/** A transaction that is about to enter, and what it would touch. */
export interface Incoming {
  readonly tx: Transaction;
  readonly rawTxid: string;
  readonly modifiedFee: number;
  readonly adjustedWeight: Weight;
  /** Pooled ones whose outputs it spends, each once. */
  readonly parents: readonly PoolEntry[];
}

/** Those that would hang together with the newcomer when `evicted` are gone. */
export function companions({ parents }: Incoming, evicted: ReadonlySet<PoolEntry>): readonly PoolEntry[] {
  if (parents.length === 0) return parents;
  if (evicted.size === 0) return [...new Set(parents.map((parent) => parent.cluster))].flatMap(({ entries }) => [...entries]);
  const found = new Set(parents.filter((parent) => !evicted.has(parent)));
  for (const entry of found) {
    for (const next of [...entry.parents, ...entry.children]) if (!evicted.has(next)) found.add(next);
  }
  return [...found];
}

/** Whether the newcomer's cluster would pass the pool's limits. */
export function checkClusterLimits(incoming: Incoming, evicted: ReadonlySet<PoolEntry>, policy: Policy): Rejection | undefined {
  let count = 1;
  let weight: number = incoming.adjustedWeight;
  for (const entry of companions(incoming, evicted)) {
    count++;
    weight += entry.adjustedWeight;
  }
  const isTooLarge = count > policy.clusterCountMax || weight > policy.clusterWeightMax;
  return isTooLarge ? rejected("policy", "too-large-cluster") : undefined;
}

/**
 * Whether the newcomer may take the place of `conflicts` and all that descends from them: not too many, more fee than all of
 * them, enough on top for its own relay, and a better pool for miners at every size. Every transaction may be replaced,
 * whether it signals so or not.
 * @returns those that would go.
 */
export function checkReplacement(
  incoming: Incoming,
  conflicts: ReadonlySet<PoolEntry>,
  policy: Policy,
  isSiblingEviction: boolean,
): { readonly evicted: ReadonlySet<PoolEntry> } | Rejection {
  const suffix = isSiblingEviction ? " (including sibling eviction)" : "";
  const { txid } = incoming.tx;
  const crowd = clustersTooMany(txid, conflicts, policy);
  if (crowd !== undefined) return rejected("policy", `too many potential replacements${suffix}`, crowd);
  const evicted = withDescendants(conflicts);
  const pays = { fee: incoming.modifiedFee, vsize: virtualSize(incoming.adjustedWeight) };
  const unpaid = underpayment(pays, evicted, policy);
  if (unpaid !== undefined) {
    return rejected("reconsiderable", `insufficient fee${suffix}`, `rejecting replacement ${txid}, ${unpaid}`);
  }
  const tooLarge = checkClusterLimits(incoming, evicted, policy);
  if (tooLarge) return tooLarge;
  if (!makesBetterPool(incoming, evicted)) {
    return rejected("reconsiderable", "replacement-failed", "insufficient feerate: does not improve feerate diagram");
  }
  return { evicted };
}

/** Whether the conflicts touch more of the pool than one replacement may, in Core's words. */
export function clustersTooMany(txid: Txid, conflicts: ReadonlySet<PoolEntry>, policy: Policy): string | undefined {
  const touched = new Set([...conflicts].map(({ cluster }) => cluster)).size;
  if (touched <= policy.replacedClustersMax) return undefined;
  return `rejecting replacement ${txid}; too many conflicting clusters (${touched} > ${policy.replacedClustersMax})`;
}

/** What the newcomers lack to pay for all that goes and for their own relay, in Core's words. */
export function underpayment(
  pays: { readonly fee: number; readonly vsize: number },
  evicted: ReadonlySet<PoolEntry>,
  policy: Policy,
): string | undefined {
  let fees = 0;
  for (const entry of evicted) fees += entry.modifiedFee;
  const more = pays.fee - fees;
  if (more < 0) return `less fees than conflicting txs; ${formatMoney(pays.fee)} < ${formatMoney(fees)}`;
  const relay = feeFor(policy.incrementalFeeRate, pays.vsize);
  if (more < relay) return `not enough additional fees to relay; ${formatMoney(more)} < ${formatMoney(relay)}`;
  return undefined;
}

/** Compares the diagrams of all clusters that the replacement touches, before and after. @param arriving parents that come with the newcomer */
export function makesBetterPool(
  incoming: Incoming,
  evicted: ReadonlySet<PoolEntry>,
  arriving: ReadonlySet<PoolEntry> = new Set(),
): boolean {
  const pooled = [...evicted, ...incoming.parents].filter((entry) => !arriving.has(entry));
  const touched = new Set(pooled.map(({ cluster }) => cluster));
  const before = [...touched].flatMap((cluster) => cluster.chunks);
  const joined = new Set(companions(incoming, evicted));
  const rest = [...touched].flatMap(({ entries }) => [...entries].filter((entry) => !evicted.has(entry) && !joined.has(entry)));
  const apart = components(rest).flatMap((part) => chunksOf(part, part[0]!.cluster));
  const after = [...apart, ...linearize(inputsWith(incoming, [...joined]))];
  return improvesDiagram(byRate(before), byRate(after));
}

function inputsWith(incoming: Incoming, others: readonly PoolEntry[]): readonly LinearizeInput[] {
  const index = new Map(others.map((entry, at) => [entry, at]));
  const parentsOf = (parents: readonly PoolEntry[]) => parents.flatMap((parent) => index.get(parent) ?? []);
  const inputs = others.map((entry) => ({
    fee: entry.modifiedFee,
    size: entry.adjustedWeight,
    tieBreak: entry.rawTxid,
    parents: parentsOf(entry.parents),
  }));
  const own = { fee: incoming.modifiedFee, size: incoming.adjustedWeight, tieBreak: incoming.rawTxid };
  return [...inputs, { ...own, parents: parentsOf(incoming.parents) }];
}

function byRate(chunks: readonly FeeFraction[]): readonly FeeFraction[] {
  return chunks.toSorted((a, b) => compareFeeRates(b, a));
}
