import type { NetworkParams } from "../../consensus/params.ts";
import type { LockManager } from "../../locks/manager.ts";
import type { Clock, Entropy, Log } from "../../ports.ts";
import { classOfAddress } from "../address-class.ts";
import type { FaultPlan } from "../faults.ts";
import type { Self } from "../hello.ts";
import type { HostStatistics } from "../host-connections.ts";
import { type Direction, type Link, LinkError, type LinkHandler, type PeerIdentity } from "../link.ts";
import type { Remote } from "../listener.ts";
import { parsePeerUrl, peerUrlOf, placeOf } from "../peer-url.ts";
import type { PeerChain, PeerPool } from "../ports.ts";
import { RecentSet } from "../sync/recent-set.ts";
import { PeerSync } from "../sync/sync.ts";
import { PeerTransport, type TransportOptions } from "../transport.ts";
import { type ActiveLink, chooseEviction, isNamed, isNewLinkBetter } from "./active-link.ts";
import { decodeAddresses, encodeAddresses, tellable } from "./addresses-message.ts";
import { BAN_SECONDS, type Ban, parseBanAddress } from "./ban-list.ts";
import { checkHealth, ping, ROUND_MS } from "./health.ts";
import { createJudge } from "./judge.ts";
import { PeerBook } from "./peer-book.ts";
import { PeerSearch } from "./peer-search.ts";
import type { PeersStore } from "./peers-file.ts";

export interface PeerManagerOptions extends TransportOptions {
  /** Links that we dial; peers that were added by hand come on top. Default 8. */
  readonly outboundMax?: number;
  /** Links that others dial. Default 64. */
  readonly inboundMax?: number;
}

export interface PeerManagerDeps {
  readonly chain: PeerChain;
  readonly pool: PeerPool;
  readonly params: NetworkParams;
  readonly locks: LockManager;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly nodeId: string;
  readonly agent: string;
  readonly store: PeersStore;
  /** URLs of the session's other nodes, as they are now. */
  readonly source?: () => Promise<readonly string[]>;
  /** For the node's events: a peer came, went, or was banned. */
  readonly told?: (url: string, state: string) => void;
}

const LOOK_MS = 500;
const SAVE_MS = 30_000;
const NAMES_MAX = 1_000;
/** A ban is written so soon; whoever has others banned on purpose does not make us write for each. */
const SAVE_BAN_MS = 1_000;
/** Addresses are asked of a link that we have dialled, once. */
const GOSSIP_TIMEOUT_MS = 5_000;

/**
 * Who this node is linked with: knows places where nodes listen, dials them, takes others in, pings all, and keeps out who broke
 * the rules. What is known of peers is guarded by PEERS (peer-book); links are kept by the event loop, which alone opens and ends
 * them.
 */
export class PeerManager {
  readonly sync: PeerSync;
  /** Node ids and places of those that were linked, and of the session's nodes: people call them by these without a link, too. */
  readonly names = new RecentSet<string>(NAMES_MAX);
  /** Bytes of links that have ended. */
  readonly past = { received: 0, sent: 0 };
  readonly #options: PeerManagerOptions;
  readonly #deps: PeerManagerDeps;
  readonly #transport: PeerTransport;
  readonly #book: PeerBook;
  readonly #links = new Map<Link, ActiveLink>();
  readonly #search: PeerSearch;
  readonly #instance: string;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #closing = new AbortController();
  #listenUrl: string | null = null;
  #localUrl: string | null = null;
  #isPinging = false;
  #saving: NodeJS.Timeout | undefined;

  private constructor(options: PeerManagerOptions, deps: PeerManagerDeps, book: PeerBook) {
    this.#options = options;
    this.#deps = deps;
    this.#book = book;
    this.#instance = Buffer.from(deps.entropy.bytes(16)).toString("hex");
    const judge = createJudge({
      find: (link) => this.#links.get(link),
      nowSeconds: () => book.nowSeconds,
      ban: (ban) => this.#inBackground(this.#keepOut([ban]).then(() => this.#saveSoon())),
      told: (link, verdict, evidence) => {
        deps.log.warn({ peer: nameOf(link), verdict, ...evidence }, "a peer misbehaved");
        deps.told?.(nameOf(link), verdict);
      },
    });
    this.sync = new PeerSync({ ...deps, judge });
    this.#transport = new PeerTransport(options, {
      ...deps,
      self: () => this.#self,
      handler: this.#handler,
      admit: (identity, remote) => this.#refusal(identity, remote),
      onLink: (link) => this.#opened(link),
    });
    this.#search = new PeerSearch(options.outboundMax ?? 8, {
      ...{ book, source: deps.source },
      links: () => this.links,
      dial: (url, signal) => this.#transport.dial(url, signal),
      ownUrl: () => this.#listenUrl,
      ownInstance: this.#instance,
      inBackground: (work) => this.#inBackground(work),
    });
  }

  /** Reads what is known from the last time. Nothing is dialled before `start`. */
  static async open(options: PeerManagerOptions, deps: PeerManagerDeps): Promise<PeerManager> {
    return new PeerManager(options, deps, await PeerBook.open(deps));
  }

  /** @returns the port that it got. @throws what node's listen reports */
  async listen(host: string, port: number): Promise<number> {
    const got = await this.#transport.listen(host, port);
    const isEverywhere = host === "0.0.0.0" || host === "::"; // Which of our addresses a peer can reach, only the peer knows.
    const { certificate } = this.#options;
    const place = { port: got, isSecure: certificate !== undefined, pin: certificate?.pin };
    this.#localUrl = peerUrlOf({ ...place, host: isEverywhere ? "127.0.0.1" : host });
    this.#listenUrl = isEverywhere ? null : this.#localUrl;
    return got;
  }

  /** Begins to dial and to ping. */
  start(): void {
    const every = (ms: number, step: () => Promise<void>) =>
      this.#timers.push(setInterval(() => this.#inBackground(step()), ms).unref());
    every(LOOK_MS, () => this.#search.look());
    every(ROUND_MS, () => this.#ping());
    every(SAVE_MS, () => this.#book.save());
    this.#inBackground(this.#search.look());
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#saving);
    this.#closing.abort();
    this.#search.stop();
    this.sync.stop();
    await this.#transport.close();
    await this.#book.save();
  }

  /** What it tells others; null where only they know by which address they reach it. */
  get listenUrl(): string | null {
    return this.#listenUrl;
  }

  /** Where nodes of this machine find it; null while it does not listen. */
  get localUrl(): string | null {
    return this.#localUrl;
  }

  get links(): readonly ActiveLink[] {
    return [...this.#links.values()];
  }

  get faults(): FaultPlan {
    return this.#transport.faults;
  }

  get connectionHitRate(): number | null {
    return this.#transport.connectionHitRate;
  }

  /** Statistics of those that we have dialled. */
  hosts(): readonly HostStatistics[] {
    return this.#transport.hosts();
  }

  get book(): PeerBook {
    return this.#book;
  }

  /** Wants a link with this peer from now on. False when it was known. @throws ChainCoreError bad-peer-url */
  async add(url: string): Promise<boolean> {
    const isNew = await this.#book.add(parsePeerUrl(url).text, "added");
    this.#inBackground(this.#search.look());
    return isNew;
  }

  /** Forgets a peer and ends its link. False when it was not known. */
  async remove(url: string): Promise<boolean> {
    const { text } = parsePeerUrl(url);
    const wasKnown = await this.#book.remove(text);
    return this.disconnect(text) > 0 || wasKnown;
  }

  /** Tries once, and says how it went; it is not tried again. @throws LinkError */
  async tryOnce(url: string): Promise<void> {
    await this.#transport.dial(url, this.#closing.signal);
  }

  /** Ends the links with a peer, named by URL, node id, instance, address or ADDRESS:PORT. @returns how many */
  disconnect(name: string, reason = "asked for"): number {
    const found = this.#named(name);
    for (const { link } of found) link.close(reason);
    return found.length;
  }

  /**
   * Keeps a peer out: by address, or by what is known of the linked peer of that name.
   * @throws ChainCoreError bad-address, bad-peer-url
   */
  async ban(name: string, { seconds = BAN_SECONDS, reason = "by hand" } = {}): Promise<readonly Ban[]> {
    const since = this.#book.nowSeconds;
    const until = since + seconds;
    const found = this.#named(name);
    const bans: Ban[] = found.map(({ link }) => ({
      address: null,
      instance: link.identity.instance,
      url: link.url,
      reason,
      since,
      until,
    }));
    if (bans.length === 0) {
      const isUrl = name.includes("://");
      const place = isUrl ? { address: null, url: parsePeerUrl(name).text } : { address: parseBanAddress(name), url: null };
      bans.push({ ...place, instance: null, reason, since, until });
    }
    await this.#keepOut(bans);
    return bans;
  }

  /** @returns how many bans named this URL, address or instance */
  unban(name: string): Promise<number> {
    return this.#book.unban(name.includes("://") ? parsePeerUrl(name).text : name);
  }

  /** Pings all links now. */
  pingAll(): Promise<void> {
    return this.#ping();
  }

  #named(name: string): readonly ActiveLink[] {
    return this.links.filter(({ link }) => isNamed(link, name));
  }

  /** Whoever came in while the ban was being written goes with it. */
  async #keepOut(bans: readonly Ban[]): Promise<void> {
    await this.#book.ban(bans);
    for (const { link } of this.links) {
      const ban = this.#banOf(link.identity, link.remote);
      if (ban !== undefined) link.close(`banned: ${ban.reason}`);
    }
  }

  #saveSoon(): void {
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined;
      this.#inBackground(this.#book.save());
    }, SAVE_BAN_MS).unref();
  }

  get #self(): Self {
    const { params, nodeId, agent, chain } = this.#deps;
    const { hash, height, chainwork } = chain.tip;
    return {
      network: params.name,
      genesis: chain.genesis.hash,
      instance: this.#instance,
      nodeId,
      agent,
      listenUrl: this.#listenUrl,
      tip: { hash, height, chainwork },
    };
  }

  readonly #handler: LinkHandler = (link, kind, body, signal) => {
    if (kind !== "get-addresses") return this.sync.handler(link, kind, body, signal);
    const target = classOfAddress(link.remote.address);
    const known = this.#book.peers.filter(({ lastSeen, url }) => lastSeen !== null && tellable(url, target));
    return encodeAddresses(known.map(({ url }) => url));
  };

  /** @param remote of one who has dialled us; undefined when we have dialled */
  #refusal(identity: PeerIdentity, remote: Remote | undefined): string | undefined {
    const ban = this.#banOf(identity, remote);
    if (ban !== undefined) return `it is banned until ${new Date(ban.until * 1000).toISOString()} (${ban.reason})`;
    const twin = this.#twinOf(identity);
    if (twin !== undefined && !isNewLinkBetter(this.#instance, identity.instance, twin.link.direction, remote === undefined))
      return "it is linked already";
    const isFull = remote !== undefined && twin === undefined && this.#count("inbound") >= (this.#options.inboundMax ?? 64);
    return isFull && chooseEviction(this.links) === undefined ? "all places are taken" : undefined;
  }

  #banOf({ instance, listenUrl }: PeerIdentity, remote: Remote | undefined): Ban | undefined {
    return this.#book.banOf({ instance, address: remote?.address, url: listenUrl });
  }

  #twinOf({ instance }: PeerIdentity): ActiveLink | undefined {
    return this.links.find(({ link }) => link.identity.instance === instance);
  }

  #count(direction: Direction): number {
    return this.links.filter(({ link }) => link.direction === direction).length;
  }

  #opened(link: Link): void {
    const twin = this.#twinOf(link.identity);
    if (twin !== undefined) {
      if (!isNewLinkBetter(this.#instance, link.identity.instance, twin.link.direction, link.direction === "outbound")) {
        link.close("a second link");
        return;
      }
      twin.link.close("a second link");
    }
    if (link.direction === "inbound" && this.#count("inbound") >= (this.#options.inboundMax ?? 64))
      chooseEviction(this.links)?.link.close("its place was given away");
    const active: ActiveLink = {
      link,
      tip: link.identity.tip,
      latencyMs: undefined,
      latencyMinMs: undefined,
      missed: 0,
      score: 0,
      lastUseful: 0,
    };
    this.#links.set(link, active);
    for (const name of [link.identity.nodeId, placeOf(link.url ?? "")]) this.names.add(name);
    this.sync.linkOpened(link);
    this.#deps.log.info({ peer: nameOf(link), node: link.identity.nodeId, direction: link.direction }, "linked");
    this.#deps.told?.(nameOf(link), "connected");
    void link.closed.then((reason) => this.#ended(link, reason));
    this.#inBackground(this.#greet(active));
  }

  #ended(link: Link, reason: string): void {
    if (!this.#links.delete(link)) return; // A second link, which was never one of ours.
    this.past.received += link.traffic.bytesReceived;
    this.past.sent += link.traffic.bytesSent;
    this.sync.linkClosed(link);
    this.#deps.log.info({ peer: nameOf(link), reason }, "link ended");
    this.#deps.told?.(nameOf(link), "disconnected");
    if (!this.#closing.signal.aborted) this.#inBackground(this.#search.look());
  }

  /** Measures a new link at once, and asks one that we chose for others. */
  async #greet(active: ActiveLink): Promise<void> {
    const { link } = active;
    await ping(active, this.#deps.chain.tip, this.#deps.clock, (_active, tip) => this.#heard(active, tip));
    if (link.direction !== "outbound") return;
    try {
      const body = await link.request("get-addresses", new Uint8Array(0), { timeoutMs: GOSSIP_TIMEOUT_MS });
      const urls = decodeAddresses(body, classOfAddress(link.remote.address));
      await this.#book.heardOf(urls.filter((url) => placeOf(url) !== placeOf(this.#listenUrl ?? "")));
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }

  #heard(active: ActiveLink, tip: Parameters<PeerSync["heardTip"]>[1]): void {
    active.tip = tip;
    const view = this.sync.view(active.link);
    if (view !== undefined) active.lastUseful = Math.max(view.lastBlock, view.lastTransaction);
    this.sync.heardTip(active.link, tip);
  }

  async #ping(): Promise<void> {
    if (this.#isPinging) return;
    this.#isPinging = true;
    try {
      const { chain, clock } = this.#deps;
      await checkHealth({
        links: () => this.links,
        tip: () => chain.tip,
        clock,
        heard: (active, tip) => this.#heard(active, tip),
      });
    } finally {
      this.#isPinging = false;
    }
  }

  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#deps.log.warn({ error: String(error) }, "a step of the peer table failed");
    });
  }
}

function nameOf({ url, remote }: Link): string {
  return url ?? `${remote.address}:${remote.port}`;
}
