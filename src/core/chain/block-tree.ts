import { Header } from "../primitives/header.ts";
import type { BlockHash } from "../primitives/units.ts";
import type { BlockPosition } from "../store/tables.ts";
import { BlockNode, isBetter } from "./block-entry.ts";

/** Since a snapshot was restored. @see ParkingRecord */
export interface Parking {
  /** The restored tip. */
  readonly tip: BlockNode;
  /** The last block that had become complete then. */
  readonly sequence: number;
}

/**
 * Every header that was accepted, as a tree, with what is known of each block. It decides which block is the best one; it checks
 * no rule and knows no disk. Guarded by BLOCKCHAIN; single reads (`find`) need no lock.
 */
export class BlockTree {
  readonly genesis: BlockNode;
  readonly #nodes = new Map<BlockHash, BlockNode>();
  /** Complete, not invalid, and when they were put here better than the tip. May hold more than that, never less. */
  readonly #candidates = new Set<BlockNode>();
  /** The same of blocks that are parked: they do not count. */
  readonly #parked = new Set<BlockNode>();
  #parking: Parking | undefined;
  /** Stored blocks whose parent is not complete, by parent, in order of arrival. */
  readonly #waiting = new Map<BlockNode, BlockNode[]>();
  /** Changed since they were last written to disk. */
  readonly dirty = new Set<BlockNode>();
  #lastSequence = 0;
  #lastPreference = 0;
  #bestHeader: BlockNode;

  /** @param genesis valid by decree; its one transaction makes no coin. */
  constructor(genesis: Header) {
    this.genesis = new BlockNode(genesis, undefined);
    this.genesis.status = "valid";
    this.genesis.sequence = ++this.#lastSequence;
    this.genesis.transactionCount = 1;
    this.genesis.chainTransactionCount = 1;
    this.#nodes.set(this.genesis.hash, this.genesis);
    this.#bestHeader = this.genesis;
  }

  get size(): number {
    return this.#nodes.size;
  }

  find(hash: BlockHash): BlockNode | undefined {
    return this.#nodes.get(hash);
  }

  nodes(): Iterable<BlockNode> {
    return this.#nodes.values();
  }

  /** The header with the most work that is not known to be invalid. */
  get bestHeader(): BlockNode {
    return this.#bestHeader;
  }

  /** @param header unknown so far, its parent in the tree. */
  addHeader(header: Header, prev: BlockNode): BlockNode {
    const own = Header.decode(new Uint8Array(header.raw)); // A copy: a view would keep the whole block's bytes in memory.
    const node = new BlockNode(own, prev);
    this.#nodes.set(node.hash, node);
    this.dirty.add(node);
    if (node.chainwork > this.#bestHeader.chainwork) this.#bestHeader = node;
    return node;
  }

  /** The body is stored: the block, and stored blocks that waited for it, become complete if all before them are. */
  setStored(node: BlockNode, position: BlockPosition, transactionCount: number): void {
    node.position = position;
    node.transactionCount = transactionCount;
    node.status = "stored";
    this.dirty.add(node);
    if (node.prev === undefined || node.prev.isComplete) this.#complete(node);
    else this.#waiting.set(node.prev, [...(this.#waiting.get(node.prev) ?? []), node]);
  }

  /** Where the body of genesis was met when the files were read in again. */
  setPosition(node: BlockNode, position: BlockPosition): void {
    node.position = position;
    this.dirty.add(node);
  }

  #complete(first: BlockNode): void {
    const queue = [first];
    for (const node of queue) {
      node.sequence = ++this.#lastSequence;
      node.chainTransactionCount = (node.prev?.chainTransactionCount ?? 0) + node.transactionCount;
      this.dirty.add(node);
      if (!node.isInvalid) this.#addCandidate(node);
      queue.push(...(this.#waiting.get(node) ?? []));
      this.#waiting.delete(node);
    }
  }

  setValid(node: BlockNode): void {
    if (node.status === "valid") return;
    node.status = "valid";
    this.dirty.add(node);
  }

  /** Marks a block and everything that builds on it. */
  setInvalid(node: BlockNode): void {
    for (const each of this.#family(node, false)) {
      if (each.isInvalid) continue;
      each.isInvalid = true;
      this.#candidates.delete(each);
      this.#parked.delete(each);
      this.dirty.add(each);
    }
    if (this.#parking?.tip.isInvalid) this.unpark(); // There is nothing left to build on.
    this.#findBestHeader();
  }

  /** Takes the mark from a block, everything before it and everything that builds on it. */
  clearInvalid(node: BlockNode): void {
    for (const each of this.#family(node, true)) {
      if (!each.isInvalid) continue;
      each.isInvalid = false;
      this.dirty.add(each);
      if (each.isComplete) this.#addCandidate(each);
    }
    this.#findBestHeader();
  }

  /** As if the block had been seen before all others with as much work; a parked one stays parked. */
  prefer(node: BlockNode): void {
    node.preference = ++this.#lastPreference;
    if (node.isComplete && !node.isInvalid) this.#addCandidate(node);
  }

  /** O(blocks), but for a block without children. */
  #family(node: BlockNode, withAncestors: boolean): readonly BlockNode[] {
    if (node.childCount === 0 && !withAncestors) return [node];
    const isRelated = (other: BlockNode): boolean =>
      other.ancestor(node.height) === node || (withAncestors && node.ancestor(other.height) === other);
    return [...this.#nodes.values()].filter(isRelated);
  }

  #findBestHeader(): void {
    if (!this.#bestHeader.isInvalid) {
      for (const node of this.#candidates) if (node.chainwork > this.#bestHeader.chainwork) this.#bestHeader = node;
      return;
    }
    this.#bestHeader = this.genesis;
    for (const node of this.#nodes.values()) {
      if (!node.isInvalid && node.chainwork > this.#bestHeader.chainwork) this.#bestHeader = node;
    }
  }

  /** The block that ought to be the tip, given the present one. */
  best(tip: BlockNode): BlockNode {
    if (tip.isInvalid) this.#collectCandidates();
    let best = tip.isInvalid ? this.genesis : tip;
    for (const node of this.#candidates) if (isBetter(node, best)) best = node;
    return best;
  }

  /** Forgets candidates that are no better than the new tip. */
  settle(tip: BlockNode): void {
    for (const set of [this.#candidates, this.#parked]) {
      for (const node of set) if (!isBetter(node, tip)) set.delete(node);
    }
  }

  /** The tip has become invalid, or goes back: blocks with less work than it count again. */
  #collectCandidates(): void {
    for (const node of this.#nodes.values()) if (node.isComplete && !node.isInvalid) this.#addCandidate(node);
  }

  #addCandidate(node: BlockNode): void {
    (this.isParked(node) ? this.#parked : this.#candidates).add(node);
  }

  get parking(): Parking | undefined {
    return this.#parking;
  }

  /**
   * Leaves aside everything but what is built on `tip` from now on (or was after `sequence`). O(blocks). The caller moves to
   * `tip`.
   */
  park(tip: BlockNode, sequence = this.#lastSequence): void {
    this.#parking = { tip, sequence };
    this.#candidates.clear();
    this.#parked.clear();
    this.#collectCandidates();
  }

  /** The block that would be the tip if nothing were parked and it counted by its work. */
  bestParked(): BlockNode | undefined {
    let best: BlockNode | undefined;
    for (const node of this.#parked) if (best === undefined || isBetter(node, best)) best = node;
    return best;
  }

  /** What was parked counts again by its work. */
  unpark(): void {
    this.#parking = undefined;
    for (const node of this.#parked) this.#candidates.add(node);
    this.#parked.clear();
  }

  /** Whether a block does not count: it is neither the restored tip nor before it, nor built on it with new work. */
  isParked(node: BlockNode): boolean {
    if (this.#parking === undefined) return false;
    const { tip, sequence } = this.#parking;
    if (node.height <= tip.height) return tip.ancestor(node.height) !== node;
    const first = node.ancestor(tip.height + 1)!;
    return first.prev !== tip || (first.isComplete && first.sequence <= sequence);
  }

  /** Ends the parking once `tip` is better than all that is parked: from then on work decides again. */
  unparkIfOutdone(tip: BlockNode): void {
    if (this.#parking === undefined) return;
    for (const node of this.#parked) if (isBetter(node, tip)) return;
    this.unpark();
  }

  /** Takes over a block as it was found on disk; parents come first. */
  restore(node: BlockNode): void {
    this.#nodes.set(node.hash, node);
    this.#lastSequence = Math.max(this.#lastSequence, node.sequence);
    if (node.chainwork > this.#bestHeader.chainwork && !node.isInvalid) this.#bestHeader = node;
    if (node.isComplete) {
      node.chainTransactionCount = (node.prev?.chainTransactionCount ?? 0) + node.transactionCount;
      if (!node.isInvalid) this.#addCandidate(node);
    } else if (node.position !== undefined && node.prev !== undefined) {
      this.#waiting.set(node.prev, [...(this.#waiting.get(node.prev) ?? []), node]);
    }
  }
}
