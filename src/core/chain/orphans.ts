import type { Block } from "../primitives/block.ts";
import type { BlockHash } from "../primitives/units.ts";

export interface OrphanLimits {
  readonly blocksMax: number;
  readonly bytesMax: number;
}

/** 64 blocks, 16 MB: what a few peers send ahead of a missing block; none of it has been checked beyond its proof of work. */
export const ORPHAN_LIMITS: OrphanLimits = { blocksMax: 64, bytesMax: 16_000_000 };

/** Blocks whose parent is unknown, kept until it arrives; the oldest go when there are too many. Guarded by BLOCKCHAIN. */
export class Orphans {
  readonly #limits: OrphanLimits;
  /** In order of arrival. */
  readonly #blocks = new Map<BlockHash, Block>();
  #bytes = 0;

  constructor(limits: OrphanLimits = ORPHAN_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#blocks.size;
  }

  has(hash: BlockHash): boolean {
    return this.#blocks.has(hash);
  }

  add(block: Block): void {
    if (this.#blocks.has(block.hash)) return;
    this.#blocks.set(block.hash, block);
    this.#bytes += block.size;
    while (this.#blocks.size > this.#limits.blocksMax || this.#bytes > this.#limits.bytesMax) {
      this.#remove(this.#blocks.values().next().value!);
    }
  }

  /** Takes out the blocks that name `parent` as theirs. */
  take(parent: BlockHash): readonly Block[] {
    const children = [...this.#blocks.values()].filter((block) => block.header.prevHash === parent);
    for (const child of children) this.#remove(child);
    return children;
  }

  /** The first unknown block below an orphan: what to ask peers for. */
  root(hash: BlockHash): BlockHash {
    let at = hash;
    for (let block = this.#blocks.get(at); block !== undefined; block = this.#blocks.get(at)) at = block.header.prevHash;
    return at;
  }

  #remove(block: Block): void {
    this.#blocks.delete(block.hash);
    this.#bytes -= block.size;
  }
}
