import { isIP, type Socket } from "node:net";
import type { buildConnector, Client } from "undici";
import type { Clock } from "../ports.ts";
import type { TurnTaker } from "./connection-turns.ts";
import { LinkError } from "./link.ts";
import { RateLimiter, type RateLimiterOptions } from "./rate-limiter.ts";
import { strangerAt, type TlsIdentity, tlsFailure, tlsOptions } from "./secure-connector.ts";

/** A server, as a pool tells one from another. */
export interface HostTarget {
  /** http://ADDRESS:PORT or https://ADDRESS:PORT */
  readonly origin: string;
  /** How it is known; for https, and only there. */
  readonly tls?: TlsIdentity | undefined;
}

export interface HostStatistics {
  readonly origin: string;
  readonly open: number;
  readonly busy: number;
  readonly waiting: number;
  readonly requests: number;
  /** Of them, those that went over a connection that had served another one. */
  readonly reused: number;
  readonly failures: number;
}

export interface HostOptions {
  readonly connectionTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly idleMs: number;
  readonly rate: RateLimiterOptions;
}

/** A client of undici's is one connection: it makes it when it is asked, and again when the server has closed it in between. */
export interface Connection {
  readonly client: Client;
  isConnected: boolean;
}

/**
 * One host's connections. They are ours and not a pool's of undici, because that one makes another connection while the last answer
 * is still being put away, and never says which one it takes: neither a bound nor a hit rate could be kept.
 */
export class HostConnections implements TurnTaker {
  readonly origin: string;
  readonly target: HostTarget;
  readonly limiter: RateLimiter;
  busy = 0;
  waiting = 0;
  /** Requests that wait for it or are under way: it stays while there are any. */
  claims = 0;
  failures = 0;
  /** Of `monotonicMs`. */
  usedMs: number;
  readonly #all = new Set<Connection>();
  /** The longest idle first. */
  readonly #idle: Connection[] = [];
  readonly #usedSockets = new WeakSet<Socket>();
  readonly #make: () => Client;
  #requests = 0;
  #reused = 0;

  /** @param opened called with each new socket, before anything travels over it */
  constructor(
    target: HostTarget,
    { connectionTimeoutMs, readTimeoutMs, idleMs, rate }: HostOptions,
    undici: { readonly Client: typeof Client; readonly buildConnector: typeof buildConnector },
    { clock, opened }: { readonly clock: Clock; readonly opened: (socket: Socket) => void },
  ) {
    const { origin, tls } = target;
    this.origin = origin;
    this.target = target;
    this.usedMs = clock.monotonicMs();
    this.limiter = new RateLimiter(rate, clock);
    const security = tls === undefined ? {} : tlsOptions(tls, isIP(tls.host) !== 0);
    const connector = undici.buildConnector({ timeout: connectionTimeoutMs, ...security });
    const connect: typeof connector = (place, callback) =>
      connector(place, (error, socket) => {
        const failure = error ?? (tls === undefined ? undefined : strangerAt(socket, tls));
        if (failure === undefined) {
          opened(socket!);
          callback(null, socket!);
          return;
        }
        socket?.destroy();
        callback(asLinkError(failure), null);
      });
    const keepAlive = { keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs };
    const timeouts = { headersTimeout: readTimeoutMs, bodyTimeout: readTimeoutMs };
    this.#make = () => new undici.Client(origin, { allowH2: false, pipelining: 1, ...keepAlive, ...timeouts, connect });
  }

  /** Connections that stand or are being made. */
  get open(): number {
    return this.#all.size;
  }

  get statistics(): HostStatistics {
    const { origin, open, busy, waiting, failures } = this;
    return { origin, open, busy, waiting, requests: this.#requests, reused: this.#reused, failures };
  }

  /** Whose turn it is gets the connection that was used last, or a new one. */
  acquire(): Connection {
    return this.#idle.pop() ?? this.connect();
  }

  /** A new one, whatever stands. */
  connect(): Connection {
    const connection: Connection = { client: this.#make(), isConnected: false };
    this.#all.add(connection);
    connection.client.on("connect", () => {
      connection.isConnected = true;
    });
    connection.client.on("disconnect", () => {
      connection.isConnected = false;
      const at = this.#idle.indexOf(connection);
      if (at < 0) return; // In use: whoever has it will see.
      this.#idle.splice(at, 1);
      this.#drop(connection);
    });
    return connection;
  }

  release(connection: Connection): void {
    if (!this.#all.has(connection)) return; // Closed meanwhile.
    if (connection.isConnected) this.#idle.push(connection);
    else this.#drop(connection);
  }

  /** Closes the connection that has been idle longest. False when there is none. */
  closeIdle(): boolean {
    const longest = this.#idle.shift();
    if (longest !== undefined) this.#drop(longest);
    return longest !== undefined;
  }

  /** Ends all of them, and what is under way. */
  async close(): Promise<void> {
    const clients = Array.from(this.#all, ({ client }) => client);
    this.#all.clear();
    this.#idle.length = 0;
    await Promise.all(clients.map((client) => client.destroy()));
  }

  /** A request's first bytes go out. @returns whether over a socket that has carried another one */
  sent(socket: Socket): boolean {
    const isReused = this.#usedSockets.has(socket);
    this.#usedSockets.add(socket);
    this.#requests++;
    if (isReused) this.#reused++;
    return isReused;
  }

  #drop(connection: Connection): void {
    this.#all.delete(connection);
    void connection.client.destroy();
  }
}

/** What undici should fail requests with; a name that does not match would have it try for ever. */
function asLinkError(error: Error): Error {
  const sentence = error instanceof LinkError ? undefined : tlsFailure(error);
  return sentence === undefined ? error : new LinkError("peer-unreachable", sentence, { cause: error });
}
