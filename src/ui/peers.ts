import type { MissingPeer, PeerAnswer, PeersAnswer } from "../core/client/index.ts";
import { type Column, renderTable } from "./table.ts";
import { formatBytes } from "./units.ts";

const COLUMNS: readonly Column<PeerAnswer>[] = [
  { title: "PEER", value: ({ url }) => (url === null ? "(does not listen)" : shortUrl(url)), mayShrink: true },
  { title: "NODE", value: ({ node }) => node },
  { title: "DIRECTION", value: ({ direction }) => direction },
  { title: "HEIGHT", value: ({ height }) => height, align: "right" },
  { title: "LATENCY", value: ({ latencyMs }) => (latencyMs === null ? "" : `${latencyMs.toFixed(1)} ms`), align: "right" },
  { title: "SCORE", value: ({ score }) => score, align: "right" },
  { title: "IN", value: ({ bytesReceived }) => formatBytes(bytesReceived), align: "right" },
  { title: "OUT", value: ({ bytesSent }) => formatBytes(bytesSent), align: "right" },
  { title: "HITS", value: ({ hitRate }) => (hitRate === null ? "" : percent(hitRate)), align: "right" },
];

const MISSING_COLUMNS: readonly Column<MissingPeer>[] = [
  { title: "NOT LINKED", value: ({ url }) => shortUrl(url) },
  { title: "FROM", value: ({ source }) => source },
  { title: "TRIES", value: ({ failures }) => failures, align: "right" },
  { title: "WHY", value: ({ lastError }) => lastError ?? "", mayShrink: true },
];

/** The peer table, and what is out of the ordinary below it. */
export function renderPeers(answer: PeersAnswer, width?: number): string {
  const { peers, missing, bans, faults, connectionHitRate } = answer;
  const parts = [peers.length === 0 ? "no peers" : renderTable(COLUMNS, peers, { width })];
  if (missing.length > 0) parts.push(renderTable(MISSING_COLUMNS, missing, { width }));
  for (const { name, until, reason } of bans) parts.push(`banned: ${name} until ${until} (${reason})`);
  for (const fault of faults) parts.push(`fault: ${faultText(fault)}`);
  if (connectionHitRate !== null) parts.push(`${percent(connectionHitRate)} of requests found an open connection`);
  return parts.join("\n");
}

/** A pin is told from others by its beginning; `--json` has all of it. */
function shortUrl(url: string): string {
  return url.replace(/(#sha256=[0-9a-f]{8})[0-9a-f]+$/, "$1...");
}

function faultText({ peer, isPartitioned, delayMs, drop }: PeersAnswer["faults"][number]): string {
  const what = [
    isPartitioned ? "cut off" : "",
    delayMs > 0 ? `${delayMs} ms later` : "",
    drop > 0 ? `${percent(drop)} of messages dropped` : "",
  ].filter((text) => text !== "");
  return `${peer === "*" ? "all peers" : peer} ${what.join(", ") || "as usual"}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
