import type { HttpLimits } from "../http/limits.ts";
import type { LockManager } from "../locks/manager.ts";
import type { Clock, Entropy, Log } from "../ports.ts";
import type { PeerCertificate } from "./certificate.ts";
import { ConnectionPool, type ConnectionPoolOptions } from "./connection-pool.ts";
import { dial } from "./dialler.ts";
import { FaultPlan } from "./faults.ts";
import type { Self } from "./hello.ts";
import type { HostStatistics } from "./host-connections.ts";
import type { Link, LinkHandler, PeerIdentity } from "./link.ts";
import { PeerListener, type Remote } from "./listener.ts";
import { parsePeerUrl } from "./peer-url.ts";

export interface TransportOptions {
  readonly connections?: Partial<ConnectionPoolOptions>;
  readonly limits?: Partial<HttpLimits>;
  /** What nodes have to share to be linked; undefined for none. */
  readonly token?: string | undefined;
  /** What the port proves itself with: it speaks https then. */
  readonly certificate?: PeerCertificate | undefined;
  /** 0 to 1, for faults. */
  readonly random?: () => number;
}

export interface TransportDeps {
  readonly locks: LockManager;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly self: () => Self;
  readonly handler: LinkHandler;
  /** Why a node is not to be linked with; undefined when it is. `remote` is undefined when we have dialled. */
  readonly admit: (identity: PeerIdentity, remote: Remote | undefined) => string | undefined;
  /** A link stands, whoever has dialled: called before anything travels over it. */
  readonly onLink: (link: Link) => void;
}

/** Links over HTTP: opens them, and takes those that others open. */
export class PeerTransport {
  readonly faults: FaultPlan;
  readonly #options: TransportOptions;
  readonly #deps: TransportDeps;
  readonly #pool: ConnectionPool;
  readonly #links = new Set<Link>();
  #listener: PeerListener | undefined;

  constructor(options: TransportOptions, deps: TransportDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#pool = new ConnectionPool(options.connections ?? {}, deps);
    this.faults = new FaultPlan(options.random);
    this.faults.onChange(() => this.#cut());
  }

  /** @returns the port that it got. @throws what node's listen reports: EADDRINUSE, EACCES, ... */
  async listen(host: string, port: number): Promise<number> {
    const listener = new PeerListener(
      { ...this.#deps, faults: this.faults, token: this.#options.token, onLink: (link) => this.#opened(link) },
      { limits: this.#options.limits, certificate: this.#options.certificate },
    );
    const got = await listener.listen(host, port);
    this.#listener = listener;
    return got;
  }

  /** @param url http://HOST:PORT or https://HOST:PORT#sha256=PIN. @throws LinkError peer-unreachable, peer-unsuitable; ChainCoreError bad-peer-url */
  dial(url: string, signal?: AbortSignal): Promise<Link> {
    const { admit } = this.#deps;
    return dial(
      parsePeerUrl(url),
      {
        ...this.#deps,
        faults: this.faults,
        pool: this.#pool,
        token: this.#options.token,
        admit: (identity) => admit(identity, undefined),
        onLink: (link) => this.#opened(link),
      },
      signal,
    );
  }

  /** Share of requests that found an open connection; null before there are enough to tell. */
  get connectionHitRate(): number | null {
    return this.#pool.hitRate;
  }

  hosts(): readonly HostStatistics[] {
    return this.#pool.statistics();
  }

  /** Ends all links and stops listening. */
  async close(): Promise<void> {
    for (const link of this.#links) link.close("the node is closing");
    await this.#listener?.close();
    await this.#pool.close();
  }

  #opened(link: Link): void {
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    this.#deps.onLink(link);
  }

  /** A partition ends what it divides. */
  #cut(): void {
    for (const link of this.#links) {
      if (this.faults.of([link.url, link.identity.nodeId]).isPartitioned) link.close("cut off on purpose");
    }
  }
}
