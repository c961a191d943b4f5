import { setTimeout as sleep } from "node:timers/promises";
import { ChainCoreError } from "../errors.ts";
import { connectToNode, getRunningNode, type Place } from "./find-node.ts";
import { isRunning } from "./session-metadata.ts";

/** A node drains, closes its database and fsyncs in well under a second; a large mempool dump takes some. */
const STOP_TIMEOUT_MS = 30_000;

/**
 * Asks a node to stop and waits until its process has ended. Returns its id.
 * @throws ChainCoreError no-node-running, stop-timeout
 */
export async function stopNode(place: Place): Promise<string> {
  const { entry } = await getRunningNode(place);
  const client = await connectToNode({ ...place, node: entry.node_id });
  await client.post("/v1/stop", {}).catch((error: ChainCoreError) => {
    if (error.code !== "node-went-away") throw error; // It was quicker to close than to answer.
  });
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  while (isRunning(entry)) {
    if (performance.now() > deadlineMs) {
      throw new ChainCoreError(
        "stop-timeout",
        `node ${entry.node_id} (process ${entry.pid}) has not ended after ${STOP_TIMEOUT_MS / 1_000} s; look at its node.log`,
      );
    }
    await sleep(20);
  }
  return entry.node_id;
}
