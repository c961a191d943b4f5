import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ChainCoreError } from "../errors.ts";
import { AdminClient, noNodeRunning } from "./admin-client.ts";
import { findSessionMetadata, isRunning, type NodeEntry } from "./session-metadata.ts";

export const DEFAULT_SESSION = "default";
/** `<home>/current-session` holds the name that `session use` chose. */
export const CURRENT_SESSION_FILE = "current-session";

/** Where a command acts. Undefined fields are decided here: the session in use, the first node that runs. */
export interface Place {
  readonly home: string;
  readonly session?: string | undefined;
  readonly node?: string | undefined;
}

/** The session that a command without `--session` means. */
export async function currentSession(place: Place): Promise<string> {
  if (place.session) return place.session;
  const chosen = await readFile(join(place.home, CURRENT_SESSION_FILE), "utf8").catch(() => "");
  return chosen.trim() || DEFAULT_SESSION;
}

/** The registry's entry of the node that runs there. @throws ChainCoreError no-node-running, no-such-node */
export async function getRunningNode(place: Place): Promise<{ session: string; entry: NodeEntry }> {
  const session = await currentSession(place);
  const nodes = (await findSessionMetadata(place.home, session))?.nodes ?? [];
  if (place.node === undefined) {
    const entry = nodes.find(isRunning);
    if (entry) return { session, entry };
    throw noNodeRunning(`the node of session "${session}"`);
  }
  const entry = nodes.find((node) => node.node_id === place.node);
  if (!entry) {
    const known = nodes.map((node) => node.node_id).join(", ") || "none";
    throw new ChainCoreError("no-such-node", `session "${session}" has no node ${place.node}; it has: ${known}`, {
      detail: { session },
    });
  }
  if (!isRunning(entry)) throw noNodeRunning(`node ${place.node} of session "${session}"`);
  return { session, entry };
}

/** A client of the node that runs there. @throws as getRunningNode */
export async function connectToNode(place: Place): Promise<AdminClient> {
  const { session, entry } = await getRunningNode(place);
  return new AdminClient(entry.socket, `node ${entry.node_id} of session "${session}"`);
}
