import type { BlockEntry } from "../../chain/block-entry.ts";
import type { BlockHash, FeeRate, Txid } from "../../primitives/units.ts";
import type { Link, PeerTip } from "../link.ts";
import { RecentSet } from "./recent-set.ts";

/** Transactions that a link is remembered to know: Bitcoin Core keeps 50,000; 32 bytes of text each, about 8 MB a link. */
const KNOWN_TRANSACTIONS_MAX = 50_000;
/** News that waits for a link; what is more is left to other nodes, and to blocks. */
const OUTBOX_TRANSACTIONS_MAX = 20_000;

/** What this node remembers of one link. On the event loop only, and changed between awaits, so no lock guards it. */
export class LinkState {
  readonly link: Link;
  /** Where it says that it stands. */
  claimed: PeerTip;
  /** The best block whose header it has shown to have. */
  bestKnown: BlockEntry | undefined;
  /** The last tip that was announced to it. */
  shown: BlockEntry | undefined;
  /** What pays less is not announced to it. */
  feeRateMin = 0 as FeeRate;
  readonly knownTransactions = new RecentSet<Txid>(KNOWN_TRANSACTIONS_MAX);
  /** Waits to be announced, oldest first. */
  readonly outbox = new RecentSet<Txid>(OUTBOX_TRANSACTIONS_MAX);
  owesTip = false;
  isAnnouncing = false;
  /** Announced by it, and to be fetched from it. */
  readonly wanted = new Set<Txid>();
  isFetching = false;
  /** Announced transactions that it had announced before, since the last new one. */
  repeatedNews = 0;
  /** Transactions that it announced, was asked for and did not send, less twice those that it sent. */
  unsent = 0;
  isAskingHeaders = false;
  asksHeadersAgain = false;
  /** Its headers are far ahead of our bodies: it is asked on when those have come. */
  waitsForBodies = false;
  /** Requests for bodies that are under way. */
  blockRequests = 0;
  /** It has refused to send bodies, and is left alone until then (`monotonicMs`). */
  restsUntilMs = 0;
  /** Blocks that it ought to have, and did not send. */
  readonly lacks = new RecentSet<BlockHash>(1_000);
  /** Announcements that are being worked on. */
  newsPending = 0;
  /** Unix seconds when it last brought a block that was new here, and a transaction; 0 before the first. */
  lastBlock = 0;
  lastTransaction = 0;
  isClosed = false;

  constructor(link: Link) {
    this.link = link;
    this.claimed = link.identity.tip;
  }

  /** It has this block. */
  learn(entry: BlockEntry): void {
    const { bestKnown } = this;
    if (bestKnown === undefined || bestKnown.isInvalid || entry.chainwork > bestKnown.chainwork) this.bestKnown = entry;
  }

  /** Whether it is known to have a block. */
  has(entry: BlockEntry): boolean {
    return this.bestKnown?.ancestor(entry.height) === entry;
  }

  /** Whether it has a block, or has been told of it. */
  knows(entry: BlockEntry): boolean {
    return this.has(entry) || this.shown?.ancestor(entry.height) === entry;
  }
}
