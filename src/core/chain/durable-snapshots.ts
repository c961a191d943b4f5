import { ChainCoreError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { BlockHash } from "../primitives/units.ts";
import type { SavedSnapshot, SnapshotList } from "../store/snapshot-list.ts";
import type { BlockNode } from "./block-entry.ts";
import type { ChainState } from "./chain-state.ts";
import { forkOf } from "./fork.ts";
import type { HoldsChain, MayTakeChain } from "./guard.ts";
import type { TipMove } from "./outcome.ts";

/** A snapshot, and how it stands to the present tip. */
export interface SnapshotView extends SavedSnapshot {
  /** Its block is on the active chain. */
  readonly isActive: boolean;
  /** Blocks to take back to reach it, and blocks to connect again; undefined when its block is not stored any more. */
  readonly way: { readonly back: number; readonly forward: number } | undefined;
}

/** What chain.ts does for them. */
export interface SnapshotSteps {
  /** Runs a step that may change the chain, BLOCKCHAIN held for writing. */
  write<R>(at: MayTakeChain, site: string, run: (at: HoldsChain) => Promise<R>): Promise<R>;
  /** Goes to a block and parks what is better; undefined moves nothing. @throws ChainCoreError block-invalid */
  goTo(at: HoldsChain, node: BlockNode): Promise<TipMove | undefined>;
}

/**
 * Named points of the chain to come back to, any number of times. A snapshot is the name of a block: bodies and undo data are
 * never deleted, so the coins at any block are a walk away, however many there are. Restoring is one commit. What was better is
 * parked: it does not count before the branch that is built on the restored tip has outdone it by work, nor after a restart
 * (block-tree.ts; store/state.ts). `reconsider` of a parked block, and invalidating the restored tip, end that early.
 */
export class DurableSnapshots {
  readonly #state: ChainState;
  readonly #list: SnapshotList;
  readonly #clock: Clock;
  readonly #steps: SnapshotSteps;

  constructor(state: ChainState, list: SnapshotList, clock: Clock, steps: SnapshotSteps) {
    this.#state = state;
    this.#list = list;
    this.#clock = clock;
    this.#steps = steps;
  }

  /** Oldest first. */
  list(): readonly SnapshotView[] {
    return this.#list.all.map((saved) => this.#view(saved));
  }

  /** The better branch that a restored snapshot left aside, if there is one; O(blocks parked). */
  parked(): { readonly hash: BlockHash; readonly height: number; readonly restoredHeight: number } | undefined {
    const { parking } = this.#state.tree;
    const best = this.#state.tree.bestParked();
    if (parking === undefined || best === undefined) return undefined;
    return { hash: best.hash, height: best.height, restoredHeight: parking.tip.height };
  }

  /**
   * Names the tip, or the active block at `height`. Durable when this resolves.
   * @throws ChainCoreError bad-snapshot-name, snapshot-exists, snapshots-full, unknown-block
   */
  async save(at: MayTakeChain, name: string, height?: number): Promise<SnapshotView> {
    checkSnapshotName(name);
    return this.#steps.write(at, "save snapshot", async () => {
      const taken = this.#list.find(name);
      if (taken !== undefined) {
        const message = `a snapshot "${name}" is there already, of height ${taken.height}; drop it first, or choose another name`;
        throw new ChainCoreError("snapshot-exists", message, { detail: { name } });
      }
      const node = height === undefined ? this.#state.tipNode : this.#state.activeAt(height);
      if (node === undefined) {
        const message = `the best chain has no block at height ${height}; it ends at ${this.#state.tip.height}`;
        throw new ChainCoreError("unknown-block", message);
      }
      const savedAt = Math.floor(this.#clock.nowMs() / 1000);
      const saved = { name, hash: node.hash, height: node.height, savedAt };
      await this.#list.add(saved);
      return this.#view(saved);
    });
  }

  /**
   * Makes a snapshot's block the tip. Durable and visible, in one step, when this resolves. Cost: the blocks between, whatever
   * the number of coins. @throws ChainCoreError unknown-snapshot, snapshot-block-gone, snapshot-block-invalid
   */
  async restore(
    at: MayTakeChain,
    name: string,
  ): Promise<{ readonly snapshot: SnapshotView; readonly move: TipMove | undefined }> {
    return this.#steps.write(at, "restore snapshot", async (at) => {
      const saved = this.#get(name);
      const move = await this.#steps.goTo(at, this.#blockOf(saved));
      return { snapshot: this.#view(saved), move };
    });
  }

  /** Forgets the name; blocks stay. Durable when this resolves. @throws ChainCoreError unknown-snapshot */
  async drop(at: MayTakeChain, name: string): Promise<SnapshotView> {
    return this.#steps.write(at, "drop snapshot", async () => {
      const saved = this.#get(name);
      await this.#list.remove(name);
      return this.#view(saved);
    });
  }

  #get(name: string): SavedSnapshot {
    checkSnapshotName(name);
    const saved = this.#list.find(name);
    if (saved !== undefined) return saved;
    const names = this.#list.all.map((each) => each.name);
    const known = names.length === 0 ? "none is saved" : `saved are: ${names.slice(0, 20).join(", ")}`;
    throw new ChainCoreError("unknown-snapshot", `there is no snapshot "${name}"; ${known}`, { detail: { name } });
  }

  #blockOf({ name, hash, height }: SavedSnapshot): BlockNode {
    const node = this.#state.tree.find(hash as BlockHash);
    if (node === undefined || !node.isComplete) {
      const message = `the block of snapshot "${name}" is gone: this node does not store ${hash} (height ${height}) any more; drop the snapshot, or import the block`;
      throw new ChainCoreError("snapshot-block-gone", message, { detail: { name, hash } });
    }
    if (node.isInvalid) {
      const message = `the block of snapshot "${name}" (${hash}, height ${height}) was marked invalid; lift that with reconsiderblock first`;
      throw new ChainCoreError("snapshot-block-invalid", message, { detail: { name, hash } });
    }
    return node;
  }

  #view(saved: SavedSnapshot): SnapshotView {
    const node = this.#state.tree.find(saved.hash as BlockHash);
    if (node === undefined || !node.isComplete) return { ...saved, isActive: false, way: undefined };
    const fork = forkOf(node, this.#state.tipNode);
    const way = { back: this.#state.tip.height - fork.height, forward: node.height - fork.height };
    return { ...saved, isActive: fork === node, way };
  }
}

/** Names are words of shell scripts and parts of messages. */
function checkSnapshotName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return;
  const shown = JSON.stringify(name.slice(0, 80));
  const message = `${shown} is no snapshot name; use 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first`;
  throw new ChainCoreError("bad-snapshot-name", message, { detail: { name } });
}
