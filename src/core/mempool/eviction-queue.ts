import { type Chunk, type Cluster, compareChunks } from "./cluster.ts";
import { Heap } from "./heap.ts";

interface Waiting {
  readonly cluster: Cluster;
  readonly last: Chunk;
}

/**
 * Which chunk pays least: the last chunk of some cluster. Clusters are replaced as the pool changes; what is outdated is
 * passed over when it comes up. Kept only from the first eviction on, so that a pool that never fills pays nothing.
 */
export class EvictionQueue {
  #heap: Heap<Waiting> | undefined;
  readonly #clusters: ReadonlySet<Cluster>;

  /** @param clusters the pool's own, live. */
  constructor(clusters: ReadonlySet<Cluster>) {
    this.#clusters = clusters;
  }

  /** A cluster is new or has changed. */
  note(cluster: Cluster): void {
    if (this.#heap === undefined) return;
    this.#heap.push(waiting(cluster));
    if (this.#heap.size > 1000 + 4 * this.#clusters.size) this.#heap = undefined; // Mostly outdated ones: start afresh.
  }

  /** The chunk that pays least; undefined for an empty pool. O(clusters) the first time, then O(log clusters). */
  worst(): Chunk | undefined {
    this.#heap ??= new Heap([...this.#clusters].map(waiting), (a, b) => compareChunks(b.last, a.last));
    for (;;) {
      const top = this.#heap.peek();
      if (top === undefined) return undefined;
      if (this.#clusters.has(top.cluster) && top.cluster.chunks.at(-1) === top.last) return top.last;
      this.#heap.pop();
    }
  }
}

function waiting(cluster: Cluster): Waiting {
  return { cluster, last: cluster.chunks.at(-1)! };
}
