import type { Clock, Log } from "../ports.ts";
import type { FaultPlan } from "./faults.ts";
import {
  type Direction,
  type Link,
  LinkError,
  type LinkHandler,
  type LinkTraffic,
  type MessageKind,
  type PeerIdentity,
  PeerRefusal,
  type RefusalCode,
  type RequestOptions,
} from "./link.ts";
import { MESSAGE_LIMITS } from "./messages.ts";

/** What both ends of a link need. */
export interface LinkDeps {
  readonly handler: LinkHandler;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly faults: FaultPlan;
  readonly log: Log;
}

export interface LinkFacts {
  readonly direction: Direction;
  readonly identity: PeerIdentity;
  readonly remote: { readonly address: string; readonly port: number };
  readonly url: string | null;
}

export type Served =
  | { readonly kind: "answer"; readonly body: Uint8Array }
  | { readonly kind: "refusal"; readonly code: RefusalCode; readonly message: string };

const REQUEST_MS = 30_000;
/** Requests of the other side that are answered at a time. */
export const SERVED_TOGETHER_MAX = 16;
let nextId = 1;

/** What is the same whoever has dialled: counting, time limits, faults, and the end. */
export abstract class BaseLink implements Link {
  readonly id = nextId++;
  readonly direction: Direction;
  readonly identity: PeerIdentity;
  readonly remote: { readonly address: string; readonly port: number };
  readonly url: string | null;
  readonly openedMs: number;
  readonly closed: Promise<string>;
  protected readonly closing = new AbortController();
  readonly #deps: LinkDeps;
  readonly #end = Promise.withResolvers<string>();
  #pending = 0;
  #served = 0;
  #bytesReceived = 0;
  #bytesSent = 0;
  #requests = 0;
  #failures = 0;
  #lastReceivedMs: number | undefined;
  #lastSentMs: number | undefined;

  constructor(facts: LinkFacts, deps: LinkDeps) {
    this.direction = facts.direction;
    this.identity = facts.identity;
    this.remote = facts.remote;
    this.url = facts.url;
    this.#deps = deps;
    this.openedMs = deps.clock.monotonicMs();
    this.closed = this.#end.promise;
  }

  /** Carries one question there and its answer back. @throws LinkError */
  protected abstract carry(kind: MessageKind, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;

  get traffic(): LinkTraffic {
    return {
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent,
      requests: this.#requests,
      failures: this.#failures,
      lastReceivedMs: this.#lastReceivedMs,
      lastSentMs: this.#lastSentMs,
    };
  }

  get pending(): number {
    return this.#pending;
  }

  get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  async request(kind: MessageKind, body: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? REQUEST_MS);
    const signal = AbortSignal.any([this.closing.signal, timeout, ...(options.signal === undefined ? [] : [options.signal])]);
    this.#pending++;
    try {
      await this.#deps.faults.pass(this, signal);
      signal.throwIfAborted();
      this.#countSent(body.length);
      const answer = await this.carry(kind, body, signal);
      this.#countReceived(answer.length);
      this.#requests++;
      return answer;
    } catch (error) {
      this.#failures++;
      throw this.#asLinkError(error, kind, timeout);
    } finally {
      this.#pending--;
    }
  }

  /** Answers what the other side asked; never throws. */
  async serve(kind: MessageKind, body: Uint8Array): Promise<Served> {
    this.#countReceived(body.length);
    if (body.length > MESSAGE_LIMITS[kind].askBytesMax) return refusal("bad-message", `${kind} is too long`);
    if (this.#served >= SERVED_TOGETHER_MAX) return refusal("busy", "too many questions at a time");
    this.#served++;
    try {
      const answer = await this.#deps.handler(this, kind, body, this.closing.signal);
      await this.#deps.faults.pass(this, this.closing.signal);
      this.#countSent(answer.length);
      return { kind: "answer", body: answer };
    } catch (error) {
      if (error instanceof PeerRefusal) return refusal(error.code, error.message);
      if (!this.isClosed) this.#deps.log.warn({ kind, error: String(error) }, "a peer's question could not be answered");
      return refusal("busy", "the node failed to answer");
    } finally {
      this.#served--;
    }
  }

  close(reason: string): void {
    if (this.isClosed) return;
    this.closing.abort(new LinkError("link-closed", `the link to ${this.name} has ended: ${reason}`, { detail: { reason } }));
    this.#end.resolve(reason);
  }

  /** A sign of life came, or something else of so many bytes beside requests. */
  protected countReceived(bytes: number): void {
    this.#countReceived(bytes);
  }

  protected get name(): string {
    return `${this.identity.nodeId} (${this.url ?? this.remote.address})`;
  }

  #countReceived(bytes: number): void {
    this.#bytesReceived += bytes;
    this.#lastReceivedMs = this.#deps.clock.monotonicMs();
  }

  #countSent(bytes: number): void {
    this.#bytesSent += bytes;
    this.#lastSentMs = this.#deps.clock.monotonicMs();
  }

  #asLinkError(error: unknown, kind: MessageKind, timeout: AbortSignal): unknown {
    if (this.isClosed) return this.closing.signal.reason;
    if (error instanceof LinkError) return error;
    if (timeout.aborted) return new LinkError("link-timeout", `${this.name} did not answer ${kind} in time`, { cause: error });
    return new LinkError("link-closed", `${this.name} did not answer ${kind}: ${String(error)}`, { cause: error });
  }
}

function refusal(code: RefusalCode, message: string): Served {
  return { kind: "refusal", code, message };
}
