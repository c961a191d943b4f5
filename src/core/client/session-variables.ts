import { getRunningNode, type Place } from "./find-node.ts";

/** Where the running node is, as variables that commands and scripts understand. @throws ChainCoreError no-node-running */
export async function sessionVariables(place: Place): Promise<Readonly<Record<string, string>>> {
  const { session, entry } = await getRunningNode(place);
  return {
    CHAINCORE_HOME: place.home,
    CHAINCORE_SESSION: session,
    CHAINCORE_NODE: entry.node_id,
    CHAINCORE_API: entry.api_url ?? "",
    CHAINCORE_P2P: entry.p2p_url ?? "",
    CHAINCORE_SOCKET: entry.socket,
    CHAINCORE_COOKIE: entry.cookie,
  };
}
