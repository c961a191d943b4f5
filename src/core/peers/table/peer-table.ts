import type { Holds } from "../../locks/context.ts";
import type { PeerIdentity } from "../link.ts";
import { placeOf } from "../peer-url.ts";

/** Where a peer was heard of: by hand, in the session's registry, or from another peer. */
export type PeerSourceKind = "added" | "session" | "gossip";

/** A place where a node listens, or did. */
export interface KnownPeer {
  readonly url: string;
  readonly source: PeerSourceKind;
  /** Who sits there, as far as was last seen. */
  readonly instance: string | null;
  readonly nodeId: string | null;
  /** Unix seconds; null when it was never reached. */
  readonly lastSeen: number | null;
  /** In a row. */
  readonly failures: number;
  readonly lastError: string | null;
  /** Of `monotonicMs`: not dialled before. */
  readonly nextTryMs: number;
}

/** A dial that led to no link. */
interface Failure {
  readonly error: string;
  /** Who answered, if it said so. */
  readonly instance: string | undefined;
  readonly nowMs: number;
  /** 0 to 1 */
  readonly jitter: number;
}

/** Addresses that other nodes told; the ones that were never reached give way first. */
const GOSSIP_MAX = 1_000;
const RETRY_FIRST_MS = 500;
/** A peer that somebody asked for, or of our own session, is back soon after it has returned. */
const RETRY_WANTED_MAX_MS = 5_000;
const RETRY_GOSSIP_MAX_MS = 600_000;

/**
 * All peers that this node has heard of. A place is in it once, whatever certificate was pinned there: hearsay does not change a
 * pin, and what a user or the registry says does. Guarded by PEERS; reads are plain and of one moment.
 */
export class PeerTable {
  /** By place. */
  readonly #peers = new Map<string, KnownPeer>();

  get size(): number {
    return this.#peers.size;
  }

  list(): readonly KnownPeer[] {
    return [...this.#peers.values()];
  }

  find(url: string): KnownPeer | undefined {
    return this.#peers.get(placeOf(url));
  }

  /** Those whose turn it is, wanted ones first, then those that were reached before. */
  due(nowMs: number): readonly KnownPeer[] {
    const rank = (peer: KnownPeer) => (peer.source !== "gossip" ? 0 : peer.lastSeen === null ? 2 : 1);
    return this.list()
      .filter(({ nextTryMs }) => nextTryMs <= nowMs)
      .sort((a, b) => rank(a) - rank(b) || a.nextTryMs - b.nextTryMs);
  }

  /** False when it was known already; by hand weighs more than by the registry, and that more than hearsay. */
  add(_at: Holds<"PEERS", "write">, url: string, source: PeerSourceKind): boolean {
    const known = this.find(url);
    const weight = { added: 2, session: 1, gossip: 0 };
    if (known !== undefined) {
      const isWeightier = weight[source] > weight[known.source];
      const isNewPin = known.url !== url && source !== "gossip" && weight[source] >= weight[known.source];
      if (isWeightier || isNewPin) this.#put({ ...known, url: isNewPin ? url : known.url, source, nextTryMs: 0 });
      return false;
    }
    if (source === "gossip" && !this.#makeRoom()) return false;
    const fresh = { instance: null, nodeId: null, lastSeen: null, failures: 0, lastError: null, nextTryMs: 0 };
    this.#put({ url, source, ...fresh });
    return true;
  }

  remove(_at: Holds<"PEERS", "write">, url: string): boolean {
    return this.#peers.delete(placeOf(url));
  }

  reached(_at: Holds<"PEERS", "write">, url: string, { instance, nodeId }: PeerIdentity, nowSeconds: number): void {
    const known = this.find(url);
    if (known === undefined) return;
    this.#put({ ...known, instance, nodeId, lastSeen: nowSeconds, failures: 0, lastError: null, nextTryMs: 0 });
  }

  /** It is tried again later, each time after a longer pause. */
  failed(_at: Holds<"PEERS", "write">, url: string, { error, instance, nowMs, jitter }: Failure): void {
    const known = this.find(url);
    if (known === undefined) return;
    const longest = known.source === "gossip" ? RETRY_GOSSIP_MAX_MS : RETRY_WANTED_MAX_MS;
    const pauseMs = Math.min(longest, RETRY_FIRST_MS * 2 ** Math.min(known.failures, 20)) * (0.5 + jitter / 2);
    const who = instance === undefined ? {} : { instance };
    this.#put({ ...known, ...who, failures: known.failures + 1, lastError: error, nextTryMs: nowMs + pauseMs });
  }

  /** Makes its turn come now. */
  hurry(_at: Holds<"PEERS", "write">, url: string): void {
    const known = this.find(url);
    if (known !== undefined) this.#put({ ...known, nextTryMs: 0 });
  }

  restore(_at: Holds<"PEERS", "write">, peers: readonly Omit<KnownPeer, "nextTryMs" | "failures" | "lastError">[]): void {
    for (const peer of peers) this.#put({ ...peer, failures: 0, lastError: null, nextTryMs: 0 });
  }

  #put(peer: KnownPeer): void {
    this.#peers.set(placeOf(peer.url), peer);
  }

  #makeRoom(): boolean {
    const gossip = this.list().filter(({ source }) => source === "gossip");
    if (gossip.length < GOSSIP_MAX) return true;
    const worst = gossip.filter(({ lastSeen }) => lastSeen === null).sort((a, b) => b.failures - a.failures)[0];
    if (worst === undefined) return false;
    this.#peers.delete(placeOf(worst.url));
    return true;
  }
}
