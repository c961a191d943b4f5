import type { NodeStatus } from "../client/answers.ts";
import { hex256 } from "./format/block-json.ts";
import type { ApiDeps } from "./ports.ts";

/** `GET /status`: what the node is and where it stands. */
export function statusAnswer({ params, chain, pool, mining, peers, facts }: ApiDeps): NodeStatus {
  const { node, session, version, startedAt, urls, socket, cookie, folder, signatureEngine } = facts();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    node,
    session,
    network: params.name,
    version,
    pid: process.pid,
    startedAt,
    urls,
    socket,
    cookie,
    folder,
    height: chain.tip.height,
    tip: chain.tip.hash,
    chainwork: hex256(chain.tip.chainwork),
    peers: peers?.connected ?? 0,
    mempool: { transactions: pool.size, bytes: pool.bytes },
    mining: { miners: mining?.miners ?? 0, hashesPerSecond: mining?.hashesPerSecond ?? 0 },
    memory: { rssBytes: rss, heapBytes: heapUsed },
    signatureEngine,
    stratum: mining?.stratum ?? null,
    kernel: mining?.kernel ?? null,
  };
}
