import type { Inside } from "../../locks/context.ts";
import type { LockManager } from "../../locks/manager.ts";
import type { RwLock } from "../../locks/rwlock.ts";
import type { Clock, Entropy } from "../../ports.ts";
import { jitterFrom } from "../jitter.ts";
import type { PeerIdentity } from "../link.ts";
import { type Ban, BanList, type Suspect } from "./ban-list.ts";
import { type KnownPeer, type PeerSourceKind, PeerTable } from "./peer-table.ts";
import type { PeersStore } from "./peers-file.ts";

interface Deps {
  readonly locks: LockManager;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly store: PeersStore;
}

/** The peer table and the bans behind their lock, and on disk. Changes take PEERS themselves; reads are plain and of one moment. */
export class PeerBook {
  readonly #deps: Deps;
  readonly #lock: RwLock<"PEERS">;
  readonly #table = new PeerTable();
  readonly #bans = new BanList();
  #isChanged = false;
  #saving: Promise<void> = Promise.resolve();
  #isSaveWaiting = false;

  private constructor(deps: Deps) {
    this.#deps = deps;
    this.#lock = deps.locks.getLock("peers", "PEERS");
  }

  /** With what was known when it was saved last. */
  static async open(deps: Deps): Promise<PeerBook> {
    const book = new PeerBook(deps);
    const { peers, bans } = await deps.store.load();
    await book.#change("restore", (at) => {
      book.#table.restore(at, peers);
      book.#bans.restore(at, bans);
    });
    book.#isChanged = false;
    return book;
  }

  get peers(): readonly KnownPeer[] {
    return this.#table.list();
  }

  get bans(): readonly Ban[] {
    return this.#bans.list(this.nowSeconds);
  }

  get nowSeconds(): number {
    return Math.floor(this.#deps.clock.nowMs() / 1000);
  }

  /** Peers that may be dialled now, the most wanted first. */
  due(): readonly KnownPeer[] {
    const { nowSeconds } = this;
    const isBanned = ({ url, instance }: KnownPeer) =>
      this.#bans.find({ url, instance: instance ?? undefined }, nowSeconds) !== undefined;
    return this.#table.due(this.#deps.clock.monotonicMs()).filter((peer) => !isBanned(peer));
  }

  banOf(suspect: Suspect): Ban | undefined {
    return this.#bans.find(suspect, this.nowSeconds);
  }

  /** It is tried at once. False when it was known. */
  add(url: string, source: PeerSourceKind): Promise<boolean> {
    return this.#change("add a peer", (at) => {
      const isNew = this.#table.add(at, url, source);
      this.#table.hurry(at, url);
      return isNew;
    });
  }

  heardOf(urls: readonly string[]): Promise<void> {
    return this.#change("hear of peers", (at) => {
      for (const url of urls) this.#table.add(at, url, "gossip");
    });
  }

  /** The session's nodes as they are now: who is not among them any more is forgotten. */
  async setSession(urls: readonly string[]): Promise<void> {
    const before = this.peers.filter(({ source }) => source === "session").map(({ url }) => url);
    const fresh = urls.filter((url) => !before.includes(url) && this.#table.find(url)?.source !== "added");
    const gone = before.filter((url) => !urls.includes(url));
    if (fresh.length === 0 && gone.length === 0) return;
    await this.#change("learn of the session", (at) => {
      for (const url of fresh) this.#table.add(at, url, "session");
      for (const url of gone) this.#table.remove(at, url);
    });
  }

  remove(url: string): Promise<boolean> {
    return this.#change("remove a peer", (at) => this.#table.remove(at, url));
  }

  reached(url: string, identity: PeerIdentity): Promise<void> {
    return this.#change("reached a peer", (at) => this.#table.reached(at, url, identity, this.nowSeconds));
  }

  /** @param instance who answered there, if it said so */
  missed(url: string, error: string, instance?: string): Promise<void> {
    const failure = { error, instance, nowMs: this.#deps.clock.monotonicMs(), jitter: jitterFrom(this.#deps.entropy) };
    return this.#change("missed a peer", (at) => this.#table.failed(at, url, failure));
  }

  ban(bans: readonly Ban[]): Promise<void> {
    return this.#change("ban", (at) => {
      for (const ban of bans) this.#bans.add(at, ban);
    });
  }

  /** @returns how many bans named this URL, address or instance */
  unban(name: string): Promise<number> {
    return this.#change("unban", (at) => this.#bans.lift(at, name));
  }

  clearBans(): Promise<void> {
    return this.#change("clear bans", (at) => this.#bans.clear(at));
  }

  /**
   * Writes what has changed since the last time; the session's nodes stand in its registry and are left out. When it resolves, all
   * that was changed before the call is on disk: one save at a time, and whoever comes while one waits shares it.
   */
  save(): Promise<void> {
    if (this.#isSaveWaiting) return this.#saving;
    this.#isSaveWaiting = true;
    this.#saving = this.#saving
      .catch(() => undefined)
      .then(() => {
        this.#isSaveWaiting = false;
        return this.#write();
      });
    return this.#saving;
  }

  async #write(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const kept = this.peers.filter(({ source }) => source !== "session");
    const peers = kept.map(({ url, source, instance, nodeId, lastSeen }) => ({ url, source, instance, nodeId, lastSeen }));
    try {
      await this.#deps.store.save({ peers, bans: this.bans });
    } catch (error) {
      this.#isChanged = true; // The next save tries again.
      throw error;
    }
  }

  #change<R>(site: string, change: (at: Inside<"PEERS", "write", unknown>) => R): Promise<R> {
    const marked = (at: Inside<"PEERS", "write", unknown>) => {
      this.#isChanged = true; // Here and not before: a save that goes on while this waits must not count it as written.
      return change(at);
    };
    return this.#deps.locks.task("peers", (at) => this.#lock.withWrite(at, marked, { site }));
  }
}
