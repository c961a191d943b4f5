import { setTimeout as sleep } from "node:timers/promises";
import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http-error.ts";
import type { HttpLimits } from "../http/limits.ts";
import { listenOnPort } from "../http/listen-on-port.ts";
import { HttpServer } from "../http/server.ts";
import type { Api } from "./api.ts";
import { BasicAuth } from "./cookie.ts";
import { commonRoutes } from "./routes.ts";

/** A wrong password costs its sender this long. */
const REFUSAL_DELAY_MS = 250;
/** What Bitcoin Core's HTTP library calls the text of a refusal. */
const REFUSAL_TYPE = "text/html; charset=ISO-8859-1";
const DEFAULT_PORT = 5_000;

export interface ApiServerOptions {
  readonly host?: string;
  /** 0: any free one. Undefined: 5000, or the next free one behind it. */
  readonly port?: number | undefined;
  /** `user:password` that callers of methods must send. */
  readonly credentials: string;
  readonly workQueueDepth?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly hostNames?: readonly string[];
}

/** A server that listens. */
export interface RunningServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The API port: JSON-RPC with credentials; status, figures and metrics without.
 * @throws ChainCoreError port-in-use, port-refused
 */
export async function serveApi(api: Api, options: ApiServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const auth = new BasicAuth(options.credentials);
  const router = commonRoutes(api, (exchange) => admit(auth, exchange), options.workQueueDepth);
  const { limits, hostNames } = options;
  const server = new HttpServer(
    { refuse, ...(limits === undefined ? {} : { limits }), ...(hostNames === undefined ? {} : { hostNames }) },
    { router, log: api.deps.log },
  );
  await listenOnPort({ host, port: options.port, defaultPort: DEFAULT_PORT, flag: "--api-port" }, (port) =>
    server.listen({ host, port }),
  );
  const port = server.port!;
  return { host, port, url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`, close: () => server.close() };
}

async function admit(auth: BasicAuth, exchange: Exchange): Promise<void> {
  if (auth.admits(exchange.request.headers.authorization)) return;
  await sleep(REFUSAL_DELAY_MS);
  throw new HttpError(401, "", { headers: { "WWW-Authenticate": 'Basic realm="jsonrpc"' } });
}

/** Bitcoin Core's refusals at its paths. */
function refuse(exchange: Exchange, error: HttpError): void {
  const isRpc = exchange.path === "/";
  const texts: Readonly<Record<number, string>> = {
    404: "",
    405: isRpc ? "JSONRPC server handles only POST requests" : error.message,
  };
  exchange.answer(error.status, texts[error.status] ?? error.message, REFUSAL_TYPE, error.status === 405 ? {} : error.headers);
}
