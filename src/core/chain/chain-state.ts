import type { CoinTable } from "../coins/table.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { fromDisplayHash } from "../encoding/hex.ts";
import { assert } from "../errors.ts";
import { Block } from "../primitives/block.ts";
import { HEADER_LENGTH, Header } from "../primitives/header.ts";
import type { BlockHash, Txid, UnixSeconds } from "../primitives/units.ts";
import type { Store } from "../store/store.ts";
import { databaseDamaged } from "../store/store-error.ts";
import type { BlockNode } from "./block-entry.ts";
import type { BlockTree } from "./block-tree.ts";
import type { Undo } from "./connect-block.ts";
import { forkOf, pathUp } from "./fork.ts";
import type { Tip } from "./outcome.ts";

/**
 * What the parts of chain/ share: the tree, the active chain, the coins at its tip, and the disk below. Written under BLOCKCHAIN.
 */
export class ChainState {
  readonly params: NetworkParams;
  readonly store: Store;
  readonly tree: BlockTree;
  readonly coins: CoinTable;
  /** By height; as of the last commit. */
  readonly #active: BlockNode[];
  #tip: Tip;

  constructor(parts: { params: NetworkParams; store: Store; tree: BlockTree; coins: CoinTable }, tip: BlockNode) {
    this.params = parts.params;
    this.store = parts.store;
    this.tree = parts.tree;
    this.coins = parts.coins;
    this.#active = [this.tree.genesis, ...pathUp(this.tree.genesis, tip)];
    this.#tip = tipOf(tip);
  }

  get tipNode(): BlockNode {
    return this.#active.at(-1)!;
  }

  get tip(): Tip {
    return this.#tip;
  }

  activeAt(height: number): BlockNode | undefined {
    return this.#active[height];
  }

  isActive(node: BlockNode): boolean {
    return this.#active[node.height] === node;
  }

  /** A commit has been published. */
  setTip(node: BlockNode): void {
    const fork = forkOf(this.tipNode, node);
    this.#active.length = fork.height + 1;
    this.#active.push(...pathUp(fork, node));
    this.#tip = tipOf(node);
    this.tree.settle(node);
  }

  /** @throws StoreError when the files do not hold what was written. */
  async readBlock(node: BlockNode): Promise<Block> {
    if (node === this.tree.genesis) return Block.decode(this.params.genesis);
    assert(node.position !== undefined, `the body of ${node.hash} is not stored`);
    return Block.decode(await this.store.blockFiles.read(node.position));
  }

  /** Of a block that was connected once. @throws StoreError */
  async readUndo(node: BlockNode): Promise<Undo> {
    const undo = await this.store.readUndo(node.header.hashBytes);
    if (undo === undefined) throw databaseDamaged(this.store.directory, `the undo data of block ${node.hash} is missing`);
    return undo;
  }

  /**
   * The active block that holds a transaction, else one that was left behind. The first time that no active one does, the whole
   * index is checked: a damaged key would look like a transaction that never was.
   * @throws StoreError
   */
  async findTransaction(txid: Txid): Promise<{ block: BlockHash; index: number } | undefined> {
    let found: { block: BlockHash; index: number } | undefined;
    for (const place of await this.store.findTransaction(fromDisplayHash(txid))) {
      const header = Header.decode(await this.store.blockFiles.readAt(place.file, place.offset, HEADER_LENGTH));
      const node = this.tree.find(header.hash);
      if (node === undefined) throw databaseDamaged(this.store.directory, `the place of transaction ${txid}`);
      found = { block: header.hash, index: place.index };
      if (this.isActive(node)) return found;
    }
    await this.store.checkTransactions();
    return found;
  }
}

function tipOf(node: BlockNode): Tip {
  const { hash, height, chainwork, time, bits } = node;
  return { hash, height, chainwork, time, medianTime: node.medianTimePast as UnixSeconds, bits };
}
