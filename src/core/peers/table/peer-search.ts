import { type Link, LinkError } from "../link.ts";
import { placeOf } from "../peer-url.ts";
import type { ActiveLink } from "./active-link.ts";
import type { PeerBook } from "./peer-book.ts";

export interface PeerSearchDeps {
  readonly book: PeerBook;
  readonly links: () => readonly ActiveLink[];
  readonly dial: (url: string, signal: AbortSignal) => Promise<Link>;
  /** URLs of the session's other nodes, as they are now. */
  readonly source: (() => Promise<readonly string[]>) | undefined;
  readonly ownUrl: () => string | null;
  readonly ownInstance: string;
  /** For what nobody waits for. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

const DIALS_TOGETHER = 8;

/** Finds links: learns of the session's nodes, and dials those of the book whose turn it is. */
export class PeerSearch {
  readonly #outboundMax: number;
  readonly #deps: PeerSearchDeps;
  readonly #dialling = new Set<string>();
  readonly #ending = new AbortController();
  #isLooking = false;

  constructor(outboundMax: number, deps: PeerSearchDeps) {
    this.#outboundMax = outboundMax;
    this.#deps = deps;
  }

  stop(): void {
    this.#ending.abort();
  }

  /** One look; another one while it goes on does nothing. */
  async look(): Promise<void> {
    if (this.#isLooking || this.#ending.signal.aborted) return;
    this.#isLooking = true;
    try {
      const { book, source, ownUrl } = this.#deps;
      const urls = await source?.();
      if (urls !== undefined) await book.setSession(urls.filter((url) => url !== ownUrl()));
      this.#dialDue();
    } finally {
      this.#isLooking = false;
    }
  }

  #dialDue(): void {
    const { book, ownUrl, ownInstance } = this.#deps;
    const links = this.#deps.links().map(({ link }) => link);
    const places = [ownUrl(), ...links.flatMap(({ url, identity }) => [url, identity.listenUrl])];
    const linked = new Set(places.flatMap((url) => (url === null ? [] : placeOf(url))));
    // A node may be known by several names: by one of them it is linked, and the others lead to the same process.
    const instances = new Set([ownInstance, ...links.map(({ identity }) => identity.instance)]);
    const outbound = links.filter(({ direction }) => direction === "outbound").length;
    let room = this.#outboundMax - outbound - this.#dialling.size;
    for (const { url, source, instance } of book.due()) {
      if (this.#dialling.size >= DIALS_TOGETHER) return;
      if (linked.has(placeOf(url)) || this.#dialling.has(url)) continue;
      if (instance !== null && instances.has(instance)) continue;
      if (source !== "added" && room-- <= 0) continue;
      this.#deps.inBackground(this.#dial(url));
    }
  }

  async #dial(url: string): Promise<void> {
    const { book, dial } = this.#deps;
    this.#dialling.add(url);
    try {
      const link = await dial(url, this.#ending.signal);
      await book.reached(url, link.identity);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (this.#ending.signal.aborted) return;
      const { instance } = error.detail;
      await book.missed(url, error.message, typeof instance === "string" ? instance : undefined);
    } finally {
      this.#dialling.delete(url);
    }
  }
}
