import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher, Pool } from "undici";
import { ChainCoreError } from "../errors.ts";
import type { LockManager } from "../locks/manager.ts";
import type { RwLock } from "../locks/rwlock.ts";
import type { Clock } from "../ports.ts";
import { RateLimiter, type RateLimiterOptions } from "./rate-limiter.ts";

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

export interface PoolRequest {
  /** http://ADDRESS:PORT */
  readonly origin: string;
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

interface Host {
  readonly origin: string;
  readonly pool: Pool;
  readonly limiter: RateLimiter;
  /** Who waits for a connection, in order. */
  readonly waiting: (() => void)[];
  /** Requests that wait for it or are under way: it stays while there are any. */
  claims: number;
  busy: number;
  open: number;
  requests: number;
  reused: number;
  failures: number;
  usedMs: number;
}

const RETRY_FIRST_MS = 50;
/** A share of fewer says nothing: the first one to a host cannot hit. */
const HIT_RATE_REQUESTS = 20;

/**
 * Connections to other nodes: few, kept, counted. The tables here are guarded by NETWORK; what is measured is measured at the
 * sockets, by undici's diagnostics channels, so that the hit rate cannot flatter itself.
 */
export class ConnectionPool {
  readonly options: ConnectionPoolOptions;
  readonly #locks: LockManager;
  readonly #lock: RwLock<"NETWORK">;
  readonly #clock: Clock;
  /** Guarded by NETWORK, as all below. */
  readonly #hosts = new Map<string, Host>();
  readonly #hostOfSocket = new WeakMap<Socket, Host>();
  readonly #waitingForAny: (() => void)[] = [];
  #busy = 0;
  #requests = 0;
  #reused = 0;
  readonly #closing = new AbortController();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: Partial<ConnectionPoolOptions>, { locks, clock }: { locks: LockManager; clock: Clock }) {
    this.options = { ...CONNECTION_POOL_DEFAULTS, ...options };
    this.#locks = locks;
    this.#lock = locks.getLock("connections", "NETWORK");
    this.#clock = clock;
    this.#sweeper = setInterval(() => void this.#sweep(), this.options.idleMs).unref();
    subscribe("undici:client:sendHeaders", this.#sent);
  }

  /** Share of requests that found an open connection; null before there are enough to tell. */
  get hitRate(): number | null {
    return this.#requests < HIT_RATE_REQUESTS ? null : this.#reused / this.#requests;
  }

  statistics(): readonly HostStatistics[] {
    return Array.from(this.#hosts.values(), ({ origin, open, busy, waiting, requests, reused, failures }) => ({
      origin,
      open,
      busy,
      waiting: waiting.length,
      requests,
      reused,
      failures,
    }));
  }

  /** One question, one whole answer. @throws ChainCoreError no-connection, answer-too-large, or the signal's reason */
  async request(request: PoolRequest): Promise<PoolAnswer> {
    const signal = this.#signalOf(request.signal, this.options.totalTimeoutMs);
    const attempts = request.isIdempotent === true ? 1 + this.options.retryAttempts : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request, signal);
      } catch (error) {
        if (attempt >= attempts || signal.aborted || !isTransient(error)) throw this.#asError(error, request, signal);
      }
      await sleep(RETRY_FIRST_MS * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal });
    }
  }

  /** An answer that goes on; its connection is its own until the body ends. @param silenceMs ends it when nothing comes for so long */
  async stream(request: Omit<PoolRequest, "bytesMax">, silenceMs: number): Promise<PoolStream> {
    const signal = this.#signalOf(request.signal);
    const { host, leave } = await this.#enter(request.origin, signal);
    try {
      const { statusCode, headers, body } = await host.pool.request({ ...dispatchOf(request, signal), bodyTimeout: silenceMs });
      body.once("close", leave);
      return { status: statusCode, headers, body };
    } catch (error) {
      leave();
      throw this.#asError(error, request, signal);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    unsubscribe("undici:client:sendHeaders", this.#sent);
    this.#closing.abort(new ChainCoreError("no-connection", "the node is closing"));
    await Promise.all(Array.from(this.#hosts.values(), ({ pool }) => pool.destroy()));
    this.#hosts.clear();
  }

  async #attempt(request: PoolRequest, signal: AbortSignal): Promise<PoolAnswer> {
    const { host, leave } = await this.#enter(request.origin, signal);
    try {
      const { statusCode, headers, body } = await host.pool.request(dispatchOf(request, signal));
      return { status: statusCode, headers, body: await readAll(body, request) };
    } catch (error) {
      host.failures++;
      throw error;
    } finally {
      leave();
    }
  }

  /** Waits for a token and for a connection's turn; `leave` gives the turn on. */
  async #enter(origin: string, signal: AbortSignal): Promise<{ readonly host: Host; readonly leave: () => void }> {
    signal.throwIfAborted();
    const undici = await import("undici"); // Loaded with the first peer: it is a tenth of a second.
    const host = await this.#withTables("find a host", () => this.#claim(origin, undici.Pool));
    try {
      await host.limiter.acquire(Number.POSITIVE_INFINITY, signal);
      await this.#awaitTurn(host, signal);
    } catch (error) {
      host.claims--;
      throw error;
    }
    host.busy++;
    this.#busy++;
    const leave = () => {
      host.busy--;
      host.claims--;
      this.#busy--;
      host.usedMs = this.#clock.monotonicMs();
      host.waiting.shift()?.();
      this.#waitingForAny.shift()?.();
    };
    return { host, leave };
  }

  async #awaitTurn(host: Host, signal: AbortSignal): Promise<void> {
    const { maxPerHost, maxConnections } = this.options;
    while (host.busy >= maxPerHost || this.#busy >= maxConnections) {
      const queue = host.busy >= maxPerHost ? host.waiting : this.#waitingForAny;
      const { promise, resolve } = Promise.withResolvers<void>();
      queue.push(resolve);
      await orAborted(promise, signal).catch((error: unknown) => {
        const at = queue.indexOf(resolve);
        if (at >= 0) queue.splice(at, 1);
        else queue.shift()?.(); // Its turn had come: somebody else takes it.
        throw error;
      });
    }
  }

  #claim(origin: string, PoolClass: typeof Pool): Host {
    const host = this.#hosts.get(origin) ?? this.#open(origin, PoolClass);
    host.claims++;
    return host;
  }

  #open(origin: string, PoolClass: typeof Pool): Host {
    this.#makeRoom();
    const { maxPerHost, connectionTimeoutMs, readTimeoutMs, idleMs, rate } = this.options;
    const pool = new PoolClass(origin, {
      connections: maxPerHost,
      pipelining: 1,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      headersTimeout: readTimeoutMs,
      bodyTimeout: readTimeoutMs,
      connect: { timeout: connectionTimeoutMs },
    });
    const limiter = new RateLimiter(rate, this.#clock);
    const counters = { claims: 0, busy: 0, open: 0, requests: 0, reused: 0, failures: 0, usedMs: this.#clock.monotonicMs() };
    const host: Host = { origin, pool, limiter, waiting: [], ...counters };
    pool.on("connect", () => host.open++);
    pool.on("disconnect", () => host.open--);
    this.#hosts.set(origin, host);
    return host;
  }

  /** Idle connections of the host that was used least recently give way when there are too many. */
  #makeRoom(): void {
    const open = Array.from(this.#hosts.values()).reduce((sum, host) => sum + host.open, 0);
    if (open < this.options.maxConnections) return;
    const idle = Array.from(this.#hosts.values()).filter(({ claims }) => claims === 0);
    idle.sort((a, b) => a.usedMs - b.usedMs);
    if (idle[0] !== undefined) this.#forget(idle[0]);
  }

  async #sweep(): Promise<void> {
    const before = this.#clock.monotonicMs() - this.options.idleMs;
    await this.#withTables("close idle hosts", () => {
      for (const host of this.#hosts.values()) {
        if (host.claims === 0 && host.usedMs < before) this.#forget(host);
      }
    });
  }

  #forget(host: Host): void {
    this.#hosts.delete(host.origin);
    void host.pool.close();
  }

  #withTables<R>(site: string, use: () => R): Promise<R> {
    return this.#locks.task("connections", (at) => this.#lock.withWrite(at, use, { site }));
  }

  /** A request's first bytes go out: over a connection that has carried another one, or over a new one. */
  readonly #sent = (message: unknown): void => {
    const { request, socket } = message as { request: { origin: string }; socket: Socket };
    const host = this.#hosts.get(request.origin);
    if (host === undefined) return;
    host.requests++;
    this.#requests++;
    if (this.#hostOfSocket.has(socket)) {
      host.reused++;
      this.#reused++;
    }
    this.#hostOfSocket.set(socket, host);
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

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
