import { assert } from "../errors.ts";
import type { Block } from "../primitives/block.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { Sealer } from "../store/sealer.ts";
import type { ParkingRecord } from "../store/state.ts";
import type { StoreChange } from "../store/store.ts";
import * as tables from "../store/tables.ts";
import { Turns } from "../turns.ts";
import { type BlockNode, recordOf } from "./block-entry.ts";
import type { BlockTree } from "./block-tree.ts";
import type { ChainState } from "./chain-state.ts";
import type { ChainLocks, HoldsChain } from "./guard.ts";
import type { TipMove } from "./outcome.ts";
import type { Plan } from "./plan.ts";

/** 16 MB of undo data and transaction places go into one batch ahead of a reorganisation's last one. */
const AHEAD_BYTES_MAX = 16_000_000;
/** What of disconnected blocks is offered to the pool again; Bitcoin Core's limit. */
const DISPLACED_BYTES_MAX = 20_000_000;

interface Findings {
  readonly records: tables.SealedRecord[];
  readonly transactions: tables.SealedRecord[];
}

const noFindings = (): Findings => ({ records: [], transactions: [] });

function bytesOf({ records, transactions }: Findings): number {
  const bytes = (list: readonly tables.SealedRecord[]) =>
    list.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return bytes(records) + bytes(transactions);
}

/**
 * Makes a plan durable, then visible. In this order: bodies synced; undo data of a longer way in batches of its own; the coins
 * marked in the shared table; one synced batch with the net change of coins, the blocks and the tip; the table published. A crash
 * before that batch leaves the old tip, after it the new one.
 *
 * Whatever fails once writing has begun is final: it is reported to `fatal`, which ends the process, and nothing is undone, for
 * nobody knows what the disk holds.
 */
export class Committer {
  readonly #state: ChainState;
  readonly #coinsLock: ChainLocks["coinsLock"];
  readonly #fatal: (error: unknown) => void;
  #failure: unknown;

  constructor(state: ChainState, coinsLock: ChainLocks["coinsLock"], fatal: (error: unknown) => void) {
    this.#state = state;
    this.#coinsLock = coinsLock;
    this.#fatal = fatal;
  }

  /** @throws what made an earlier write fail: the process is about to stop. */
  assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  /** The process has to stop; told once. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#fatal(error);
  }

  /** Runs a step that writes: whatever it throws is final. */
  async #guard<R>(step: () => Promise<R>): Promise<R> {
    try {
      return await step();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Returns what changed, or undefined when the tip stays where it is; what was learned of blocks is written all the same. */
  async commit(at: HoldsChain, plan: Plan): Promise<TipMove | undefined> {
    this.#coinsLock.policy.noteInputOutput(at.owner, "a commit of the chain");
    for (const node of plan.verified.keys()) this.#state.tree.setValid(node);
    if (plan.tip === plan.base) {
      await this.#guard(() => this.#writeAhead(plan));
      await this.flush({ durable: true });
      return undefined;
    }
    const move = await describe(plan);
    await this.#guard(() => this.#commitMove(at, plan));
    return { ...move, tip: this.#state.tip };
  }

  async #commitMove(at: HoldsChain, plan: Plan): Promise<void> {
    const isLong = plan.connected.length + plan.disconnected.length > 1;
    if (isLong) await this.#writeAhead(plan);
    const findings = isLong ? noFindings() : await this.#findingsOf(plan, plan.tip);
    const change = plan.coins.netChange();
    await this.#state.store.blockFiles.sync();
    const turns = new Turns();
    await this.#coinsLock.withWrite(
      at,
      async (at) => {
        const prepared = this.#state.coins.prepare(at, change);
        assert(!("conflict" in prepared), "a commit spends a coin that is not there");
        try {
          if (turns.isDue) await turns.give(); // Sealing the batch takes a slice of its own; nobody sees the marks yet.
          const { tree } = this.#state;
          await this.#write({ tipHash: plan.tip.header.hashBytes, coins: change, ...findings, parking: parkingRecord(tree) });
        } catch (error) {
          prepared.abort(); // Only the marks in memory, so that the table can be closed; the disk is left as it is.
          throw error;
        }
        prepared.publish();
        this.#state.setTip(plan.tip);
      },
      { site: "commit" },
    );
  }

  /** Writes what was learned of blocks and headers. Without `durable` a crash may lose it: any peer sends it again. */
  async flush(options: { durable: boolean }): Promise<void> {
    const { tree, store } = this.#state;
    const parking = parkingRecord(tree);
    const isParkingSaved = (parking?.sequence ?? 0) === (store.state.parking?.sequence ?? 0);
    if (tree.dirty.size === 0 && isParkingSaved) return;
    await this.#guard(() => this.#write({ durable: options.durable, parking }));
  }

  async finishReindex(): Promise<void> {
    await this.#guard(() => this.#write({ reindexing: false }));
  }

  /** Undo data and transaction places of every block found valid, each with its block's record. */
  async #writeAhead(plan: Plan): Promise<void> {
    let nodes: BlockNode[] = [];
    let findings = noFindings();
    const flush = async (): Promise<void> => {
      if (nodes.length > 0) await this.#write(findings, nodes);
      [nodes, findings] = [[], noFindings()];
    };
    for (const node of plan.verified.keys()) {
      const { records, transactions } = await this.#findingsOf(plan, node);
      nodes.push(node);
      findings.records.push(...records);
      for (const place of transactions) findings.transactions.push(place);
      if (bytesOf(findings) >= AHEAD_BYTES_MAX) await flush();
    }
    await flush();
  }

  /** What the first connection of a block adds to the database. */
  async #findingsOf(plan: Plan, node: BlockNode): Promise<Findings> {
    const undo = plan.verified.get(node);
    if (undo === undefined) return noFindings();
    const { transactions } = await plan.block(node);
    const sealer = new Sealer();
    return {
      records: [tables.sealUndo(node.header.hashBytes, undo)],
      transactions: transactions.map((tx, index) => sealer.transaction(tx.txidBytes, node.position!, index)),
    };
  }

  /** One batch, with the records of `nodes` (default: all that changed). */
  async #write(change: StoreChange, nodes: Iterable<BlockNode> = this.#state.tree.dirty): Promise<void> {
    const blocks = Array.from(nodes, (node) => ({ node, record: tables.sealBlock(recordOf(node)), replaces: node.saved }));
    await this.#state.store.write({ ...change, blocks });
    for (const { node, record } of blocks) {
      node.saved = record.fingerprint;
      this.#state.tree.dirty.delete(node);
    }
  }
}

function parkingRecord({ parking }: BlockTree): ParkingRecord | null {
  return parking === undefined ? null : { tipHash: parking.tip.header.hashBytes, sequence: parking.sequence };
}

async function describe(plan: Plan): Promise<Omit<TipMove, "tip">> {
  const connected = await Promise.all(plan.connected.map((node) => plan.block(node)));
  const left = await Promise.all(plan.disconnected.map((node) => plan.block(node)));
  return {
    connected,
    disconnected: plan.disconnected.map((node) => node.hash),
    displaced: displacedBy(left.toReversed(), connected),
  };
}

/**
 * @param left disconnected blocks, lowest first. The earliest transactions are kept: later ones may need them, not the other way
 * round.
 */
function displacedBy(left: readonly Block[], connected: readonly Block[]): readonly Transaction[] {
  if (left.length === 0) return [];
  const confirmed = new Set(connected.flatMap((block) => block.transactions.map((tx) => tx.txid)));
  const displaced: Transaction[] = [];
  let bytes = 0;
  for (const tx of left.flatMap((block) => block.transactions)) {
    if (tx.isCoinbase || confirmed.has(tx.txid)) continue;
    bytes += tx.size;
    if (bytes > DISPLACED_BYTES_MAX) break;
    displaced.push(tx);
  }
  return displaced;
}
