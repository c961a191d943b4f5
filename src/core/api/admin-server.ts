import { HttpServer } from "../http/server.ts";
import { adminRoutes } from "./admin-routes.ts";
import { listenOnSocket } from "./admin-socket.ts";
import type { Api } from "./api.ts";

export interface RunningAdminServer {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * The admin socket: everything that the API port answers, without credentials, and control under /v1. Who may connect is a matter of file modes.
 * @throws ChainCoreError node-running, bad-environment
 */
export async function serveAdmin(api: Api, { socketPath }: { readonly socketPath: string }): Promise<RunningAdminServer> {
  const router = adminRoutes(api);
  const server = new HttpServer({ checkBrowser: false, headers: { "chaincore-api": "1" } }, { router, log: api.deps.log });
  await listenOnSocket(server, socketPath);
  return { path: socketPath, close: () => server.close() };
}
