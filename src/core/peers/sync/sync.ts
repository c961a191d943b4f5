import type { BlockEntry } from "../../chain/block-entry.ts";
import type { NetworkParams } from "../../consensus/params.ts";
import { DecodeError } from "../../encoding/reader.ts";
import { unreachable } from "../../errors.ts";
import type { Clock, Entropy, Log } from "../../ports.ts";
import { Block } from "../../primitives/block.ts";
import type { FeeRate, Height, Txid } from "../../primitives/units.ts";
import { type Announcement, decodeAnnouncement } from "../announcement.ts";
import type { Judge, Link, LinkHandler, MessageKind, PeerTip } from "../link.ts";
import { LinkError, PeerRefusal } from "../link.ts";
import type { PeerChain, PeerPool } from "../ports.ts";
import { decodeFeeFilter, decodeTip, encodeFeeFilter, encodeTip } from "../tip-message.ts";
import { Announcer } from "./announcer.ts";
import { BlockDownload } from "./block-download.ts";
import { BlockNews } from "./block-news.ts";
import { HeaderSync } from "./header-sync.ts";
import { LinkState } from "./link-state.ts";
import { serveBlocks, serveBlockTransactions, serveHeaders, serveTransactions } from "./serve.ts";
import { TransactionRelay } from "./transaction-relay.ts";

/*
 * What moves between nodes, over links, whoever has opened them:
 *
 *   a link opens   tips are compared; the one who lacks headers asks (header-sync), then for bodies, of all who have them
 *                  (block-download); both tell what they have pooled
 *   a tip moves    each link is told once, in short form (announcer); the other side puts the block together from its pool, or
 *                  asks for what is missing (block-news)
 *   a transaction  is announced by id, fetched by whoever lacks it, judged, and announced on (transaction-relay)
 *
 * All state here lives on the event loop and changes between awaits; what is durable is the chain's.
 */

const NOTHING = new Uint8Array(0);
/** Announcements of one link that may be worked on at a time. */
const NEWS_PENDING_MAX = 16;
/** Behind the best header by more than this, transactions are of no use yet. */
const CURRENT_BLOCKS = 24;
const FEE_FILTER_MS = 10_000;

export interface PeerSyncDeps {
  readonly chain: PeerChain;
  readonly pool: PeerPool;
  readonly params: NetworkParams;
  readonly judge: Judge;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
}

/** How far it is. */
export interface SyncProgress {
  readonly height: Height;
  /** Of the best branch that a link has shown; our own height when there is none better. */
  readonly target: Height;
  readonly isSyncing: boolean;
}

/** What a link is known to have, and to have done. */
export interface LinkView {
  /** Height of the best header that it has shown; -1 for none. */
  readonly syncedHeaders: number;
  /** Height of the last block that both have; -1 while that is not known. */
  readonly syncedBlocks: number;
  readonly feeRateMin: FeeRate;
  /** Unix seconds; 0 before the first. */
  readonly lastBlock: number;
  readonly lastTransaction: number;
  /** Requests for bodies that are under way. */
  readonly blockRequests: number;
  /** Transactions that it has announced and not sent yet. */
  readonly wanted: number;
}

/** Keeps chain and pool in step with all links. */
export class PeerSync {
  readonly #deps: PeerSyncDeps;
  readonly #links = new Map<Link, LinkState>();
  readonly #headers: HeaderSync;
  readonly #download: BlockDownload;
  readonly #announcer: Announcer;
  readonly #relay: TransactionRelay;
  readonly #news: BlockNews;
  readonly #timer: NodeJS.Timeout;
  #feeFilter = 0 as FeeRate;
  #isReadingTip = false;

  constructor(deps: PeerSyncDeps) {
    this.#deps = deps;
    const { chain, pool, params, judge, clock, entropy } = deps;
    const links = { [Symbol.iterator]: () => this.#links.values() };
    const run = (work: Promise<void>) => this.#inBackground(work);
    this.#download = new BlockDownload({ chain, judge, clock, links, run });
    this.#headers = new HeaderSync({ chain, params, judge, run, learned: () => this.#download.schedule() });
    this.#announcer = new Announcer({ chain, pool, entropy, links, run });
    this.#relay = new TransactionRelay({ pool, judge, links, clock, run, isCurrent: () => this.#isCurrent });
    this.#news = new BlockNews({ chain, pool, judge, clock, headers: this.#headers, download: this.#download });
    this.#timer = setInterval(() => this.#tellFeeFilter(), FEE_FILTER_MS).unref();
  }

  /** Answers what a link asks; all kinds but get-addresses, which the peer table answers. */
  readonly handler: LinkHandler = async (link, kind, body, signal) => {
    const state = this.#links.get(link);
    if (state === undefined) throw new PeerRefusal("not-welcome", "this link is closing");
    try {
      return await this.#answer(state, kind, body, signal);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#deps.judge.misbehaved(link, "garbled-message", { kind, error: error.message });
      throw new PeerRefusal("bad-message", error.message);
    }
  };

  get progress(): SyncProgress {
    const { tip } = this.#deps.chain;
    const { target } = this.#download;
    return { height: tip.height, target: target?.height ?? tip.height, isSyncing: target !== undefined };
  }

  /** What is known of a link, for people; undefined when it is not open. */
  view(link: Link): LinkView | undefined {
    const state = this.#links.get(link);
    if (state === undefined) return undefined;
    const { bestKnown, feeRateMin, lastBlock, lastTransaction, blockRequests, wanted } = state;
    const common = bestKnown === undefined ? -1 : this.#sharedHeight(bestKnown);
    return {
      syncedHeaders: bestKnown?.height ?? -1,
      syncedBlocks: common,
      feeRateMin,
      lastBlock,
      lastTransaction,
      blockRequests,
      wanted: wanted.size,
    };
  }

  linkOpened(link: Link): void {
    const { pool } = this.#deps;
    const state = new LinkState(link);
    this.#links.set(link, state);
    this.heardTip(link, link.identity.tip);
    void this.#tell(link, "fee-filter", encodeFeeFilter(pool.feeRateMin));
    for (const { tx } of pool.entries()) this.#announcer.offer(state, tx.txid);
  }

  linkClosed(link: Link): void {
    const state = this.#links.get(link);
    if (state === undefined) return;
    state.isClosed = true;
    this.#links.delete(link);
    this.#download.schedule(); // Others bring what it was asked for.
  }

  /** The other side has said where it stands: when it opened, in a ping, or in the answer to ours. */
  heardTip(link: Link, tip: PeerTip): void {
    const state = this.#links.get(link);
    if (state === undefined) return;
    state.claimed = tip;
    const entry = this.#deps.chain.find(tip.hash);
    if (entry !== undefined) {
      if (!entry.isInvalid) state.learn(entry);
      this.#download.schedule();
    } else {
      this.#inBackground(this.#headers.follow(state));
    }
  }

  /** The chain has a new tip. Call it outside of any lock; several moves may be told at once. */
  tipMoved(): void {
    this.#announcer.tipMoved();
    for (const state of this.#links.values()) this.#headers.resume(state);
    this.#download.schedule();
    if (!this.#isReadingTip) this.#inBackground(this.#noteConfirmed());
  }

  /** The pool has a new transaction, wherever it came from. */
  transactionAdded(txid: Txid): void {
    this.#announcer.transactionAdded(txid);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#download.stop();
    for (const state of this.#links.values()) state.isClosed = true;
    this.#links.clear();
  }

  /** The highest block of our chain that it has. */
  #sharedHeight(theirs: BlockEntry): number {
    const { chain } = this.#deps;
    let low = 0;
    let high = Math.min(theirs.height, chain.tip.height);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (chain.atHeight(middle) === theirs.ancestor(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  get #isCurrent(): boolean {
    return this.progress.target - this.progress.height <= CURRENT_BLOCKS;
  }

  async #answer(state: LinkState, kind: MessageKind, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { chain, pool } = this.#deps;
    switch (kind) {
      case "ping":
        this.heardTip(state.link, decodeTip(body));
        return encodeTip(chain.tip);
      case "get-headers":
        return serveHeaders(chain, body);
      case "get-blocks":
        return serveBlocks(chain, body, signal);
      case "get-block-transactions":
        return serveBlockTransactions(chain, body);
      case "get-transactions":
        return serveTransactions(pool, body);
      case "announce":
        return this.#hear(state, decodeAnnouncement(body));
      case "fee-filter":
        state.feeRateMin = decodeFeeFilter(body);
        return NOTHING;
      case "get-addresses":
        throw new PeerRefusal("unknown-kind", "the peer table answers this");
      default:
        return unreachable(kind);
    }
  }

  /** Takes news in, and works on them after this has returned. */
  #hear(state: LinkState, news: Announcement): Uint8Array {
    if (state.newsPending >= NEWS_PENDING_MAX) throw new PeerRefusal("slow-down", "news come faster than they can be looked at");
    state.newsPending++;
    this.#inBackground(
      this.#news.hear(state, news).finally(() => {
        state.newsPending--;
      }),
    );
    if (news.txids !== undefined) this.#relay.announced(state, news.txids);
    return NOTHING;
  }

  async #noteConfirmed(): Promise<void> {
    this.#isReadingTip = true;
    try {
      const { chain } = this.#deps;
      const raw = await chain.readBody(chain.tip.hash);
      this.#relay.tipMoved(raw === undefined ? [] : Block.decode(raw).transactions.map(({ txid }) => txid));
    } finally {
      this.#isReadingTip = false;
    }
  }

  #tellFeeFilter(): void {
    const { feeRateMin } = this.#deps.pool;
    if (feeRateMin === this.#feeFilter) return;
    this.#feeFilter = feeRateMin;
    for (const link of this.#links.keys()) void this.#tell(link, "fee-filter", encodeFeeFilter(feeRateMin));
  }

  async #tell(link: Link, kind: MessageKind, body: Uint8Array): Promise<void> {
    try {
      await link.request(kind, body);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }

  /** Chain and store have their own ways to end a node whose disk failed; what else fails here is written down. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#deps.log.warn({ error: String(error) }, "a step of synchronisation failed"));
  }
}
