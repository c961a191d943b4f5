import { AdminClient } from "../client/admin-client.ts";
import { connectToNode, currentSession, type Place } from "../client/find-node.ts";
import { ChainCoreError } from "../errors.ts";
import { type NodeOptions, startNode } from "./node.ts";

/** Asks the running node; where none runs, one that is hosted here for as long as the question takes. */
export async function askOrHost<Answer>(
  place: Place,
  ask: (client: AdminClient) => Promise<Answer>,
  options: Pick<NodeOptions, "onProgress"> = {},
): Promise<Answer> {
  let running: AdminClient | undefined;
  try {
    running = await connectToNode(place);
  } catch (error) {
    if (!(error instanceof ChainCoreError) || error.code !== "no-node-running") throw error;
  }
  if (running) return await ask(running);
  const session = await currentSession(place);
  const node = await startNode({ ...options, home: place.home, session, nodeId: place.node, apiPort: 0, peers: false });
  try {
    return await ask(new AdminClient(node.status().socket, `node ${node.id} of session "${session}"`));
  } finally {
    await node.stop();
  }
}
