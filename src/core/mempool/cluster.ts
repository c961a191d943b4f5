import type { Transaction } from "../primitives/transaction.ts";
import type { Height, RawTxid, Sats, UnixSeconds, VBytes, Weight } from "../primitives/units.ts";
import { type EntryFields, virtualSize } from "./entry.ts";
import { compareFeeRates, type FeeFraction } from "./fee-fraction.ts";
import { type LinearizeInput, linearize } from "./linearize.ts";

/** A transaction in the pool. All of it is guarded by MEMPOOL; only the pool changes it. */
export class PoolEntry implements EntryFields {
  readonly tx: Transaction;
  readonly rawTxid: RawTxid;
  readonly fee: Sats;
  readonly adjustedWeight: Weight;
  readonly sigopCost: number;
  readonly time: UnixSeconds;
  readonly height: Height;
  readonly dependsOnChain: boolean;
  /** Counts up with every entry: which came first. */
  readonly sequence: number;
  /** The fee with what prioritisetransaction added; what orders the pool. */
  modifiedFee: number;
  /** In the pool, each once. */
  readonly parents: PoolEntry[] = [];
  readonly children: PoolEntry[] = [];
  cluster!: Cluster;

  constructor(fields: EntryFields, sequence: number, feeDelta: number) {
    this.tx = fields.tx;
    this.rawTxid = fields.rawTxid;
    this.fee = fields.fee;
    this.adjustedWeight = fields.adjustedWeight;
    this.sigopCost = fields.sigopCost;
    this.time = fields.time;
    this.height = fields.height;
    this.dependsOnChain = fields.dependsOnChain;
    this.sequence = sequence;
    this.modifiedFee = fields.fee + feeDelta;
  }

  /** Virtual size as fees are asked for it: signature operations may make it larger than the transaction's. */
  get vsize(): VBytes {
    return virtualSize(this.adjustedWeight);
  }
}

/** A run of a cluster's transactions that a miner takes or leaves as a whole. */
export interface Chunk extends FeeFraction {
  /** Parents first. */
  readonly entries: readonly PoolEntry[];
  readonly cluster: Cluster;
  /** The sizes of the cluster's chunks of this very rate, up to this one and with it. */
  readonly sizeAtRate: number;
}

/** Transactions that hang together, directly or through others. Guarded by MEMPOOL. */
export class Cluster {
  readonly entries: Set<PoolEntry>;
  /** Sum of the adjusted weights. */
  weight: number;
  #chunks: readonly Chunk[] | undefined;

  constructor(entries: Iterable<PoolEntry>) {
    this.entries = new Set(entries);
    this.weight = 0;
    for (const entry of this.entries) {
      this.weight += entry.adjustedWeight;
      entry.cluster = this;
    }
  }

  /** Best first; worked out when first asked for after a change. A cluster of one costs nothing, of 64 about a millisecond. */
  get chunks(): readonly Chunk[] {
    this.#chunks ??= chunksOf([...this.entries], this);
    return this.#chunks;
  }

  /** The chunk that an entry belongs to. O(cluster). */
  chunkOf(entry: PoolEntry): Chunk {
    return this.chunks.find((chunk) => chunk.entries.includes(entry))!;
  }

  /** A fee of a member, or a link between two, has changed. */
  invalidate(): void {
    this.#chunks = undefined;
  }

  /** Takes in the members of another, which must not be used again. */
  absorb(other: Cluster): void {
    for (const entry of other.entries) {
      this.entries.add(entry);
      entry.cluster = this;
    }
    this.weight += other.weight;
    this.#chunks = undefined;
  }
}

/** The chunks of entries that hang together, ignoring links to any others. */
export function chunksOf(entries: readonly PoolEntry[], cluster: Cluster): readonly Chunk[] {
  if (entries.length === 1) {
    const [entry] = entries;
    const size = entry!.adjustedWeight;
    return [{ fee: entry!.modifiedFee, size, entries, cluster, sizeAtRate: size }];
  }
  const chunks: Chunk[] = [];
  for (const { fee, size, members } of linearize(inputsOf(entries))) {
    const before = chunks.at(-1);
    const isLevel = before !== undefined && compareFeeRates(before, { fee, size }) === 0;
    const sizeAtRate = (isLevel ? before.sizeAtRate : 0) + size;
    chunks.push({ fee, size, entries: members.map((index) => entries[index]!), cluster, sizeAtRate });
  }
  return chunks;
}

function inputsOf(entries: readonly PoolEntry[]): readonly LinearizeInput[] {
  const index = new Map(entries.map((entry, at) => [entry, at]));
  return entries.map((entry) => ({
    fee: entry.modifiedFee,
    size: entry.adjustedWeight,
    tieBreak: entry.rawTxid,
    parents: entry.parents.flatMap((parent) => index.get(parent) ?? []),
  }));
}

/** Splits entries into those that still hang together, links to others ignored. */
export function components(entries: Iterable<PoolEntry>): readonly (readonly PoolEntry[])[] {
  const left = new Set(entries);
  const parts: PoolEntry[][] = [];
  for (const start of left) {
    const part = [start];
    left.delete(start);
    for (const entry of part) {
      for (const next of [...entry.parents, ...entry.children]) if (left.delete(next)) part.push(next);
    }
    parts.push(part);
  }
  return parts;
}

/**
 * Core's order of chunks from different clusters: higher rate first; among equal rates the one with less of that rate
 * before it and in it; then by the largest raw txid in it. Goes by the chunks alone, whatever has become of their clusters
 * since: heaps rely on it.
 */
export function compareChunks(a: Chunk, b: Chunk): number {
  return compareFeeRates(b, a) || a.sizeAtRate - b.sizeAtRate || (lastTxid(a) < lastTxid(b) ? -1 : 1);
}

function lastTxid(chunk: Chunk): string {
  return chunk.entries.reduce((last, { rawTxid }) => (rawTxid > last ? rawTxid : last), "");
}

/** Everything above an entry, itself not included. */
export function ancestorsOf(start: readonly PoolEntry[]): Set<PoolEntry> {
  const found = new Set(start);
  for (const entry of found) for (const parent of entry.parents) found.add(parent); // A Set's loop visits what is added to it.
  return found;
}

/** Everything below, the entries themselves included. */
export function withDescendants(start: Iterable<PoolEntry>): Set<PoolEntry> {
  const found = new Set(start);
  for (const entry of found) for (const child of entry.children) found.add(child);
  return found;
}
