import { chainReader } from "../api/chain-reader.ts";
import { poolReader } from "../api/pool-reader.ts";
import type { ApiDeps, NodeFacts } from "../api/ports.ts";
import { exportBlockFile, importBlockFile } from "../chain/block-file-exchange.ts";
import type { FileLock } from "../files/file-lock.ts";
import type { PeerManager } from "../peers/table/peer-manager.ts";
import type { Log } from "../ports.ts";
import { LockDemo } from "./lock-demo.ts";
import type { NodeAccounts } from "./node-accounts.ts";
import type { NodeMining } from "./node-mining.ts";
import type { NodeParts } from "./parts.ts";
import { peersView } from "./peers-view.ts";
import { blockSink, transactionSink } from "./sinks.ts";
import { snapshotsOf } from "./snapshots.ts";
import type { SystemClock } from "./system.ts";
import { verifyStored } from "./verify-stored.ts";

interface Doors {
  readonly accounts: NodeAccounts;
  readonly mining: NodeMining;
  readonly clock: SystemClock;
  readonly log: Log;
  readonly facts: () => NodeFacts;
  readonly stop: () => void;
  readonly peers: PeerManager | undefined;
  readonly fileLocks: Readonly<Record<string, FileLock>>;
}

/** What the API is given of a node. */
export function apiDeps(node: NodeParts, doors: Doors): ApiDeps {
  const { accounts, mining, clock, log, facts, stop, peers, fileLocks } = doors;
  const { chain, mempool, params, entropy, events, locks } = node;
  return {
    params,
    clock,
    entropy,
    log,
    events,
    locks,
    fileLocks,
    chain: chainReader(chain),
    pool: poolReader(mempool, clock),
    transactions: transactionSink(node),
    blocks: blockSink(node),
    facts,
    setMockTime: (seconds) => clock.setMock(seconds),
    stop,
    feeFloor: () => accounts.feeRateFloor(),
    mining,
    accounts,
    snapshots: snapshotsOf(node),
    ...(peers === undefined ? {} : { peers: peersView(peers, clock, { mayFail: true }) }),
    lockDemo: new LockDemo(locks, clock),
    transfers: {
      importBlocks: async (at, path) => {
        locks.noteInputOutput(at, "a block file");
        const { read, added, known, invalid, orphans } = await importBlockFile(at, chain, path);
        return { blocks: read, added, known, invalid, orphans, height: chain.tip.height, tip: chain.tip.hash };
      },
      verifyBlocks: (at, range) => {
        locks.noteInputOutput(at, "stored blocks");
        return verifyStored(node, range);
      },
      exportBlocks: async (at, path) => {
        locks.noteInputOutput(at, "a block file");
        return { path, ...(await exportBlockFile(chain, path)) };
      },
    },
  };
}
