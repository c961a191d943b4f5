import type { FaultVerb, Peers } from "../api/ports.ts";
import type { PeersAnswer } from "../client/answers.ts";
import { ChainCoreError } from "../errors.ts";
import { classOfAddress } from "../peers/address-class.ts";
import type { Link } from "../peers/link.ts";
import { peerUrlOf, placeOf } from "../peers/peer-url.ts";
import { type ActiveLink, isNamed, isPlace } from "../peers/table/active-link.ts";
import type { PeerManager } from "../peers/table/peer-manager.ts";
import type { Clock } from "../ports.ts";
import { COIN } from "../primitives/units.ts";

export interface PeersViewOptions {
  /** Faults on purpose are for networks without money. */
  readonly mayFail: boolean;
}

/** The peers as the API asks for them. */
export function peersView(manager: PeerManager, clock: Clock, { mayFail }: PeersViewOptions): Peers {
  const sum = (of: (active: ActiveLink) => number) => manager.links.reduce((total, active) => total + of(active), 0);
  /** What is asked for by hand is on disk before it is answered. */
  const saved = async <R>(change: Promise<R>): Promise<R> => {
    const result = await change;
    await manager.book.save();
    return result;
  };
  return {
    get connected() {
      return manager.links.length;
    },
    get inbound() {
      return sum(({ link }) => Number(link.direction === "inbound"));
    },
    get bytesReceived() {
      return manager.past.received + sum(({ link }) => link.traffic.bytesReceived);
    },
    get bytesSent() {
      return manager.past.sent + sum(({ link }) => link.traffic.bytesSent);
    },
    get connectionHitRate() {
      return manager.connectionHitRate;
    },
    list: () => manager.links.map((active) => peerInfo(active, manager, clock)),
    overview: () => overview(manager, clock),
    added: () =>
      manager.book.peers
        .filter(({ source }) => source === "added")
        .map(({ url }) => ({ url, connected: manager.links.find(({ link }) => link.url === url)?.link.direction ?? null })),
    bans: () => manager.book.bans.map((ban) => ({ ...ban, name: nameOfBan(ban) })),
    add: (url) => saved(manager.add(url)),
    remove: (url) => saved(manager.remove(url)),
    tryOnce: (url) => manager.tryOnce(url),
    disconnect: (name) => manager.disconnect(name),
    ban: async (name, options) => void (await saved(manager.ban(name, options))),
    unban: (name) => saved(manager.unban(name)),
    clearBans: () => saved(manager.book.clearBans()),
    ping: () => manager.pingAll(),
    fault: (verb, { peer, delayMs, drop }) => {
      if (!mayFail) throw new ChainCoreError("not-for-this-network", "faults on purpose are for development networks only");
      const target = faultTarget(manager, peer, verb);
      switch (verb) {
        case "partition":
          manager.faults.set(target, { isPartitioned: true });
          break;
        case "delay":
          manager.faults.set(target, { delayMs: within("the delay in milliseconds", delayMs, 0, 60_000) });
          break;
        case "drop":
          manager.faults.set(target, { drop: within("the share to drop", drop, 0, 1) });
          break;
        case "heal":
          manager.faults.heal(target);
      }
    },
  };
}

/** The name by which a fault is kept: a node id as it was given, else the URL. What is healed may be gone. @throws ChainCoreError unknown-peer */
function faultTarget({ links, book, names }: PeerManager, peer: string | undefined, verb: FaultVerb): string | undefined {
  if (peer === undefined) return undefined;
  const link = links.find(({ link }) => isNamed(link, peer))?.link;
  const known = book.peers.find(({ url, nodeId }) => isPlace(url, peer) || nodeId === peer);
  const nodeId = link?.identity.nodeId ?? known?.nodeId;
  if (link === undefined && known === undefined && !names.has(placeOf(peer)) && verb !== "heal")
    throw new ChainCoreError("unknown-peer", `${peer} is no peer of this node; "chaincore peers" lists them`, {
      detail: { peer },
    });
  return peer === nodeId ? peer : (link?.url ?? known?.url ?? nodeId ?? peer);
}

function within(what: string, value: number | undefined, low: number, high: number): number {
  if (value !== undefined && value >= low && value <= high) return value;
  throw new ChainCoreError("bad-fault", `${what} must be from ${low} to ${high}`);
}

function overview(manager: PeerManager, clock: Clock): PeersAnswer {
  const hosts = new Map(manager.hosts().map((host) => [host.origin, host]));
  const linked = new Set(
    manager.links.flatMap(({ link }) => [link.url, link.identity.listenUrl]).map((url) => placeOf(url ?? "")),
  );
  const instances = new Set(manager.links.map(({ link }) => link.identity.instance));
  return {
    connectionHitRate: manager.connectionHitRate,
    peers: manager.links.map(({ link, tip, latencyMs, score }) => {
      const host = link.direction === "outbound" ? hosts.get(originOf(link)) : undefined;
      return {
        url: link.url,
        node: link.identity.nodeId,
        direction: link.direction,
        height: tip.height,
        latencyMs: latencyMs ?? null,
        score,
        bytesReceived: link.traffic.bytesReceived,
        bytesSent: link.traffic.bytesSent,
        hitRate: host === undefined || host.requests === 0 ? null : host.reused / host.requests,
        connectedSeconds: Math.floor((clock.monotonicMs() - link.openedMs) / 1000),
      };
    }),
    missing: manager.book.peers
      .filter(({ url, instance }) => !linked.has(placeOf(url)) && !instances.has(instance ?? ""))
      .filter(({ source, lastSeen }) => source !== "gossip" || lastSeen !== null)
      .map(({ url, source, failures, lastError }) => ({ url, source, failures, lastError })),
    bans: manager.book.bans.map((ban) => ({
      name: nameOfBan(ban),
      until: new Date(ban.until * 1000).toISOString(),
      reason: ban.reason,
    })),
    faults: manager.faults.list(),
  };
}

/** Where a link that we have dialled leads to, as the connection pool names it. */
function originOf({ remote: { address: host, port }, url }: Link): string {
  return peerUrlOf({ host, port, isSecure: url?.startsWith("https:") ?? false, pin: undefined });
}

function nameOfBan({ address, url, instance }: { address: string | null; url: string | null; instance: string | null }): string {
  return address ?? url ?? instance ?? "";
}

/** Bitcoin Core's getpeerinfo, and behind it what only we have. */
function peerInfo({ link, latencyMs, latencyMinMs, score, tip }: ActiveLink, manager: PeerManager, clock: Clock) {
  const { identity, remote, traffic, direction, openedMs } = link;
  const view = manager.sync.view(link);
  const toSeconds = (ms: number | undefined) =>
    ms === undefined ? 0 : Math.floor((clock.nowMs() - clock.monotonicMs() + ms) / 1000);
  return {
    id: link.id,
    addr: `${remote.address}:${remote.port}`,
    network:
      classOfAddress(remote.address) === "public" ? (remote.address.includes(":") ? "ipv6" : "ipv4") : "not_publicly_routable",
    services: "0000000000000009",
    servicesnames: ["NETWORK", "WITNESS"],
    relaytxes: true,
    lastsend: toSeconds(traffic.lastSentMs),
    lastrecv: toSeconds(traffic.lastReceivedMs),
    last_transaction: view?.lastTransaction ?? 0,
    last_block: view?.lastBlock ?? 0,
    bytessent: traffic.bytesSent,
    bytesrecv: traffic.bytesReceived,
    conntime: toSeconds(openedMs),
    timeoffset: 0,
    ...(latencyMs === undefined ? {} : { pingtime: latencyMs / 1000, minping: (latencyMinMs ?? latencyMs) / 1000 }),
    version: identity.version,
    subver: `/${identity.agent}/`,
    inbound: direction === "inbound",
    bip152_hb_to: true,
    bip152_hb_from: true,
    presynced_headers: -1,
    synced_headers: view?.syncedHeaders ?? -1,
    synced_blocks: view?.syncedBlocks ?? -1,
    inflight: [],
    addr_relay_enabled: true,
    addr_processed: 0,
    addr_rate_limited: 0,
    permissions: [],
    minfeefilter: (view?.feeRateMin ?? 0) / COIN,
    bytessent_per_msg: {},
    bytesrecv_per_msg: {},
    connection_type: direction === "inbound" ? "inbound" : "outbound-full-relay",
    transport_protocol_type: "detecting",
    session_id: "",
    url: link.url,
    node: identity.nodeId,
    height: tip.height,
    score,
  };
}
