import { type Chunk, chunksOf, type PoolEntry } from "../../src/core/mempool/cluster.ts";
import { usageOf } from "../../src/core/mempool/entry.ts";
import { DEFAULT_POLICY } from "../../src/core/mempool/policy.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { FeeRate } from "../../src/core/primitives/units.ts";
import type { TestPool } from "./test-pool.ts";

/** What is wrong with a pool, each index recomputed from nothing but its transactions and the coins; empty when all is well. */
export function faultsOf(bench: TestPool, everSeen: readonly Transaction[]): readonly string[] {
  const { pool } = bench;
  const entries = [...pool.entries()];
  const faults: string[] = [];
  const expectEqual = (what: string, got: unknown, wanted: unknown) => {
    if (got !== wanted) faults.push(`${what} is ${String(got)}, not ${String(wanted)}`);
  };
  const sum = (pick: (entry: PoolEntry) => number) => entries.reduce((total, entry) => total + pick(entry), 0);
  expectEqual("size", pool.size, entries.length);
  expectEqual("total fee", pool.totalFee, sum(feeByHand(bench)));
  expectEqual(
    "vbytes",
    pool.vbytes,
    sum(({ vsize }) => vsize),
  );
  expectEqual(
    "usage",
    pool.usage,
    sum(({ tx }) => usageOf(tx)),
  );
  faults.push(
    ...spenderFaults(bench, entries, everSeen),
    ...linkFaults(entries),
    ...clusterFaults(entries),
    ...templateFaults(bench),
  );
  return faults;
}

function feeByHand(bench: TestPool): (entry: PoolEntry) => number {
  return ({ tx }) => {
    const valueIn = tx.inputs.reduce((total, { txid, vout }, i) => {
      const parent = bench.pool.find(txid);
      return total + (parent ? parent.tx.value(vout) : bench.coins.get(tx.prevoutKey(i))!.value);
    }, 0);
    return valueIn - tx.outputs.reduce((total, { value }) => total + value, 0);
  };
}

/** Every input is in the index once, with the one entry that spends it; nothing else is. */
function spenderFaults(bench: TestPool, entries: readonly PoolEntry[], everSeen: readonly Transaction[]): readonly string[] {
  const faults: string[] = [];
  const spenders = new Map<string, string>();
  for (const { tx } of entries) {
    for (let i = 0; i < tx.inputCount; i++) {
      const key = tx.prevoutKey(i);
      if (spenders.has(key)) faults.push(`${tx.txid} and ${spenders.get(key)} spend the same`);
      spenders.set(key, tx.txid);
      if (bench.pool.findOutput(key) === undefined && !bench.coins.has(key))
        faults.push(`${tx.txid} spends nothing that is there`);
    }
  }
  for (const tx of everSeen) {
    for (let i = 0; i < tx.inputCount; i++) {
      const key = tx.prevoutKey(i);
      if (bench.pool.spenderOf(key) !== spenders.get(key)) faults.push(`the index is wrong about an input of ${tx.txid}`);
    }
  }
  return faults;
}

function linkFaults(entries: readonly PoolEntry[]): readonly string[] {
  const byTxid = new Map(entries.map((entry) => [entry.tx.txid, entry]));
  return entries.flatMap((entry) => {
    const parents = new Set(entry.tx.inputs.flatMap(({ txid }) => byTxid.get(txid) ?? []));
    const children = entries.filter(({ tx }) => tx.inputs.some(({ txid }) => txid === entry.tx.txid));
    const isRight = sameMembers(entry.parents, [...parents]) && sameMembers(entry.children, children);
    return isRight ? [] : [`the links of ${entry.tx.txid} are wrong`];
  });
}

/** Clusters are what hangs together, within limits, with each entry in one chunk; the chunks are what they would be if cut now. */
function clusterFaults(entries: readonly PoolEntry[]): readonly string[] {
  const faults: string[] = [];
  for (const entry of entries) {
    const reached = new Set([entry]);
    for (const at of reached) for (const next of [...at.parents, ...at.children]) reached.add(next);
    const { cluster } = entry;
    if (!sameMembers([...cluster.entries], [...reached])) faults.push(`the cluster of ${entry.tx.txid} is wrong`);
    const weight = [...reached].reduce((total, each) => total + each.adjustedWeight, 0);
    if (cluster.weight !== weight) faults.push(`the cluster of ${entry.tx.txid} weighs ${weight}, not ${cluster.weight}`);
    if (reached.size > DEFAULT_POLICY.clusterCountMax) faults.push(`the cluster of ${entry.tx.txid} is too large`);
    const chunked = cluster.chunks.flatMap((chunk) => chunk.entries);
    if (!sameMembers(chunked, [...reached])) faults.push(`the chunks around ${entry.tx.txid} do not make up its cluster`);
    const [first] = cluster.entries;
    const isOutdated = entry === first && textOf(cluster.chunks) !== textOf(chunksOf([...cluster.entries], cluster));
    if (isOutdated) faults.push(`the chunks around ${entry.tx.txid} are outdated`);
  }
  return faults;
}

function textOf(chunks: readonly Chunk[]): string {
  return chunks.map(({ fee, size, entries }) => `${fee}/${size}: ${entries.map(({ tx }) => tx.txid)}`).join("\n");
}

/** Below any rate that prioritising can make negative. */
const LOWEST = -1_000_000_000 as FeeRate;

/** A template of everything holds everything once, parents first. */
function templateFaults({ pool }: TestPool): readonly string[] {
  const { entries } = pool.select({ weight: Number.POSITIVE_INFINITY, sigopCost: Number.POSITIVE_INFINITY, minFeeRate: LOWEST });
  if (entries.length !== pool.size) return [`the template has ${entries.length} of ${pool.size}`];
  const seen = new Set<PoolEntry>();
  for (const entry of entries) {
    if (entry.parents.some((parent) => !seen.has(parent))) return [`the template has ${entry.tx.txid} before a parent`];
    seen.add(entry);
  }
  return [];
}

function sameMembers<T>(a: readonly T[], b: readonly T[]): boolean {
  const set = new Set(a);
  return a.length === b.length && set.size === a.length && b.every((item) => set.has(item));
}
