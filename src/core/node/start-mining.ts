import { connectToNode, getRunningNode } from "../client/find-node.ts";
import { ChainCoreError } from "../errors.ts";
import { chaincoreHome } from "../files/paths.ts";
import type { Log } from "../ports.ts";
import { attachMiner } from "./attach-miner.ts";
import type { MiningRun, MiningRunOptions } from "./mining-run.ts";
import { type NodeOptions, type RunningNode, startNode } from "./node.ts";
import { SystemClock, systemEntropy } from "./system.ts";

/** Undefined: the default of each. */
export type StartMiningOptions = NodeOptions & { readonly [Name in keyof MiningRunOptions]?: MiningRunOptions[Name] | undefined };

/** What `chaincore mine` runs. */
export interface Mining {
  /** The node that this process hosts; undefined when it mines for one that ran already. */
  readonly node: RunningNode | undefined;
  /** The node's id, hosted or not. */
  readonly nodeId: string;
  readonly run: MiningRun;
  /** Ends the run, then the node if it is ours. */
  stop(): Promise<void>;
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Mines on the session's node, hosting one if none runs. @throws ChainCoreError as startNode and attachMiner */
export async function startMining(options: StartMiningOptions): Promise<Mining> {
  const { threads, blocks, address, blockTimeSeconds, kernel, nice } = options;
  const chosen = { threads, blocks, address, blockTimeSeconds, kernel, nice };
  const mining = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)) as MiningRunOptions;
  const running = await findRunning(options);
  if (running !== undefined) {
    const place = { ...running, node: running.node };
    const run = await attachMiner(
      { ...mining, id: `${running.node}-${process.pid}` },
      { connect: () => connectToNode(place), clock: new SystemClock(), entropy: systemEntropy, log: silent },
    );
    return { node: undefined, nodeId: running.node, run, stop: () => run.stop() };
  }
  const node = await startNode(options);
  try {
    const run = node.mine(mining);
    const stop = async () => {
      await run.stop();
      await node.stop();
    };
    return { node, nodeId: node.id, run, stop };
  } catch (error) {
    await node.stop();
    throw error;
  }
}

async function findRunning({ home, session, nodeId }: NodeOptions) {
  const place = { home: chaincoreHome(home, process.env), session, node: nodeId };
  try {
    const found = await getRunningNode(place);
    return { home: place.home, session: found.session, node: found.entry.node_id };
  } catch (error) {
    if (error instanceof ChainCoreError && (error.code === "no-node-running" || error.code === "no-such-node")) return undefined;
    throw error;
  }
}
