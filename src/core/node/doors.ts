import { serveAdmin } from "../api/admin-server.ts";
import { createApi } from "../api/api.ts";
import { removeCookie, writeCookie } from "../api/cookie.ts";
import { serveApi } from "../api/http-server.ts";
import type { NodeFacts } from "../api/ports.ts";
import type { PeerManager } from "../peers/table/peer-manager.ts";
import type { UnixSeconds } from "../primitives/units.ts";
import { HEARTBEAT_MS } from "../sessions/registry.ts";
import { defaultSignatureEngine } from "../verify/signature-engine.ts";
import { apiDeps } from "./api-deps.ts";
import { type House, version } from "./house.ts";
import type { NodeAccounts } from "./node-accounts.ts";
import type { NodeMining } from "./node-mining.ts";
import { openPeerPort, type PeersOptions } from "./peers-door.ts";
import { systemEntropy } from "./system.ts";

/** Opens the admin socket and the API port, and tells the registry. What is opened is closed by `opened`, streams first. */
export async function openDoors(
  house: House,
  inside: {
    readonly accounts: NodeAccounts;
    readonly mining: NodeMining;
    readonly stop: () => void;
    /** Undefined: this node has no peers. */
    readonly peers: { readonly manager: PeerManager; readonly options: PeersOptions } | undefined;
  },
  opened: AsyncDisposableStack,
) {
  const { id, session, place, parts } = house;
  const log = house.log.area("api");
  let facts = factsOf(house);
  const { accounts, mining, stop, peers } = inside;
  const api = createApi(
    apiDeps(parts, {
      accounts,
      mining,
      stop,
      peers: peers?.manager,
      clock: house.clock,
      log,
      facts: () => facts,
      fileLocks: { registry: session.registry.lock },
    }),
  );
  const credentials = await writeCookie(place.cookie, systemEntropy);
  opened.defer(() => removeCookie(place.cookie));
  const admin = await serveAdmin(api, { socketPath: place.socket });
  opened.defer(() => admin.close());
  const server = await serveApi(api, { port: house.apiPort, credentials });
  opened.defer(() => server.close());
  opened.defer(() => api.stop()); // First of all: streams and long-polls end.
  const p2p = peers === undefined ? undefined : await openPeerPort(house, peers.manager, peers.options);
  facts = { ...facts, urls: { api: server.url, p2p: p2p?.url ?? null } };
  await session.registry.register({
    ...place,
    api_port: server.port,
    api_url: server.url,
    p2p_port: p2p?.port ?? 0,
    p2p_url: p2p?.url ?? null,
  });
  peers?.manager.start();
  const heartbeat = setInterval(() => {
    session.registry.heartbeat(id).catch((error: unknown) => parts.log.warn({ error: String(error) }, "no heartbeat"));
  }, HEARTBEAT_MS).unref();
  opened.defer(() => clearInterval(heartbeat));
  parts.log.info({ api: server.url, p2p: p2p?.url ?? null, height: parts.chain.tip.height, tip: parts.chain.tip.hash }, "ready");
  return { api };
}

function factsOf({ id, session, directory, place }: House): NodeFacts {
  return {
    node: id,
    session: session.name,
    version,
    startedAt: Math.floor(Date.now() / 1000) as UnixSeconds,
    folder: directory,
    urls: { api: null, p2p: null },
    socket: place.socket,
    cookie: place.cookie,
    signatureEngine: defaultSignatureEngine().name,
  };
}
