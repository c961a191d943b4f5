import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http-error.ts";
import type { HttpLimits } from "../http/limits.ts";
import { Router } from "../http/router.ts";
import { HttpServer } from "../http/server.ts";
import type { Clock, Entropy } from "../ports.ts";
import { AcceptedLink } from "./accepted-link.ts";
import { plainAddress } from "./address-class.ts";
import type { LinkDeps, Served } from "./base-link.ts";
import { type PeerCertificate, TLS_VERSION_MIN } from "./certificate.ts";
import { Challenges } from "./challenges.ts";
import { HELLO_BYTES_MAX, type Hello, helloOf, identityFrom, type Self } from "./hello.ts";
import { LinkError, type MessageKind, type PeerIdentity } from "./link.ts";
import { MESSAGE_KINDS, MESSAGE_LIMITS } from "./messages.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { BODY_TYPE, HEADER, PATH } from "./wire.ts";

export interface Remote {
  readonly address: string;
  readonly port: number;
}

export interface ListenerDeps extends LinkDeps {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly self: () => Self;
  /** Why a node may not come in; undefined when it may. */
  readonly admit: (identity: PeerIdentity, remote: Remote) => string | undefined;
  /** A link stands: called before anything travels over it. */
  readonly onLink: (link: AcceptedLink) => void;
  readonly token: string | undefined;
}

export interface ListenerOptions {
  readonly limits?: Partial<HttpLimits> | undefined;
  readonly certificate?: PeerCertificate | undefined;
}

/** What a peer port grants. Slow senders are cut off early: on a network that this is for, 4 MB take under a second. */
export const PEER_LIMITS: Partial<HttpLimits> = {
  headersBytesMax: 8_192,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 20_000,
  keepAliveMs: 60_000,
  writeStallMs: 20_000,
  connectionsMax: 512,
  connectionsPerAddressMax: 256,
};

const HELLO_RATE = { requestsPerSecond: 20, burstSize: 100 };
const LINK_RATE = { requestsPerSecond: 1_000, burstSize: 4_000 };
/** Addresses that are remembered for their rate of hellos. */
const ADDRESSES_MAX = 10_000;
/** Greeted, and expected to open their stream. */
const EXPECTED_MAX = 64;
const EXPECTED_MS = 10_000;

interface Expected {
  readonly identity: PeerIdentity;
  readonly remote: Remote;
  readonly timer: NodeJS.Timeout;
}

interface Open {
  readonly link: AcceptedLink;
  readonly limiter: RateLimiter;
}

/** The peer port: greets, opens streams, takes questions and replies. All that comes in is hostile until it is known not to be. */
export class PeerListener {
  readonly #deps: ListenerDeps;
  readonly #server: HttpServer;
  readonly #challenges: Challenges | undefined;
  readonly #expected = new Map<string, Expected>();
  /** By key. */
  readonly #open = new Map<string, Open>();
  readonly #hellos = new Map<string, RateLimiter>();

  constructor(deps: ListenerDeps, { limits, certificate }: ListenerOptions = {}) {
    this.#deps = deps;
    this.#challenges = deps.token === undefined ? undefined : new Challenges(deps.token, deps);
    const router = new Router()
      .on("POST", `${PATH}/hello`, (exchange) => this.#hello(exchange))
      .on("GET", `${PATH}/stream`, (exchange) => this.#stream(exchange))
      .on("POST", `${PATH}/reply`, (exchange) => this.#reply(exchange))
      .on("POST", `${PATH}/:kind`, (exchange) => this.#question(exchange));
    const tls = certificate && { cert: certificate.cert, key: certificate.key, minVersion: TLS_VERSION_MIN };
    this.#server = new HttpServer({ limits: { ...PEER_LIMITS, ...limits }, tls }, { router, log: deps.log });
  }

  /** @returns the port that it got. @throws what node's listen reports */
  async listen(host: string, port: number): Promise<number> {
    await this.#server.listen({ host, port });
    return this.#server.port!;
  }

  async close(): Promise<void> {
    for (const { timer } of this.#expected.values()) clearTimeout(timer);
    for (const { link } of this.#open.values()) link.close("the node is closing");
    await this.#server.close(500);
  }

  async #hello(exchange: Exchange): Promise<void> {
    checkPeer(exchange);
    const remote = remoteOf(exchange);
    if (!this.#hellosOf(remote.address).tryAcquire()) throw tooFast(this.#hellosOf(remote.address));
    const text = (await exchange.body(HELLO_BYTES_MAX)).toString("utf8");
    const { identity, hello } = this.#identify(text);
    if (this.#deps.faults.of([identity.listenUrl, identity.nodeId]).isPartitioned) {
      exchange.response.destroy();
      return;
    }
    if (this.#challenges !== undefined && !this.#hasProven(exchange, this.#challenges, hello)) return;
    const self = this.#deps.self();
    const why = this.#deps.admit(identity, remote);
    if (why !== undefined) throw notWelcome(why, self.instance);
    const link = this.#expect(identity, remote);
    exchange.answerJson({ ...helloOf(self), link } satisfies Hello);
  }

  #identify(text: string) {
    try {
      return identityFrom(text, this.#deps.self());
    } catch (error) {
      throw error instanceof LinkError ? notWelcome(error.message, error.detail["instance"] as string | undefined) : error;
    }
  }

  /** False when the dialler has been sent a challenge instead. @throws HttpError 403 for a wrong proof */
  #hasProven(exchange: Exchange, challenges: Challenges, { nonce, proof }: Hello): boolean {
    if (typeof nonce !== "string" || !/^[0-9a-f]{64}$/.test(nonce))
      throw notWelcome("this node asks for a peer token; start with --peer-token");
    if (proof === undefined) {
      exchange.answerJson(challenges.issue(nonce), 401);
      return false;
    }
    if (!challenges.isMet(nonce, proof)) throw notWelcome("the peer token is another one");
    return true;
  }

  /** Keeps a place for the stream that has to follow a hello. */
  #expect(identity: PeerIdentity, remote: Remote): string {
    if (this.#expected.size >= EXPECTED_MAX) throw new HttpError(503, "too many nodes are about to open a link");
    const key = Buffer.from(this.#deps.entropy.bytes(16)).toString("hex");
    const timer = setTimeout(() => this.#expected.delete(key), EXPECTED_MS).unref();
    this.#expected.set(key, { identity, remote, timer });
    return key;
  }

  #stream(exchange: Exchange): void {
    checkPeer(exchange);
    const key = String(exchange.request.headers[HEADER.LINK]);
    const expected = this.#expected.get(key);
    if (expected === undefined) throw gone();
    clearTimeout(expected.timer);
    this.#expected.delete(key);
    const { identity, remote } = expected;
    const why = this.#deps.admit(identity, remote); // Others may have come in meanwhile.
    if (why !== undefined) throw notWelcome(why);
    exchange.response.writeHead(200, { "Content-Type": BODY_TYPE, "Cache-Control": "no-store" });
    exchange.response.flushHeaders();
    const link = new AcceptedLink(
      { direction: "inbound", identity, remote, url: identity.listenUrl },
      this.#deps,
      exchange.response,
    );
    this.#open.set(key, { link, limiter: new RateLimiter(LINK_RATE, this.#deps.clock) });
    void link.closed.then(() => this.#open.delete(key));
    this.#deps.onLink(link);
  }

  async #question(exchange: Exchange): Promise<void> {
    const { link, limiter } = this.#linkOf(exchange);
    const kind = exchange.parameter as MessageKind;
    if (!MESSAGE_KINDS.includes(kind)) throw refused(404, "unknown-kind", `there is no message ${kind.slice(0, 40)}`);
    if (!limiter.tryAcquire()) throw tooFast(limiter);
    answer(exchange, await link.serve(kind, await exchange.body(MESSAGE_LIMITS[kind].askBytesMax)));
  }

  async #reply(exchange: Exchange): Promise<void> {
    const { link } = this.#linkOf(exchange);
    const id = Number(exchange.request.headers[HEADER.REPLY]);
    const body = await exchange.body(link.answerBytesMax(id) ?? 0);
    const refusal = exchange.request.headers[HEADER.REFUSAL];
    link.answered(id, typeof refusal === "string" ? { refusal } : { body });
    exchange.answer(204, "", undefined);
  }

  #linkOf(exchange: Exchange): Open {
    checkPeer(exchange);
    const open = this.#open.get(String(exchange.request.headers[HEADER.LINK]));
    if (open === undefined || open.link.isClosed) throw gone();
    return open;
  }

  #hellosOf(address: string): RateLimiter {
    const known = this.#hellos.get(address);
    if (known !== undefined) return known;
    if (this.#hellos.size >= ADDRESSES_MAX) this.#hellos.clear();
    const limiter = new RateLimiter(HELLO_RATE, this.#deps.clock);
    this.#hellos.set(address, limiter);
    return limiter;
  }
}

/** No web page can send this header to another origin without asking first, and nobody answers that question here. */
function checkPeer(exchange: Exchange): void {
  const { headers } = exchange.request;
  if (headers[HEADER.VERSION] === undefined) throw new HttpError(400, "this port speaks to other nodes only");
  if (headers.origin !== undefined) throw new HttpError(403, "web pages have no business here", { code: "origin-refused" });
}

function answer(exchange: Exchange, served: Served): void {
  if (served.kind === "refusal") throw refused(409, served.code, served.message);
  exchange.answer(200, served.body, BODY_TYPE);
}

function refused(status: number, code: string, message: string, headers: Record<string, string> = {}): HttpError {
  return new HttpError(status, message, { code, headers: { ...headers, [HEADER.REFUSAL]: code } });
}

/** @param instance ours, for one who may know it */
function notWelcome(why: string, instance?: string): HttpError {
  return refused(403, "not-welcome", why, instance === undefined ? {} : { [HEADER.INSTANCE]: instance });
}

function gone(): HttpError {
  return refused(410, "not-welcome", "there is no such link, or none any more");
}

function tooFast(limiter: RateLimiter): HttpError {
  const seconds = Math.max(1, Math.ceil(limiter.waitMs / 1_000));
  return new HttpError(429, "too many requests", {
    code: "slow-down",
    headers: { "Retry-After": String(seconds), [HEADER.REFUSAL]: "slow-down" },
  });
}

function remoteOf({ request }: Exchange): Remote {
  return { address: plainAddress(request.socket.remoteAddress ?? ""), port: request.socket.remotePort ?? 0 };
}
