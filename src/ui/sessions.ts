import {
  currentSession,
  findSessionMetadata,
  isRunning,
  listSessions,
  type NodeReport,
  type Place,
} from "../core/client/index.ts";
import type { Column } from "./table.ts";
import { formatBytes, formatHashRate, shortHash } from "./units.ts";

export interface SessionSummary {
  readonly name: string;
  readonly network: string;
  readonly created: string;
  readonly nodes: number;
  readonly running: number;
  /** The one that commands without `--session` mean. */
  readonly current: boolean;
}

export async function summariseSessions(place: Place): Promise<readonly SessionSummary[]> {
  const current = await currentSession(place);
  const names = await listSessions(place.home);
  return await Promise.all(
    names.map(async (name) => {
      const metadata = await findSessionMetadata(place.home, name).catch(() => undefined);
      const nodes = metadata?.nodes ?? [];
      return {
        name,
        network: metadata?.network ?? "unreadable",
        created: metadata?.created ?? "",
        nodes: nodes.length,
        running: nodes.filter(isRunning).length,
        current: name === current,
      };
    }),
  );
}

export const sessionColumns: readonly Column<SessionSummary>[] = [
  { title: "SESSION", value: (session) => (session.current ? `${session.name} *` : session.name), mayShrink: true },
  { title: "NETWORK", value: (session) => session.network },
  { title: "RUNNING", value: (session) => `${session.running} of ${session.nodes}`, align: "right" },
  { title: "CREATED", value: (session) => session.created },
];

export const nodeColumns: readonly Column<NodeReport>[] = [
  { title: "NODE", value: ({ entry }) => entry.node_id, mayShrink: true },
  { title: "PID", value: ({ entry, running }) => (running ? entry.pid : "ended"), align: "right" },
  { title: "API", value: ({ entry }) => entry.api_port, align: "right" },
  { title: "HEIGHT", value: ({ status }) => status?.height ?? "", align: "right" },
  { title: "TIP", value: ({ status }) => (status ? shortHash(status.tip) : "") },
  { title: "PEERS", value: ({ status }) => status?.peers ?? "", align: "right" },
  { title: "POOL", value: ({ status }) => status?.mempool.transactions ?? "", align: "right" },
  { title: "HASH RATE", value: ({ status }) => (status ? formatHashRate(status.mining.hashesPerSecond) : ""), align: "right" },
  { title: "MEMORY", value: ({ status }) => (status ? formatBytes(status.memory.rssBytes) : ""), align: "right" },
];
