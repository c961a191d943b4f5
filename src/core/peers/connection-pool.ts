import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Dispatcher } from "undici";
import { ChainCoreError } from "../errors.ts";
import type { LockManager } from "../locks/manager.ts";
import type { RwLock } from "../locks/rwlock.ts";
import type { Clock, Entropy } from "../ports.ts";
import { ConnectionTurns } from "./connection-turns.ts";
import { HostConnections, type HostStatistics, type HostTarget } from "./host-connections.ts";
import { jitterFrom } from "./jitter.ts";
import type { RateLimiterOptions } from "./rate-limiter.ts";

export interface ConnectionPoolOptions {
  /** Open connections to all hosts together. */
  readonly maxConnections: number;
  /** To one host; a request beyond waits for one of them. */
  readonly maxPerHost: number;
  readonly connectionTimeoutMs: number;
  /** Between two bytes of an answer, and before its first. */
  readonly readTimeoutMs: number;
  /** Waiting, retries and all. */
  readonly totalTimeoutMs: number;
  /** Of requests that may be sent twice; each after a longer pause. */
  readonly retryAttempts: number;
  /** An idle connection is closed after this. */
  readonly idleMs: number;
  /** Requests to one host. */
  readonly rate: RateLimiterOptions;
}

export const CONNECTION_POOL_DEFAULTS: ConnectionPoolOptions = {
  maxConnections: 100,
  maxPerHost: 10,
  connectionTimeoutMs: 5_000,
  readTimeoutMs: 30_000,
  totalTimeoutMs: 60_000,
  retryAttempts: 2,
  idleMs: 30_000,
  rate: { requestsPerSecond: 2_000, burstSize: 4_000 },
};

export interface PoolRequest extends HostTarget {
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
  /** It may be sent twice without harm. */
  readonly isIdempotent?: boolean;
  /** Of the answer; more is an error. */
  readonly bytesMax: number;
}

export interface PoolAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export type PoolStream = Omit<PoolAnswer, "body"> & {
  readonly body: AsyncIterable<Buffer> & { destroy(): unknown; on(event: "error", listener: () => void): unknown };
};

export interface ConnectionPoolDeps {
  readonly locks: LockManager;
  readonly clock: Clock;
  /** Jitter of the pauses between retries. */
  readonly entropy: Entropy;
}

const RETRY_FIRST_MS = 50;
/** A share of fewer says nothing: the first one to a host cannot hit. */
const HIT_RATE_REQUESTS = 20;

/** A connection for as long as its turn lasts. */
interface Entered {
  readonly host: HostConnections;
  readonly client: Client;
  readonly leave: () => void;
}

/** Of undici's diagnostics channels: a request's first bytes go out. */
const SENT = "undici:client:sendHeaders";

/**
 * Connections to other nodes: few, kept, counted. What is measured is measured at the sockets, by undici's diagnostics channel,
 * so that the hit rate cannot flatter itself. The table of hosts is guarded by NETWORK; turns and counters change on the event
 * loop, between awaits.
 */
export class ConnectionPool {
  readonly options: ConnectionPoolOptions;
  readonly #locks: LockManager;
  readonly #lock: RwLock<"NETWORK">;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  /** Guarded by NETWORK. */
  readonly #hosts = new Map<string, HostConnections>();
  readonly #turns: ConnectionTurns;
  /** All sockets of this pool, and no other's: the channel tells of every pool in the process. */
  readonly #hostOfSocket = new WeakMap<Socket, HostConnections>();
  #requests = 0;
  #reused = 0;
  readonly #closing = new AbortController();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: Partial<ConnectionPoolOptions>, { locks, clock, entropy }: ConnectionPoolDeps) {
    this.options = { ...CONNECTION_POOL_DEFAULTS, ...options };
    this.#locks = locks;
    this.#lock = locks.getLock("connections", "NETWORK");
    this.#clock = clock;
    this.#entropy = entropy;
    this.#turns = new ConnectionTurns(this.options);
    this.#sweeper = setInterval(() => void this.#sweep(), this.options.idleMs).unref();
    subscribe(SENT, this.#sent);
  }

  /** Share of requests that found an open connection; null before there are enough to tell. */
  get hitRate(): number | null {
    return this.#requests < HIT_RATE_REQUESTS ? null : this.#reused / this.#requests;
  }

  statistics(): readonly HostStatistics[] {
    return Array.from(this.#hosts.values(), ({ statistics }) => statistics);
  }

  /** One question, one whole answer. @throws ChainCoreError no-connection, answer-too-large; LinkError where TLS is the reason; or the signal's reason */
  async request(request: PoolRequest): Promise<PoolAnswer> {
    const signal = this.#signalOf(request.signal, this.options.totalTimeoutMs);
    const attempts = request.isIdempotent === true ? 1 + this.options.retryAttempts : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request, signal);
      } catch (error) {
        if (attempt >= attempts || signal.aborted || !isTransient(error)) throw this.#asError(error, request, signal);
      }
      const pauseMs = RETRY_FIRST_MS * 2 ** (attempt - 1) * (0.5 + jitterFrom(this.#entropy));
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /**
   * An answer that goes on, over a new connection, which is its own until the body ends: the one that stands stays for requests,
   * also where the other side takes no further connection of ours.
   * @param silenceMs ends it when nothing comes for so long
   */
  async stream(request: Omit<PoolRequest, "bytesMax">, silenceMs: number): Promise<PoolStream> {
    const signal = this.#signalOf(request.signal);
    const { client, leave } = await this.#enter(request, signal, { isAlone: true });
    try {
      const { statusCode, headers, body } = await client.request({ ...dispatchOf(request, signal), bodyTimeout: silenceMs });
      body.once("close", leave);
      return { status: statusCode, headers, body };
    } catch (error) {
      leave();
      throw this.#asError(error, request, signal);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    unsubscribe(SENT, this.#sent);
    this.#closing.abort(new ChainCoreError("no-connection", "the node is closing"));
    await Promise.all(Array.from(this.#hosts.values(), (host) => host.close()));
    this.#hosts.clear();
  }

  async #attempt(request: PoolRequest, signal: AbortSignal): Promise<PoolAnswer> {
    const { host, client, leave } = await this.#enter(request, signal);
    try {
      const { statusCode, headers, body } = await client.request(dispatchOf(request, signal));
      return { status: statusCode, headers, body: await readAll(body, request) };
    } catch (error) {
      host.failures++;
      throw error;
    } finally {
      leave();
    }
  }

  /** Waits for a token and for a connection's turn; `leave` gives the turn on. */
  async #enter(target: HostTarget, signal: AbortSignal, { isAlone = false } = {}): Promise<Entered> {
    signal.throwIfAborted();
    const undici = await import("undici"); // Loaded with the first peer: it is a tenth of a second.
    const host = await this.#withTables("find a host", () => this.#claim(target, undici));
    try {
      await host.limiter.acquire(Number.POSITIVE_INFINITY, signal);
      await this.#turns.take(host, signal);
    } catch (error) {
      host.claims--;
      throw error;
    }
    const connection = isAlone ? host.connect() : host.acquire();
    this.#makeRoom(host);
    const leave = () => {
      host.release(connection);
      host.claims--;
      host.usedMs = this.#clock.monotonicMs();
      this.#turns.give(host);
    };
    return { host, client: connection.client, leave };
  }

  #claim({ origin, tls }: HostTarget, undici: ConstructorParameters<typeof HostConnections>[2]): HostConnections {
    const key = keyOf({ origin, tls });
    let host = this.#hosts.get(key);
    if (host === undefined) {
      const opened = (socket: Socket) => void this.#hostOfSocket.set(socket, host!);
      host = new HostConnections({ origin, tls }, this.options, undici, { clock: this.#clock, opened });
      this.#hosts.set(key, host);
    }
    host.claims++;
    return host;
  }

  /**
   * Idle connections give way, those of the host that was used least recently first, when with what the granted turns will open
   * there are too many. Turns alone are never too many.
   */
  #makeRoom(own: HostConnections): void {
    while (own.open > this.options.maxPerHost && own.closeIdle());
    const hosts = Array.from(this.#hosts.values());
    let excess = hosts.reduce((sum, { open, busy }) => sum + Math.max(open, busy), 0) - this.options.maxConnections;
    if (excess <= 0) return;
    for (const host of hosts.sort((a, b) => a.usedMs - b.usedMs)) {
      while (excess > 0 && host.open > host.busy && host.closeIdle()) excess--;
    }
  }

  async #sweep(): Promise<void> {
    const before = this.#clock.monotonicMs() - this.options.idleMs;
    await this.#withTables("close idle hosts", () => {
      for (const host of this.#hosts.values()) {
        if (host.claims === 0 && host.usedMs < before) this.#forget(host);
      }
    });
  }

  #forget(host: HostConnections): void {
    this.#hosts.delete(keyOf(host.target));
    void host.close();
  }

  #withTables<R>(site: string, use: () => R): Promise<R> {
    return this.#locks.task("connections", (at) => this.#lock.withWrite(at, use, { site }));
  }

  readonly #sent = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    const host = this.#hostOfSocket.get(socket);
    if (host === undefined) return;
    this.#requests++;
    if (host.sent(socket)) this.#reused++;
  };

  #signalOf(own: AbortSignal | undefined, timeoutMs?: number): AbortSignal {
    const timeout = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
    return AbortSignal.any([this.#closing.signal, ...timeout, ...(own === undefined ? [] : [own])]);
  }

  #asError(error: unknown, { origin, path }: Pick<PoolRequest, "origin" | "path">, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof ChainCoreError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new ChainCoreError("no-connection", `${origin}${path}: ${reason}`, { cause: error, detail: { origin } });
  }
}

/** Two pins at one place are two servers: no request for one may go over a connection of the other. */
function keyOf({ origin, tls }: HostTarget): string {
  return tls === undefined ? origin : `${origin} ${tls.pin ?? tls.host}`;
}

function dispatchOf(request: Omit<PoolRequest, "bytesMax">, signal: AbortSignal): Dispatcher.RequestOptions {
  const { path, method, headers, body } = request;
  return { path, method, signal, headers: { ...headers }, ...(body === undefined ? {} : { body: asBody(body) }) };
}

function asBody(body: Uint8Array | string): Buffer | string {
  return typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.length);
}

async function readAll(body: AsyncIterable<Buffer>, { origin, path, bytesMax }: PoolRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytesMax) {
      throw new ChainCoreError("answer-too-large", `${origin}${path} answers with more than ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
}

/** Whether the connection failed, rather than what was asked. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && /^(UND_ERR_(SOCKET|CONNECT_TIMEOUT)|ECONN\w+|EPIPE|EHOSTUNREACH|ETIMEDOUT)$/.test(code);
}
