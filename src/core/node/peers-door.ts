import { join } from "node:path";
import { isRunning } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { listenOnPort } from "../http/listen-on-port.ts";
import { classOfAddress } from "../peers/address-class.ts";
import { type PeerCertificate, readCertificate } from "../peers/certificate.ts";
import { DEFAULT_PORT } from "../peers/peer-url.ts";
import { PeerManager } from "../peers/table/peer-manager.ts";
import { peersFile } from "../peers/table/peers-file.ts";
import type { Txid } from "../primitives/units.ts";
import { type House, version } from "./house.ts";
import type { NodeParts } from "./parts.ts";
import { peerChain } from "./peer-chain.ts";
import { RelayPool } from "./relay-pool.ts";

export interface PeersOptions {
  /** 0: any free one. Undefined: 8000, or the next free one. */
  readonly p2pPort?: number | undefined;
  /** Default 127.0.0.1. Beyond this machine a token is required. */
  readonly p2pHost?: string | undefined;
  /** Peers to link with, beside the session's. */
  readonly connect?: readonly string[] | undefined;
  /** What nodes must share to be linked; proven, never sent. */
  readonly peerToken?: string | undefined;
  /** PEM files, both or none: the peer port speaks https, and its URL carries the certificate's pin. */
  readonly p2pTlsCert?: string | undefined;
  readonly p2pTlsKey?: string | undefined;
}

/** The peers of a node; nothing listens and nothing is dialled before `openPeerPort`. */
export async function createPeers(
  house: House,
  options: PeersOptions,
  certificate: PeerCertificate | undefined,
): Promise<PeerManager> {
  const { parts, session, id, directory } = house;
  const { chain, locks, params, clock, entropy, events } = parts;
  const manager: PeerManager = await PeerManager.open(
    { token: options.peerToken, certificate },
    {
      chain: peerChain(chain, locks),
      pool: new RelayPool(parts),
      params,
      locks,
      clock,
      entropy,
      log: house.log.area("peers"),
      nodeId: id,
      agent: `chaincore ${version}`,
      store: peersFile(join(directory, "peers.json")),
      source: async () => {
        const { nodes } = await session.metadata();
        const others = nodes.filter((node) => node.node_id !== id && node.p2p_url !== null && isRunning(node));
        for (const { node_id } of others) manager.names.add(node_id);
        return others.map(({ p2p_url }) => p2p_url!);
      },
      told: (url, state) => events.append({ event: "peer", url, state }),
    },
  );
  return manager;
}

/**
 * Opens the peer port, and begins to dial and to tell peers what happens here.
 * @throws ChainCoreError port-in-use, port-refused, bad-peer-url, peer-token-needed
 */
export async function openPeerPort(
  house: House,
  peers: PeerManager,
  options: PeersOptions,
): Promise<{ port: number; url: string }> {
  const host = options.p2pHost ?? "127.0.0.1";
  checkToken(host, options.peerToken);
  const port = await listenOnPort({ host, port: options.p2pPort, defaultPort: DEFAULT_PORT, flag: "--p2p-port" }, (port) =>
    peers.listen(host, port),
  );
  for (const url of options.connect ?? []) await peers.add(url);
  tellPeers(house.parts, peers);
  return { port, url: peers.localUrl! };
}

/**
 * What the peer port proves itself with, if it is to speak https.
 * @param tell takes a sentence for whoever starts the node
 * @throws ChainCoreError tls-files-needed, bad-certificate
 */
export async function peerCertificate(
  { p2pTlsCert: certFile, p2pTlsKey: keyFile }: PeersOptions,
  tell: (sentence: string) => void,
): Promise<PeerCertificate | undefined> {
  const certificate = await readCertificate({ certFile, keyFile }, Date.now());
  if (certificate?.warning !== undefined) tell(certificate.warning);
  return certificate;
}

/** The node's own events are what peers are told of: they come in order, outside of every lock. */
export function tellPeers({ events }: Pick<NodeParts, "events">, { sync }: PeerManager): void {
  let isTold = false;
  events.follow(events.sequence, (event) => {
    if (event.event === "transaction-added") sync.transactionAdded(event.txid as Txid);
    if ((event.event === "block-connected" || event.event === "block-disconnected") && !isTold) {
      isTold = true; // Several moves in one turn are told as one.
      queueMicrotask(() => {
        isTold = false;
        sync.tipMoved();
      });
    }
    return true;
  });
}

function checkToken(host: string, token: string | undefined): void {
  if (token !== undefined || host === "localhost" || classOfAddress(host) === "loopback") return;
  throw new ChainCoreError(
    "peer-token-needed",
    `peers on ${host} could be anybody, and regtest's work proves nothing: choose a token that all your nodes share, with --peer-token or CHAINCORE_PEER_TOKEN`,
    { detail: { host } },
  );
}
