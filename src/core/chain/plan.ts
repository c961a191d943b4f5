import { type Invalid, isInvalid } from "../consensus/verdict.ts";
import type { Block } from "../primitives/block.ts";
import { Turns } from "../turns.ts";
import type { ScriptVerifier } from "../verify/verifier.ts";
import type { BlockNode } from "./block-entry.ts";
import type { ChainState } from "./chain-state.ts";
import { CoinOverlay } from "./coin-overlay.ts";
import { applyKnownBlock, connectBlock, disconnectBlock, type Undo } from "./connect-block.ts";
import { forkOf, pathUp } from "./fork.ts";

/**
 * A way from the published tip to a better one, walked on coins that nobody else sees. Blocks are disconnected and connected
 * here, and faulty ones found; committer.ts makes the result durable and visible in one step. Lives within one hold of
 * BLOCKCHAIN; throwing it away costs nothing.
 */
export class Plan {
  readonly base: BlockNode;
  readonly #state: ChainState;
  readonly #verifier: ScriptVerifier;
  readonly #turns = new Turns();
  #tip: BlockNode;
  #coins: CoinOverlay;
  /** Bodies met on the way. */
  readonly #blocks = new Map<BlockNode, Block>();
  /** Blocks found valid for the first time, wherever the way led afterwards. */
  readonly verified = new Map<BlockNode, Undo>();
  readonly faults = new Map<BlockNode, Invalid>();

  constructor(state: ChainState, verifier: ScriptVerifier) {
    this.#state = state;
    this.#verifier = verifier;
    this.base = state.tipNode;
    this.#tip = this.base;
    this.#coins = new CoinOverlay(state.coins);
  }

  /** Where the way has led so far. */
  get tip(): BlockNode {
    return this.#tip;
  }

  /** The coins there. */
  get coins(): CoinOverlay {
    return this.#coins;
  }

  /** Spares reading back a body that has just been stored. */
  keep(node: BlockNode, block: Block): void {
    this.#blocks.set(node, block);
  }

  async block(node: BlockNode): Promise<Block> {
    const block = this.#blocks.get(node) ?? (await this.#state.readBlock(node));
    this.#blocks.set(node, block);
    return block;
  }

  /** Blocks of the published chain that the way leaves, highest first. */
  get disconnected(): readonly BlockNode[] {
    return pathUp(forkOf(this.base, this.#tip), this.base).toReversed();
  }

  /** Blocks that the way adds to it, lowest first. */
  get connected(): readonly BlockNode[] {
    return pathUp(forkOf(this.base, this.#tip), this.#tip);
  }

  /** Goes to the best block; one that proves faulty is marked with all that builds on it, and the next best is tried. */
  async advance(): Promise<void> {
    const { tree } = this.#state;
    for (;;) {
      const target = tree.best(this.base);
      if (target === this.#tip) break;
      if (target === this.base) this.#turnBack();
      else await this.#moveTo(target);
    }
    tree.unparkIfOutdone(this.#tip);
  }

  /** Goes to just this block, and parks whatever is better. Returns whether every block on the way holds. */
  async goTo(target: BlockNode): Promise<boolean> {
    await this.#moveTo(target);
    if (this.#tip !== target) return false;
    this.#state.tree.park(target);
    this.#state.tree.unparkIfOutdone(target);
    return true;
  }

  #turnBack(): void {
    this.#tip = this.base;
    this.#coins = new CoinOverlay(this.#state.coins);
  }

  async #moveTo(target: BlockNode): Promise<void> {
    const fork = forkOf(this.#tip, target);
    while (this.#tip !== fork) await this.#disconnectTip();
    for (const node of pathUp(fork, target)) if (!(await this.#connect(node))) return;
  }

  async #disconnectTip(): Promise<void> {
    if (this.#turns.isDue) await this.#turns.give();
    const node = this.#tip;
    const undo = this.verified.get(node) ?? (await this.#state.readUndo(node));
    disconnectBlock(await this.block(node), undo, this.#coins);
    this.#tip = node.prev!;
  }

  /** Returns whether the block holds. */
  async #connect(node: BlockNode): Promise<boolean> {
    if (this.#turns.isDue) await this.#turns.give();
    const block = await this.block(node);
    const coins = new CoinOverlay(this.#coins);
    if (node.status === "valid" || this.verified.has(node)) {
      applyKnownBlock(block, node.height, coins);
    } else {
      const result = await connectBlock(block, this.#tip, coins, { params: this.#state.params, verifier: this.#verifier });
      if (isInvalid(result)) {
        this.faults.set(node, result);
        this.#state.tree.setInvalid(node);
        return false;
      }
      this.verified.set(node, result);
    }
    this.#coins.absorb(coins);
    this.#tip = node;
    return true;
  }
}
