import { type OutpointKey, outpointKeyAt } from "../primitives/outpoint.ts";
import type { RawTxid, Sats } from "../primitives/units.ts";
import { Cluster, components, PoolEntry } from "./cluster.ts";
import { type EntryFields, usageOf } from "./entry.ts";
import { EvictionQueue } from "./eviction-queue.ts";

/**
 * The entries, what they spend and how they hang together, kept in agreement; knows no rule. Every method takes the time of
 * what it touches: no scan over the pool.
 */
export class PoolIndex {
  readonly #entries = new Map<RawTxid, PoolEntry>();
  readonly #spenders = new Map<OutpointKey, PoolEntry>();
  readonly #clusters = new Set<Cluster>();
  readonly #eviction = new EvictionQueue(this.#clusters);
  #sequence = 0;
  #totalFee = 0;
  #vbytes = 0;
  #usage = 0;
  #version = 0;

  /** Changes with every change of the pool. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#entries.size;
  }

  get totalFee(): Sats {
    return this.#totalFee as Sats;
  }

  /** Virtual bytes of all entries. */
  get vbytes(): number {
    return this.#vbytes;
  }

  /** Memory, as the pool's bound counts it. */
  get usage(): number {
    return this.#usage;
  }

  get clusters(): ReadonlySet<Cluster> {
    return this.#clusters;
  }

  get eviction(): EvictionQueue {
    return this.#eviction;
  }

  entries(): IterableIterator<PoolEntry> {
    return this.#entries.values();
  }

  find(rawTxid: RawTxid): PoolEntry | undefined {
    return this.#entries.get(rawTxid);
  }

  spender(key: OutpointKey): PoolEntry | undefined {
    return this.#spenders.get(key);
  }

  /** Adds an entry that conflicts with nothing here. */
  add(fields: EntryFields, parents: readonly PoolEntry[], feeDelta: number): PoolEntry {
    const entry = new PoolEntry(fields, this.#sequence++, feeDelta);
    const { tx } = entry;
    this.#entries.set(entry.rawTxid, entry);
    for (let i = 0; i < tx.inputCount; i++) this.#spenders.set(tx.prevoutKey(i), entry);
    entry.cluster = new Cluster([entry]);
    for (const parent of parents) this.#link(parent, entry);
    this.#addCluster(entry.cluster);
    this.#count(entry, 1);
    return entry;
  }

  /** Links an entry that came back from a disconnected block to those that were here before it and spend from it. */
  adopt(entry: PoolEntry): void {
    const children = [...this.#childrenOf(entry)].filter((child) => !entry.children.includes(child));
    if (children.length === 0) return;
    for (const child of children) this.#link(entry, child);
    this.#addCluster(entry.cluster);
    this.#version++;
  }

  /** Takes entries out; what hung on them stays, in clusters of its own. */
  remove(entries: ReadonlySet<PoolEntry>): void {
    const touched = new Set<Cluster>();
    for (const entry of entries) {
      this.#entries.delete(entry.rawTxid);
      for (let i = 0; i < entry.tx.inputCount; i++) this.#spenders.delete(entry.tx.prevoutKey(i));
      for (const parent of entry.parents) if (!entries.has(parent)) dropFrom(parent.children, entry);
      for (const child of entry.children) if (!entries.has(child)) dropFrom(child.parents, entry);
      touched.add(entry.cluster);
      this.#count(entry, -1);
    }
    for (const cluster of touched) {
      this.#clusters.delete(cluster);
      const rest = [...cluster.entries].filter((entry) => !entries.has(entry));
      for (const part of components(rest)) this.#addCluster(new Cluster(part));
    }
  }

  /** Changes what a miner is told that an entry pays. */
  addToFee(entry: PoolEntry, delta: number): void {
    entry.modifiedFee += delta;
    entry.cluster.invalidate();
    this.#eviction.note(entry.cluster);
    this.#version++;
  }

  /** The one place where links are made. Their cluster, which may have been one before, has to be cut into chunks anew. */
  #link(parent: PoolEntry, child: PoolEntry): void {
    parent.children.push(child);
    child.parents.push(parent);
    this.#join(child.cluster, parent.cluster);
    child.cluster.invalidate();
  }

  #addCluster(cluster: Cluster): void {
    this.#clusters.add(cluster);
    this.#eviction.note(cluster);
  }

  /** One cluster of two: the smaller moves. */
  #join(a: Cluster, b: Cluster): void {
    if (a === b) return;
    const [large, small] = a.entries.size < b.entries.size ? [b, a] : [a, b];
    this.#clusters.delete(small);
    large.absorb(small);
  }

  #childrenOf(entry: PoolEntry): ReadonlySet<PoolEntry> {
    const children = new Set<PoolEntry>();
    const key = Buffer.from(`${entry.rawTxid}\0\0\0\0`, "latin1");
    for (let i = 0; i < entry.tx.outputCount; i++) {
      key.writeUInt32LE(i, 32);
      const child = this.#spenders.get(outpointKeyAt(key, 0));
      if (child) children.add(child);
    }
    return children;
  }

  #count(entry: PoolEntry, sign: 1 | -1): void {
    this.#totalFee += sign * entry.fee;
    this.#vbytes += sign * entry.vsize;
    this.#usage += sign * usageOf(entry.tx);
    this.#version++;
  }
}

function dropFrom(list: PoolEntry[], entry: PoolEntry): void {
  const at = list.indexOf(entry);
  list[at] = list[list.length - 1]!;
  list.pop();
}
