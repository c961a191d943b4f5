import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AssertionError } from "../errors.ts";
import type { Log } from "../ports.ts";
import { Exchange } from "./exchange.ts";
import { checkHost, checkOrigin } from "./guards.ts";
import { HttpError } from "./http-error.ts";
import { applyLimits, checkingIntervalMs, HTTP_LIMITS, type HttpLimits, limitConnectionsPerAddress } from "./limits.ts";
import { createServer } from "./node-http.ts";
import type { Router } from "./router.ts";
import { createTlsServer } from "./tls-server.ts";

/** How long answers that are under way at `close` may take before their connections are cut. */
const CLOSE_GRACE_MS = 2_000;

export interface TlsFiles {
  /** With the chain behind it if there is one. */
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "TLSv1.3";
}

export interface HttpServerOptions {
  readonly limits?: Partial<HttpLimits>;
  /** A socket file has no name that DNS could rebind: `false` skips the checks of Host and Origin. */
  readonly checkBrowser?: boolean;
  /** Names beside localhost and addresses that this port answers to. */
  readonly hostNames?: readonly string[];
  /** Headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM: it speaks https. */
  readonly tls?: TlsFiles | undefined;
  /** How a refusal looks; JSON `{"error": {code, message}}` by default. */
  readonly refuse?: (exchange: Exchange, error: HttpError) => void;
}

export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string };

/** node:http with limits, guards and routes; the API port, the admin socket and the peer port are three of it. */
export class HttpServer {
  readonly #server: Server;
  readonly #router: Router;
  readonly #log: Log;
  readonly #options: HttpServerOptions;
  readonly #limits: HttpLimits;
  readonly #hostNames: ReadonlySet<string>;
  #closing = false;

  constructor(options: HttpServerOptions, { router, log }: { router: Router; log: Log }) {
    this.#options = options;
    this.#router = router;
    this.#log = log;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#hostNames = new Set(options.hostNames ?? []);
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    const { headersBytesMax: maxHeaderSize, headersTimeoutMs: handshakeTimeout } = this.#limits;
    const http = { maxHeaderSize, connectionsCheckingInterval: checkingIntervalMs(this.#limits), noDelay: true };
    const { tls } = options;
    this.#server = tls === undefined ? createServer(http, serve) : createTlsServer({ ...http, ...tls, handshakeTimeout }, serve);
    applyLimits(this.#server, this.#limits);
    limitConnectionsPerAddress(this.#server, this.#limits.connectionsPerAddressMax);
    this.#server.on("checkContinue", (request, response) => void this.#serve(request, response));
  }

  /** @throws what node's listen reports: EADDRINUSE, EACCES, ... */
  async listen(at: ListenAt): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen("path" in at ? { path: at.path } : { host: at.host, port: at.port, exclusive: true }, resolve);
    await promise;
    this.#server.off("error", reject);
    this.#server.on("error", (error) => this.#log.error({ error }, "http server failed"));
  }

  /** The port that it got; undefined on a socket file. */
  get port(): number | undefined {
    const address = this.#server.address();
    return address === null || typeof address === "string" ? undefined : (address as AddressInfo).port;
  }

  /** Takes no more connections, lets answers under way end for a short while, then cuts what is left. */
  async close(graceMs = CLOSE_GRACE_MS): Promise<void> {
    if (!this.#server.listening) return;
    this.#closing = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cut = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    await promise;
    clearTimeout(cut);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response, this.#limits);
    const startedMs = performance.now();
    response.once("close", () => {
      const { method, path } = exchange;
      this.#log.debug({ method, path, status: response.statusCode, ms: performance.now() - startedMs }, "answered");
      if (this.#closing) this.#server.closeIdleConnections(); // Kept alive for requests that will not be taken.
    });
    try {
      for (const [name, value] of Object.entries(this.#options.headers ?? {})) response.setHeader(name, value);
      if (this.#options.checkBrowser !== false) {
        checkHost(request.headers, this.#hostNames);
        checkOrigin(request.headers);
      }
      const route = this.#router.find(exchange.method, exchange.path);
      if (route.kind === "unknown") throw new HttpError(404, `nothing answers at ${exchange.path}`);
      if (route.kind === "other-method") {
        throw new HttpError(405, `${exchange.path} takes ${route.allowed.join(", ")}`, {
          headers: { Allow: route.allowed.join(", ") },
        });
      }
      if (request.headers.expect !== undefined) response.writeContinue();
      exchange.parameter = route.parameter;
      await route.handler(exchange);
    } catch (error) {
      if (error instanceof AssertionError) throw error; // Nobody awaits this: the process stops.
      this.#refuse(exchange, error);
    }
  }

  #refuse(exchange: Exchange, error: unknown): void {
    if (!(error instanceof HttpError)) this.#log.error({ error, path: exchange.path }, "a request failed");
    if (exchange.response.headersSent) {
      exchange.response.destroy();
      return;
    }
    const refusal =
      error instanceof HttpError ? error : new HttpError(500, "the node failed to answer; see its log", { cause: error });
    (this.#options.refuse ?? refuseAsJson)(exchange, refusal);
  }
}

export function refuseAsJson(exchange: Exchange, error: HttpError): void {
  const body = `${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`;
  exchange.answer(error.status, body, "application/json", error.headers);
}
