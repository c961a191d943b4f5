import type { FeeRate, Sats, Weight } from "../primitives/units.ts";
import { type Chunk, type Cluster, compareChunks, type PoolEntry } from "./cluster.ts";
import { compareFeeRates } from "./fee-fraction.ts";
import { Heap } from "./heap.ts";

export interface SelectLimits {
  /** Weight left for the chosen; what is reserved for header and coinbase is already taken off. They stay below it. */
  readonly weight: number;
  /** Signature operation cost likewise. */
  readonly sigopCost: number;
  readonly minFeeRate: FeeRate;
  /** Whether a transaction may stand in the next block; lock times are the caller's business. */
  readonly isFinal?: (entry: PoolEntry) => boolean;
}

export interface Selection {
  /** In an order in which a block can hold them: parents first, best chunks first. */
  readonly entries: readonly PoolEntry[];
  readonly fees: Sats;
  readonly weight: Weight;
  readonly sigopCost: number;
}

/** Chunks that do not fit, one after the other, before a nearly full block is taken as full. */
const FAILURES_MAX = 1000;
const NEARLY_FULL_WEIGHT = 4000;

/** The best chunks that fit, taken greedily; a chunk that does not fit bars the rest of its cluster. */
export function selectForBlock(clusters: Iterable<Cluster>, limits: SelectLimits): Selection {
  const heap = new Heap([...clusters].map(firstOf), (a, b) => compareChunks(a.chunk, b.chunk));
  const entries: PoolEntry[] = [];
  let fees = 0;
  let weight = 0;
  let sigopCost = 0;
  let failures = 0;
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) {
    const { chunk, index } = next;
    if (compareFeeRates(chunk, { fee: limits.minFeeRate, size: 4000 }) < 0) break;
    const sigops = chunk.entries.reduce((sum, entry) => sum + entry.sigopCost, 0);
    const fits = weight + chunk.size < limits.weight && sigopCost + sigops < limits.sigopCost;
    if (!fits || (limits.isFinal && !chunk.entries.every(limits.isFinal))) {
      if (++failures > FAILURES_MAX && weight + NEARLY_FULL_WEIGHT > limits.weight) break;
      continue;
    }
    failures = 0;
    entries.push(...chunk.entries);
    for (const entry of chunk.entries) {
      fees += entry.fee;
      weight += entry.tx.weight;
    }
    sigopCost += sigops;
    const following = chunk.cluster.chunks[index + 1];
    if (following) heap.push({ chunk: following, index: index + 1 });
  }
  return { entries, fees: fees as Sats, weight: weight as Weight, sigopCost };
}

function firstOf(cluster: Cluster): { readonly chunk: Chunk; readonly index: number } {
  return { chunk: cluster.chunks[0]!, index: 0 };
}
