import { setTimeout as sleep } from "node:timers/promises";
import {
  type Link,
  LinkError,
  type LinkHandler,
  type LinkTraffic,
  type MessageKind,
  type PeerIdentity,
  PeerRefusal,
  type RequestOptions,
} from "../../src/core/peers/link.ts";

export interface MemoryLinkFaults {
  /** Of each message, one way. */
  delayMs: number;
  /** Share of requests that are lost; they end with `link-timeout`. */
  drop: number;
  /** Nothing gets through. */
  isCut: boolean;
  /** 0 to 1. */
  random: () => number;
}

export interface MemoryEnd {
  readonly identity: PeerIdentity;
  readonly handler: LinkHandler;
}

let nextId = 1;

/** A link without a network: the views of both sides, `a` having dialled. Messages are copied, as a socket would. */
export function memoryLinks(a: MemoryEnd, b: MemoryEnd, faults: Partial<MemoryLinkFaults> = {}) {
  const all: MemoryLinkFaults = { delayMs: 0, drop: 0, isCut: false, random: Math.random, ...faults };
  const ended = Promise.withResolvers<string>();
  const left: MemoryLink = new MemoryLink("outbound", b, () => right, all, ended);
  const right: MemoryLink = new MemoryLink("inbound", a, () => left, all, ended);
  return { left, right, faults: all };
}

export class MemoryLink implements Link {
  readonly id = nextId++;
  readonly direction: "outbound" | "inbound";
  readonly identity: PeerIdentity;
  readonly remote = { address: "127.0.0.1", port: 1 };
  readonly url: string | null;
  readonly openedMs = performance.now();
  readonly closed: Promise<string>;
  pending = 0;
  /** What was asked over this side, in order. */
  readonly asked: MessageKind[] = [];
  readonly #other: () => MemoryLink;
  readonly #there: MemoryEnd;
  readonly #faults: MemoryLinkFaults;
  readonly #ended: PromiseWithResolvers<string>;
  readonly #closing = new AbortController();

  constructor(
    direction: "outbound" | "inbound",
    there: MemoryEnd,
    other: () => MemoryLink,
    faults: MemoryLinkFaults,
    ended: PromiseWithResolvers<string>,
  ) {
    this.direction = direction;
    this.identity = there.identity;
    this.url = there.identity.listenUrl;
    this.#there = there;
    this.#other = other;
    this.#faults = faults;
    this.#ended = ended;
    this.closed = ended.promise;
    void ended.promise.then(() => this.#closing.abort());
  }

  get traffic(): LinkTraffic {
    return { bytesReceived: 0, bytesSent: 0, requests: 0, failures: 0, lastReceivedMs: undefined, lastSentMs: undefined };
  }

  async request(kind: MessageKind, body: Uint8Array, { timeoutMs = 30_000, signal }: RequestOptions = {}): Promise<Uint8Array> {
    this.asked.push(kind);
    this.pending++;
    try {
      const signals = [this.#closing.signal, AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])];
      return await this.#carry(kind, Uint8Array.from(body), AbortSignal.any(signals));
    } catch (error) {
      throw this.#asLinkError(error);
    } finally {
      this.pending--;
    }
  }

  close(reason: string): void {
    this.#ended.resolve(reason);
  }

  async #carry(kind: MessageKind, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { delayMs, drop, random } = this.#faults;
    signal.throwIfAborted();
    await sleep(delayMs, undefined, { signal }); // At least a turn of the loop: the other side has opened by then.
    if (this.#faults.isCut || random() < drop) await sleep(2 ** 30, undefined, { signal });
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => undefined);
    signal.addEventListener("abort", () => gone.reject(signal.reason), { once: true });
    const answer = await Promise.race([this.#there.handler(this.#other(), kind, body, signal), gone.promise]);
    if (delayMs > 0) await sleep(delayMs, undefined, { signal });
    return Uint8Array.from(answer);
  }

  #asLinkError(error: unknown): unknown {
    if (error instanceof PeerRefusal) return new LinkError("link-refused", error.message, { detail: { refusal: error.code } });
    if (this.#closing.signal.aborted) return new LinkError("link-closed", "the link has ended");
    const isTime = error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
    return isTime ? new LinkError("link-timeout", "no answer came in time") : error;
  }
}
