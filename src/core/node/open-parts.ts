import { join } from "node:path";
import { EventLog } from "../api/events.ts";
import { Chain } from "../chain/chain.ts";
import { reindex } from "../chain/reindex.ts";
import type { SessionMetadata } from "../client/session-metadata.ts";
import { readChainSpec } from "../consensus/chain-spec.ts";
import { type NetworkParams, REGTEST } from "../consensus/params.ts";
import { ChainCoreError } from "../errors.ts";
import type { LockManager } from "../locks/manager.ts";
import { Mempool } from "../mempool/mempool.ts";
import { DEFAULT_POLICY, type Policy } from "../mempool/policy.ts";
import type { Log } from "../ports.ts";
import { createVerifier } from "../verify/verifier.ts";
import { followTip } from "./accept-block.ts";
import { createLocks, type NodeParts } from "./parts.ts";
import { PoolJournal } from "./pool-journal.ts";
import { type SystemClock, systemEntropy } from "./system.ts";

export interface PartsOptions {
  readonly directory: string;
  readonly params: NetworkParams;
  readonly verifiers: number;
  readonly reindex: boolean;
  readonly policy?: Partial<Policy>;
  readonly onProgress?: (sentence: string) => void;
}

export interface PartsDeps {
  readonly clock: SystemClock;
  readonly locks: LockManager;
  readonly log: (area: "node" | "chain") => Log;
  /** The disk failed under a commit: end the process. */
  readonly fatal: (error: unknown) => void;
}

/** Opens chain and pool: all of a node but its doors. LevelDB's lock makes this process the folder's owner. @throws StoreError */
export async function openParts(options: PartsOptions, { clock, locks, log, fatal }: PartsDeps) {
  const nodeLocks = createLocks(locks);
  const { params } = options;
  const verifier = createVerifier({ workers: options.verifiers });
  let parts: NodeParts | undefined;
  const chain = await locks.task("open chain", (at) =>
    Chain.open(
      at,
      {
        directory: options.directory,
        params,
        reindex: options.reindex,
        ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      },
      {
        ...nodeLocks,
        clock,
        log: log("chain"),
        verifier,
        fatal,
        follow: (at, move) => (parts === undefined ? undefined : followTip(at, parts, move)),
      },
    ),
  );
  if (chain.isReindexing) await rebuild(chain, locks, options);
  const mempool = new Mempool({ policy: { ...DEFAULT_POLICY, ...options.policy }, params, tip: chain.find(chain.tip.hash)! });
  const events = new EventLog({ clock });
  const journal = new PoolJournal(join(options.directory, "mempool.dat"), log("node"));
  parts = {
    journal,
    params,
    clock,
    entropy: systemEntropy,
    log: log("node"),
    locks,
    verifier,
    chain,
    mempool,
    events,
    ...nodeLocks,
  };
  const close = async () => {
    await locks.task("close chain", (at) => chain.close(at)); // Waits for a commit under way, which may need the verifier.
    await verifier.close();
  };
  return { parts, close };
}

async function rebuild(chain: Chain, locks: LockManager, { onProgress = () => {} }: PartsOptions): Promise<void> {
  await locks.task("reindex", (at) => reindex(at, chain, { onProgress: ({ read }) => onProgress(`${read} blocks read`) }));
}

/** Where a node keeps which addresses it has given out. */
export function walletPath(directory: string): string {
  return join(directory, "wallet.json");
}

/** The rules of a session's network. @throws ChainCoreError "unknown-network" */
export function networkOf({ network, chain_spec }: Pick<SessionMetadata, "network" | "chain_spec">): NetworkParams {
  if (chain_spec !== null) return readChainSpec(chain_spec);
  if (network === REGTEST.name) return REGTEST;
  throw new ChainCoreError(
    "unknown-network",
    `"${network}" is no network that chaincore runs; use regtest, or a chain spec of your own`,
  );
}
