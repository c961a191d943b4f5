import { checkBlockInContext } from "../consensus/block-in-context.ts";
import { checkHeaderInContext, checkProofOfWork } from "../consensus/check-header.ts";
import { type Invalid, invalid } from "../consensus/verdict.ts";
import type { Clock } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import type { Header } from "../primitives/header.ts";
import type { BlockPosition } from "../store/tables.ts";
import type { BlockNode } from "./block-entry.ts";
import type { ChainState } from "./chain-state.ts";
import type { Orphans } from "./orphans.ts";
import type { BlockOutcome, HeaderOutcome } from "./outcome.ts";
import type { Plan } from "./plan.ts";

/** What became of a block before its branch was compared with others. */
export type Receipt =
  | { readonly kind: "stored"; readonly node: BlockNode }
  | Extract<BlockOutcome, { kind: "orphan" | "known" }>
  | { readonly kind: "invalid"; readonly why: Invalid };

export interface ReceiveOptions {
  readonly keepOrphan?: boolean;
  /** No other block follows in this commit. */
  readonly isLast?: boolean;
  /** The body stands in a block file already. */
  readonly position?: BlockPosition;
}

/**
 * Takes in blocks and headers, in the order of checks that Bitcoin Core's AcceptBlock has. Every method under BLOCKCHAIN for
 * writing.
 */
export class Receiver {
  readonly #state: ChainState;
  readonly #orphans: Orphans;
  readonly #clock: Clock;

  constructor(state: ChainState, orphans: Orphans, clock: Clock) {
    this.#state = state;
    this.#orphans = orphans;
    this.#clock = clock;
  }

  /** Finds or makes the tree's entry for a header. */
  receiveHeader(header: Header): HeaderOutcome & { readonly entry?: BlockNode } {
    const known = this.#state.tree.find(header.hash);
    if (known !== undefined) {
      if (known.isInvalid) return refused("duplicate-invalid", `block ${header.hash} was previously marked invalid`);
      return { kind: "known", entry: known };
    }
    const work = checkProofOfWork(header, this.#state.params);
    if (work !== undefined) return { kind: "invalid", why: work };
    const prev = this.#state.tree.find(header.prevHash);
    if (prev === undefined) return { kind: "orphan", missing: header.prevHash };
    if (prev.isInvalid) return refused("bad-prevblk", `block ${header.hash} has an invalid parent`);
    const why = checkHeaderInContext(header, prev, this.#state.params, Math.floor(this.#clock.nowMs() / 1000));
    if (why !== undefined) return { kind: "invalid", why };
    return { kind: "accepted", entry: this.#state.tree.addHeader(header, prev) };
  }

  /**
   * A block that has passed checkBlock: placed, stored, and the way to the best block gone on `plan`; orphans that waited for it
   * follow.
   */
  async receive(block: Block, plan: Plan, options: ReceiveOptions = {}): Promise<Receipt> {
    const receipt = await this.#store(block, plan, options.position);
    if (receipt.kind === "orphan" && options.keepOrphan) {
      this.#orphans.add(block);
      return { kind: "orphan", missing: this.#orphans.root(block.hash) };
    }
    if (receipt.kind !== "stored") return receipt;
    await this.#storeOrphansOf(block, plan);
    if (options.isLast) this.#state.store.blockFiles.beginSync(); // While its scripts are verified.
    await plan.advance();
    return receipt;
  }

  async #storeOrphansOf(block: Block, plan: Plan): Promise<void> {
    const queue = [...this.#orphans.take(block.hash)];
    for (const orphan of queue) {
      await this.#store(orphan, plan);
      queue.push(...this.#orphans.take(orphan.hash));
    }
  }

  async #store(block: Block, plan: Plan, position?: BlockPosition): Promise<Receipt> {
    const outcome = this.receiveHeader(block.header);
    if (outcome.kind === "orphan" || outcome.kind === "invalid") return outcome;
    const node = outcome.entry as BlockNode;
    if (node === this.#state.tree.genesis && position !== undefined) this.#state.tree.setPosition(node, position);
    if (node.hasBody) return { kind: "known" };
    const why = checkBlockInContext(block, node.prev!, this.#state.params);
    if (why !== undefined) {
      // Another body with the same hash may be good.
      if (!why.bodyMutated) this.#state.tree.setInvalid(node);
      return { kind: "invalid", why };
    }
    const place = position ?? (await this.#state.store.blockFiles.append(block.raw));
    this.#state.tree.setStored(node, place, block.transactions.length);
    plan.keep(node, block);
    return { kind: "stored", node };
  }
}

function refused(code: string, detail: string): Extract<HeaderOutcome, { kind: "invalid" }> {
  return { kind: "invalid", why: invalid(code, detail) };
}
