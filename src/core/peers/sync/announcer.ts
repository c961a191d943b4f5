import type { BlockEntry } from "../../chain/block-entry.ts";
import type { Entropy } from "../../ports.ts";
import { Block } from "../../primitives/block.ts";
import type { Header } from "../../primitives/header.ts";
import type { BlockHash, Txid } from "../../primitives/units.ts";
import { ANNOUNCED_HEADERS_MAX, type Announcement, type CompactBlock, encodeAnnouncement } from "../announcement.ts";
import { LinkError } from "../link.ts";
import { ANNOUNCED_TRANSACTIONS_MAX } from "../messages.ts";
import type { PeerChain, PeerPool } from "../ports.ts";
import { compactOf } from "./compact-block.ts";
import type { LinkState } from "./link-state.ts";

const ANSWER_MS = 30_000;
/** A link that asks for patience gets it. */
const PATIENCE_MS = 200;

interface Deps {
  readonly chain: PeerChain;
  readonly pool: PeerPool;
  readonly entropy: Entropy;
  readonly links: Iterable<LinkState>;
  /** Sees to work that nobody awaits. */
  readonly run: (work: Promise<void>) => void;
}

/**
 * Tells every link what is new here: at most one message a link under way, the newest tip only, transactions once. What comes
 * meanwhile waits in the link's outbox and goes with the next message, so that nobody slow holds up anybody else.
 */
export class Announcer {
  readonly #deps: Deps;
  /** Of the tip, made once for all links. */
  #compact: { readonly hash: BlockHash; readonly block: Promise<CompactBlock | undefined> } | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  tipMoved(): void {
    for (const state of this.#deps.links) {
      state.owesTip = true;
      this.#begin(state);
    }
  }

  transactionAdded(txid: Txid): void {
    for (const state of this.#deps.links) this.offer(state, txid);
  }

  /** Puts a transaction into a link's outbox unless it knows it. */
  offer(state: LinkState, txid: Txid): void {
    if (state.knownTransactions.has(txid)) return;
    state.outbox.add(txid);
    this.#begin(state);
  }

  #begin(state: LinkState): void {
    if (state.isAnnouncing || state.isClosed) return;
    state.isAnnouncing = true;
    setImmediate(() => this.#deps.run(this.#flush(state))); // What comes in this turn of the loop goes together.
  }

  async #flush(state: LinkState): Promise<void> {
    try {
      while (!state.isClosed) {
        const news = await this.#newsFor(state);
        if (news === undefined) return;
        await this.#send(state, news);
      }
    } finally {
      state.isAnnouncing = false;
    }
  }

  async #send(state: LinkState, news: Announcement): Promise<void> {
    try {
      await state.link.request("announce", encodeAnnouncement(news), { timeoutMs: ANSWER_MS });
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (error.code !== "link-refused") return; // It has ended, or will: health checks see to that.
      for (const txid of news.txids ?? []) {
        state.knownTransactions.delete(txid);
        state.outbox.add(txid);
      }
      if (news.compact !== undefined || news.headers !== undefined) {
        state.owesTip = true;
        state.shown = undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
    }
  }

  /** Takes from the outbox what one message carries; undefined when there is nothing. */
  async #newsFor(state: LinkState): Promise<Announcement | undefined> {
    const tip = state.owesTip ? await this.#tipFor(state) : {};
    const txids = this.#takeTransactions(state);
    if (tip.compact === undefined && tip.headers === undefined && txids.length === 0) return undefined;
    return { ...tip, ...(txids.length === 0 ? {} : { txids }) };
  }

  async #tipFor(state: LinkState): Promise<Announcement> {
    state.owesTip = false;
    const { chain } = this.#deps;
    const tip = chain.find(chain.tip.hash)!;
    if (tip.prev === undefined || state.knows(tip)) return {};
    const headers = headersTo(tip, state);
    const compact = state.knows(tip.prev) ? await this.#compactOf(tip) : undefined;
    state.shown = tip;
    return compact === undefined ? { headers } : { compact };
  }

  #compactOf({ hash }: BlockEntry): Promise<CompactBlock | undefined> {
    if (this.#compact?.hash !== hash) {
      const { chain, entropy } = this.#deps;
      const block = chain
        .readBody(hash)
        .then((raw) => (raw === undefined ? undefined : compactOf(Block.decode(raw), entropy.bytes(8))));
      this.#compact = { hash, block };
    }
    return this.#compact.block;
  }

  #takeTransactions(state: LinkState): readonly Txid[] {
    const { pool } = this.#deps;
    const txids: Txid[] = [];
    for (const txid of state.outbox) {
      if (txids.length >= ANNOUNCED_TRANSACTIONS_MAX) break;
      state.outbox.delete(txid);
      const pooled = pool.find(txid);
      if (pooled === undefined || pooled.feeRate < state.feeRateMin || !state.knownTransactions.add(txid)) continue;
      txids.push(txid);
    }
    return txids;
  }
}

/** The last headers up to `tip`, from the first one that the link is not known to have. */
function headersTo(tip: BlockEntry, state: LinkState): readonly Header[] {
  const headers: Header[] = [];
  for (let at: BlockEntry | undefined = tip; at?.prev !== undefined && headers.length < ANNOUNCED_HEADERS_MAX; at = at.prev) {
    if (at !== tip && state.knows(at)) break;
    headers.push(at.header);
  }
  return headers.reverse();
}
