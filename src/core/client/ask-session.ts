import { ChainCoreError } from "../errors.ts";
import { AdminClient } from "./admin-client.ts";
import type { NodeStatus } from "./answers.ts";
import { currentSession, type Place } from "./find-node.ts";
import { findSessionMetadata, isRunning, type NodeEntry } from "./session-metadata.ts";

/** A node of a session: what the registry says of it, and what it says itself if it answers in time. */
export interface NodeReport {
  readonly entry: NodeEntry;
  readonly running: boolean;
  readonly status: NodeStatus | null;
}

export interface SessionReport {
  readonly session: string;
  readonly network: string;
  readonly nodes: readonly NodeReport[];
}

/** A node that has not answered by then is shown without figures: one that hangs must not hide the others. */
const ANSWER_TIMEOUT_MS = 2_000;

/** Asks all nodes of a session at once. @throws ChainCoreError no-such-session */
export async function askSession(place: Place): Promise<SessionReport> {
  const session = await currentSession(place);
  const metadata = await findSessionMetadata(place.home, session);
  if (!metadata) {
    throw new ChainCoreError(
      "no-such-session",
      `there is no session "${session}"; make it with "chaincore session create ${session}" or start "chaincore node"`,
    );
  }
  const nodes = await Promise.all(metadata.nodes.map((entry) => askNode(entry)));
  return { session, network: metadata.network, nodes };
}

async function askNode(entry: NodeEntry): Promise<NodeReport> {
  if (!isRunning(entry)) return { entry, running: false, status: null };
  const client = new AdminClient(entry.socket, `node ${entry.node_id}`);
  const status = await client.get<NodeStatus>("/v1/status", { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch(() => null);
  return { entry, running: true, status };
}
