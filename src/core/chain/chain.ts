import type { CoinsWrite } from "../coins/guard.ts";
import type { CoinTable } from "../coins/table.ts";
import { type BlockCheckOptions, checkBlock } from "../consensus/check-block.ts";
import type { NetworkParams } from "../consensus/params.ts";
import type { Invalid } from "../consensus/verdict.ts";
import { ChainCoreError } from "../errors.ts";
import type { Clock, Log } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import type { Header } from "../primitives/header.ts";
import type { BlockHash, Txid } from "../primitives/units.ts";
import { Progress } from "../store/progress.ts";
import { SnapshotList } from "../store/snapshot-list.ts";
import { Store, type StoreOptions } from "../store/store.ts";
import { StoreError } from "../store/store-error.ts";
import type { BlockPosition } from "../store/tables.ts";
import { Turns } from "../turns.ts";
import type { ScriptVerifier } from "../verify/verifier.ts";
import type { BlockEntry, BlockNode } from "./block-entry.ts";
import type { ChainState } from "./chain-state.ts";
import { type ChainTip, chainTips } from "./chain-tips.ts";
import { checkOnTip } from "./check-on-tip.ts";
import { saveCoins } from "./coin-image.ts";
import { Committer } from "./committer.ts";
import { spentByTransaction } from "./connect-block.ts";
import { DurableSnapshots } from "./durable-snapshots.ts";
import type { ChainLocks, HoldsChain, MayTakeChain } from "./guard.ts";
import { openState } from "./open-state.ts";
import { ORPHAN_LIMITS, type OrphanLimits, Orphans } from "./orphans.ts";
import type { BlockOutcome, HeaderOutcome, Tip, TipMove } from "./outcome.ts";
import { Plan } from "./plan.ts";
import { type Receipt, Receiver } from "./receiver.ts";

/*
 * Which chain is best, and the coins at its tip.
 *
 *   receiver      a block or header comes in: checked, placed in the tree, its body stored
 *   block-tree    what is known of every block, and which ought to be the tip      block-entry, fork, chain-tips, orphans
 *   plan          the way from the present tip to that block, on coins nobody sees yet (coin-overlay, connect-block, script-run)
 *   committer     the way made durable, then visible, in one step
 *   read-in       many blocks a commit: reindex, block-file-exchange (import and export)
 *   open-state    the same from disk at start-up (coin-image)                      chain-state: what all these share
 *   durable-snapshots   named points to come back to; what was better is parked
 *
 * BLOCKCHAIN is held for writing from the moment a block is placed to the commit, also while scripts are verified. Readers take
 * no lock: `tip`, `find` and `atHeight` are of the last commit, coins are read by snapshot. Nothing outside is called while the
 * lock is held, but for the verifier, the disk and `follow`; what happened is told by the outcome.
 */

export interface ChainOptions {
  /** The node's folder. */
  readonly directory: string;
  readonly params: NetworkParams;
  readonly orphans?: OrphanLimits;
  /** Rebuild the database from the block files: `chain.isReindexing` is true until reindex.ts has run. */
  readonly reindex?: boolean;
  /** Sentences about steps of opening that take over a second. */
  readonly onProgress?: (sentence: string) => void;
  /** For tests: disks that fail, files and batches that are soon full. */
  readonly store?: Pick<StoreOptions, "files" | "wrapDatabase" | "blockFileBytesMax" | "batchBytesMax">;
}

export interface ChainDeps extends ChainLocks {
  readonly clock: Clock;
  readonly log: Log;
  readonly verifier: ScriptVerifier;
  /** The disk failed, or does not hold what was written there: the process has to stop now. Called once. */
  readonly fatal: (error: unknown) => void;
  /**
   * Brings what must agree with the tip in line with it: the pool, the queue of events. Called after each commit that moved the
   * tip, while BLOCKCHAIN is still held, so that who holds it never sees one without the other. It must not throw and not ask for
   * this lock.
   */
  readonly follow?: (at: HoldsChain, move: TipMove) => void | Promise<void>;
}

export interface AcceptOptions {
  /** Keep a block whose parent is unknown until that arrives. Default false, as `submitblock` has it; true for peers. */
  readonly keepOrphan?: boolean;
}

interface StoredBody {
  readonly block: Block;
  readonly position?: BlockPosition;
}

export class Chain {
  readonly #state: ChainState;
  readonly #deps: ChainDeps;
  readonly #committer: Committer;
  readonly #receiver: Receiver;
  /** Named points to come back to. */
  readonly snapshots: DurableSnapshots;

  private constructor(state: ChainState, snapshots: SnapshotList, options: ChainOptions, deps: ChainDeps) {
    this.#state = state;
    this.#deps = deps;
    this.#committer = new Committer(state, deps.coinsLock, deps.fatal);
    this.#receiver = new Receiver(state, new Orphans(options.orphans ?? ORPHAN_LIMITS), deps.clock);
    this.snapshots = new DurableSnapshots(state, snapshots, deps.clock, {
      write: (at, site, run) => this.#write(at, site, run),
      goTo: (at, node) => this.#goTo(at, node),
    });
  }

  /**
   * Opens the folder, or begins one; holds both locks for writing until the coins are loaded.
   * @throws StoreError with a code for each way in which a folder can be unusable
   */
  static async open(at: MayTakeChain, options: ChainOptions, deps: ChainDeps): Promise<Chain> {
    const { params, directory } = options;
    const { clock, log } = deps;
    const genesisHash = Block.decode(params.genesis).header.hashBytes;
    const reindex = options.reindex ?? false;
    const progress = new Progress(options.onProgress ?? (() => {}), () => clock.monotonicMs());
    const store = await Store.open({ ...options.store, directory, magic: params.magic, genesisHash, reindex, progress });
    try {
      const snapshots = await SnapshotList.open(directory, store.disk.files);
      return await deps.chainLock.withWrite(at, async (at) => {
        const state = await deps.coinsLock.withWrite(at, (at) => openState(at, { store, params, clock, log }));
        const chain = new Chain(state, snapshots, options, deps);
        await chain.#settle(at); // A crash may have come between storing the bodies of a better branch and changing over to it.
        return chain;
      });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** As of the last commit. */
  get tip(): Tip {
    return this.#state.tip;
  }

  get coins(): CoinTable {
    return this.#state.coins;
  }

  get params(): NetworkParams {
    return this.#state.params;
  }

  get genesis(): BlockEntry {
    return this.#state.tree.genesis;
  }

  /** The header with the most work that is not known to be invalid; its body may be missing. */
  get bestHeader(): BlockEntry {
    return this.#state.tree.bestHeader;
  }

  /** The database is empty or incomplete, and the block files have yet to be read in (reindex.ts). */
  get isReindexing(): boolean {
    return this.#state.store.state.reindexing;
  }

  /** Any block whose header is known. */
  find(hash: BlockHash): BlockEntry | undefined {
    return this.#state.tree.find(hash);
  }

  /** A block of the active chain. */
  atHeight(height: number): BlockEntry | undefined {
    return this.#state.activeAt(height);
  }

  isActive(entry: BlockEntry): boolean {
    return this.#state.activeAt(entry.height) === entry;
  }

  /** The ends of all branches; O(blocks known). */
  tips(): readonly ChainTip[] {
    return chainTips(this.#state.tree, this.#state.tipNode);
  }

  /** Undefined when the body is not stored. @throws StoreError when the block file is damaged */
  async readBlock(hash: BlockHash): Promise<Block | undefined> {
    const node = this.#state.tree.find(hash);
    return node?.hasBody ? this.#state.readBlock(node) : undefined;
  }

  /**
   * The coins that each transaction behind the coinbase spent; undefined for a block that was never connected. @throws StoreError
   */
  async readSpentCoins(hash: BlockHash): Promise<readonly (readonly Coin[])[] | undefined> {
    const node = this.#state.tree.find(hash);
    if (node?.status !== "valid") return undefined;
    if (node === this.#state.tree.genesis) return [];
    const [block, undo] = [await this.#state.readBlock(node), await this.#state.readUndo(node)];
    return spentByTransaction(block, undo);
  }

  /** Bytes of block files and database. */
  bytesOnDisk(): Promise<number> {
    return this.#state.store.bytesOnDisk();
  }

  /**
   * The block that holds a transaction, and its place there. Where no active block does, a block that was left behind may be
   * named: ask `isActive`.
   * @throws StoreError
   */
  async findTransaction(txid: Txid): Promise<{ readonly block: BlockHash; readonly index: number } | undefined> {
    return this.#state.findTransaction(txid);
  }

  /** Checks a block, stores it, and changes over to its branch if that is the best one now. Durable when this resolves. */
  async acceptBlock(at: MayTakeChain, block: Block, options: AcceptOptions = {}): Promise<BlockOutcome> {
    const [outcome] = await this.acceptBlocks(at, [block], options);
    return outcome!;
  }

  /**
   * Several blocks, parents first, in one commit: all of them become durable and visible together. Each outcome carries the whole
   * move.
   */
  async acceptBlocks(at: MayTakeChain, blocks: readonly Block[], options: AcceptOptions = {}): Promise<readonly BlockOutcome[]> {
    return this.#accept(
      at,
      blocks.map((block) => ({ block })),
      options,
    );
  }

  /** The same for blocks whose bodies stand in the block files already; for reindex.ts. */
  async acceptStored(at: MayTakeChain, bodies: readonly StoredBody[]): Promise<readonly BlockOutcome[]> {
    return this.#accept(at, bodies, {});
  }

  async #accept(at: MayTakeChain, bodies: readonly StoredBody[], options: AcceptOptions): Promise<readonly BlockOutcome[]> {
    const verdicts = await this.#checkAlone(bodies); // Before the lock: needs nothing that it guards.
    return this.#write(at, "accept block", async (at) => {
      const plan = this.#plan();
      const receipts: Receipt[] = [];
      for (const [index, { block, position }] of bodies.entries()) {
        const why = verdicts[index];
        const placed = { ...options, isLast: index === bodies.length - 1, ...(position === undefined ? {} : { position }) };
        receipts.push(why === undefined ? await this.#receiver.receive(block, plan, placed) : { kind: "invalid", why });
      }
      const move = await this.#commit(at, plan);
      return receipts.map((receipt) => (receipt.kind === "stored" ? this.#outcomeOf(receipt.node, plan, move) : receipt));
    });
  }

  async #checkAlone(bodies: readonly StoredBody[]): Promise<readonly (Invalid | undefined)[]> {
    const turns = new Turns();
    const verdicts: (Invalid | undefined)[] = [];
    for (const { block } of bodies) {
      if (turns.isDue) await turns.give();
      verdicts.push(checkBlock(block, this.params));
    }
    return verdicts;
  }

  #outcomeOf(node: BlockNode, plan: Plan, move: TipMove | undefined): BlockOutcome {
    const moved = move === undefined ? {} : { move };
    if (move !== undefined && this.#state.isActive(node)) return { kind: "connected", ...move };
    const why = plan.faults.get(node);
    if (why !== undefined) return { kind: "invalid", why, ...moved };
    return { kind: "side-branch", chainwork: node.chainwork, wasConnected: plan.verified.has(node), ...moved };
  }

  /** Places a header in the tree. A crash may lose it: any peer sends it again. */
  async acceptHeader(at: MayTakeChain, header: Header): Promise<HeaderOutcome> {
    const [outcome] = await this.acceptHeaders(at, [header]);
    return outcome!;
  }

  /** Several headers, parents first. */
  async acceptHeaders(at: MayTakeChain, headers: readonly Header[]): Promise<readonly HeaderOutcome[]> {
    return this.#write(at, "accept header", async () => {
      const outcomes = headers.map((header) => this.#receiver.receiveHeader(header));
      await this.#committer.flush({ durable: false });
      return outcomes;
    });
  }

  /** Would the block connect on the tip? Nothing is stored. For templates and proposals, which have no proof of work. */
  async checkCandidate(at: MayTakeChain, block: Block, options: BlockCheckOptions = {}): Promise<Invalid | undefined> {
    const check = () =>
      checkOnTip(block, this.#state, { ...options, verifier: this.#deps.verifier, nowSeconds: this.#nowSeconds() });
    return this.#deps.chainLock.withRead(at, check, { site: "check candidate" });
  }

  /** Bars a block and all that builds on it, and leaves it if it is active. @throws ChainCoreError unknown-block */
  async invalidate(at: MayTakeChain, hash: BlockHash): Promise<TipMove | undefined> {
    return this.#write(at, "invalidate block", async (at) => {
      const node = this.#known(hash);
      if (node === this.#state.tree.genesis) throw new ChainCoreError("genesis-block", "The first block cannot be invalidated.");
      this.#state.tree.setInvalid(node);
      return this.#settle(at);
    });
  }

  /**
   * Lifts the bar from a block, those before it and those built on it; one that a restored snapshot parked counts again.
   * @throws ChainCoreError unknown-block
   */
  async reconsider(at: MayTakeChain, hash: BlockHash): Promise<TipMove | undefined> {
    return this.#write(at, "reconsider block", async (at) => {
      const node = this.#known(hash);
      this.#state.tree.clearInvalid(node);
      if (this.#state.tree.isParked(node)) this.#state.tree.unpark();
      return this.#settle(at);
    });
  }

  /** Prefers a block to others with as much work, as if it had been seen first; a block with less than the tip's is left as it is. @throws ChainCoreError unknown-block */
  async prefer(at: MayTakeChain, hash: BlockHash): Promise<TipMove | undefined> {
    return this.#write(at, "prefer block", async (at) => {
      const node = this.#known(hash);
      if (node.chainwork < this.#state.tipNode.chainwork) return undefined;
      this.#state.tree.prefer(node);
      return this.#settle(at);
    });
  }

  /** Goes to the best block there is. */
  async #settle(at: HoldsChain): Promise<TipMove | undefined> {
    const plan = this.#plan();
    await plan.advance();
    return this.#commit(at, plan);
  }

  /** @throws ChainCoreError block-invalid */
  async #goTo(at: HoldsChain, node: BlockNode): Promise<TipMove | undefined> {
    const plan = this.#plan();
    if (await plan.goTo(node)) return this.#commit(at, plan);
    await this.#committer.flush({ durable: true });
    throw new ChainCoreError("block-invalid", `a block up to ${node.hash} does not hold`, { detail: { hash: node.hash } });
  }

  async #commit(at: HoldsChain, plan: Plan): Promise<TipMove | undefined> {
    const move = await this.#committer.commit(at, plan);
    if (move !== undefined) await this.#deps.follow?.(at, move);
    return move;
  }

  /** After this nothing may be asked of the chain. Waits for a commit under way. */
  async close(at: MayTakeChain): Promise<void> {
    await this.#deps.chainLock.withWrite(at, async (at) => {
      await this.#deps.coinsLock.withWrite(at, (at) => this.#closeCoins(at));
      await this.#state.store.close();
    });
  }

  /** With an image for the next start, unless the disk failed or is not complete. */
  async #closeCoins(at: CoinsWrite): Promise<void> {
    this.coins.close(at);
    if (this.#committer.isUsable && !this.isReindexing) {
      await saveCoins(at, this.coins, this.#state.store, this.#deps.log);
    }
  }

  /** The block files have been read in. */
  async finishReindex(at: MayTakeChain): Promise<void> {
    await this.#write(at, "finish reindex", () => this.#committer.finishReindex());
  }

  /** For reindex.ts. */
  get files(): Pick<Store, "scan" | "blockFiles"> {
    return this.#state.store;
  }

  /** Runs a step that may change the chain. A disk that fails in it is final. */
  async #write<R>(at: MayTakeChain, site: string, run: (at: HoldsChain) => Promise<R>): Promise<R> {
    const guarded = async (at: HoldsChain): Promise<R> => {
      this.#committer.assertUsable();
      try {
        return await run(at);
      } catch (error) {
        if (error instanceof StoreError) this.#committer.fail(error);
        throw error;
      }
    };
    return this.#deps.chainLock.withWrite(at, guarded, { site });
  }

  #plan(): Plan {
    return new Plan(this.#state, this.#deps.verifier);
  }

  #known(hash: BlockHash): BlockNode {
    const node = this.#state.tree.find(hash);
    if (node === undefined) throw new ChainCoreError("unknown-block", "Block not found", { detail: { hash } });
    return node;
  }

  #nowSeconds(): number {
    return Math.floor(this.#deps.clock.nowMs() / 1000);
  }
}
