import type { EventLog } from "../api/events.ts";
import type { Chain } from "../chain/chain.ts";
import type { NetworkParams } from "../consensus/params.ts";
import type { LockManager } from "../locks/manager.ts";
import type { RwLock } from "../locks/rwlock.ts";
import type { ChainView } from "../mempool/evaluate.ts";
import type { Mempool } from "../mempool/mempool.ts";
import type { Clock, Entropy, Log } from "../ports.ts";
import type { UnixSeconds } from "../primitives/units.ts";
import type { ScriptVerifier } from "../verify/verifier.ts";
import type { PoolJournal } from "./pool-journal.ts";

/** The locks of a node, by the names that `locks stats` shows. */
export interface NodeLocks {
  readonly chainLock: RwLock<"BLOCKCHAIN">;
  readonly coinsLock: RwLock<"UTXO_SET">;
  readonly mempoolLock: RwLock<"MEMPOOL">;
  readonly miningLock: RwLock<"MINING">;
}

/** What the stories in this folder are told with; node.ts builds it once. */
export interface NodeParts extends NodeLocks {
  readonly params: NetworkParams;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly locks: LockManager;
  readonly verifier: ScriptVerifier;
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly events: EventLog;
  readonly journal: PoolJournal;
}

export function createLocks(locks: LockManager): NodeLocks {
  return {
    // A commit is durable before it is seen: these two are held while the store writes it (design: the one exception).
    chainLock: locks.getLock("chain", "BLOCKCHAIN", { spansInputOutput: true }),
    coinsLock: locks.getLock("coins", "UTXO_SET", { spansInputOutput: true }),
    mempoolLock: locks.getLock("mempool", "MEMPOOL"),
    miningLock: locks.getLock("mining", "MINING"),
  };
}

/** The time that blocks and transactions are judged by. */
export function nowSeconds(clock: Clock): UnixSeconds {
  return Math.floor(clock.nowMs() / 1000) as UnixSeconds;
}

/**
 * Calls `use` with the tip and its coins, which agree with each other while `use` runs: it must not await.
 * No lock and no snapshot: the tip is of the last commit, the newest coins are of the same one, and only this thread commits.
 */
export function withChainView<R>(chain: Chain, use: (view: ChainView) => R): R {
  const { coins } = chain;
  return use({ tip: chain.find(chain.tip.hash)!, findCoin: (bytes, offset) => coins.find(bytes, offset) });
}
