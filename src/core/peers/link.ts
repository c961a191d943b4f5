import { ChainCoreError } from "../errors.ts";
import type { BlockHash, Height, Work } from "../primitives/units.ts";

/*
 * Two nodes that know each other are joined by one link. One of them has dialled; afterwards both ask and both answer, whichever
 * of them can be reached from outside: the dialler's requests are HTTP requests, the listener's travel down a stream that the
 * dialler has opened, and are answered by HTTP requests. Whoever speaks over a link does not see the difference.
 */

/** What one side of a link may ask of the other; messages.ts has the bodies and their limits. */
export type MessageKind =
  /** Are you there, and at which tip? */
  | "ping"
  /** Headers behind the first hash of a locator that is on your best chain. */
  | "get-headers"
  /** Bodies by hash, in order, as many as fit. */
  | "get-blocks"
  /** Some transactions of one block, by their place in it. */
  | "get-block-transactions"
  /** Pooled transactions by txid. */
  | "get-transactions"
  /** Other nodes that you know. */
  | "get-addresses"
  /** News: a block in short form, headers, transactions. Answered at once, with nothing. */
  | "announce"
  /** What pays less need not be announced to me. Answered with nothing. */
  | "fee-filter";

/** What a node says of itself when a link opens. All of it is only its word. */
export interface PeerIdentity {
  /** Of the process, random, 32 hex digits: finds links to oneself and second links to the same node. */
  readonly instance: string;
  /** As its session calls it, such as core0; for people. */
  readonly nodeId: string;
  /** Program and version, for people. */
  readonly agent: string;
  /** Of the protocol: what both sides speak. */
  readonly version: number;
  /** Where it listens for peers; null if it does not, or cannot be reached. */
  readonly listenUrl: string | null;
  readonly tip: PeerTip;
}

/** Where a node says that it stands. */
export interface PeerTip {
  readonly hash: BlockHash;
  readonly height: Height;
  readonly chainwork: Work;
}

export type Direction = "outbound" | "inbound";

export interface LinkTraffic {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Requests that this side made and got an answer to. */
  readonly requests: number;
  readonly failures: number;
  /** Of `monotonicMs`; undefined before the first. */
  readonly lastReceivedMs: number | undefined;
  readonly lastSentMs: number | undefined;
}

export interface RequestOptions {
  /** Until the whole answer is there. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One side's view of a link. */
export interface Link {
  /** Of this process, growing. */
  readonly id: number;
  readonly direction: Direction;
  readonly identity: PeerIdentity;
  /** The other end of the socket. */
  readonly remote: { readonly address: string; readonly port: number };
  /** Where the other side was dialled; for an inbound link what it says that it listens at, or null. */
  readonly url: string | null;
  /** Of `monotonicMs`. */
  readonly openedMs: number;
  readonly traffic: LinkTraffic;
  /** Requests of ours that wait for an answer. */
  readonly pending: number;
  /** Asks, and gives the answer's body, at most as long as messages.ts allows. @throws LinkError */
  request(kind: MessageKind, body: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  /** Ends it from this side; requests under way fail with `link-closed`. Closing twice changes nothing. */
  close(reason: string): void;
  /** Resolves with the reason when it has ended, whoever ended it. Never rejects. */
  readonly closed: Promise<string>;
}

/** Answers what the other side asks. @throws PeerRefusal: told to the other side by its code; anything else is our failure */
export type LinkHandler = (
  link: Link,
  kind: MessageKind,
  body: Uint8Array,
  signal: AbortSignal,
) => Uint8Array | Promise<Uint8Array>;

export type LinkErrorCode =
  /** It ended before the answer was there. */
  | "link-closed"
  | "link-timeout"
  /** The other side answered with a refusal: `detail.refusal` is its code. */
  | "link-refused"
  /** The answer is longer than allowed, or not what was agreed: the other side misbehaves. */
  | "link-garbled"
  /** Nothing answers at that address, or it is no node of this network. */
  | "peer-unreachable"
  | "peer-unsuitable";

/** A link, or the node at its other end, failed. */
export class LinkError extends ChainCoreError {
  declare readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options: { detail?: Record<string, unknown>; cause?: unknown } = {}) {
    super(code, message, options);
  }
}

export type RefusalCode = "bad-message" | "unknown-kind" | "not-found" | "busy" | "slow-down" | "not-welcome";

/** A request that we do not serve, as the other side is told it. */
export class PeerRefusal extends ChainCoreError {
  declare readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(code, message);
  }
}

/** Who is told of what a peer does wrong. */
export interface Judge {
  /** The other side broke the rules, and could not have done so by accident of timing or version: the link ends. */
  misbehaved(link: Link, offence: Offence, evidence?: Readonly<Record<string, unknown>>): void;
  /** The other side is of little use: slow, stalling, without what it promised. Ends the link when that goes on. */
  disappointed(link: Link, shortcoming: Shortcoming): void;
}

export type Offence =
  | "garbled-message"
  | "invalid-header"
  | "invalid-block"
  | "mutated-block"
  | "unconnected-headers"
  | "low-work-headers"
  | "not-what-was-asked"
  | "invalid-transaction"
  | "flood";

export type Shortcoming = "stalled-download" | "no-answer" | "lying-tip" | "no-block" | "no-transaction";
