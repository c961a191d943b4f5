import type { LockGraph, StrandAtLock } from "../locks/snapshot.ts";
import type { SiteFigures } from "../locks/statistics.ts";

/**
 * What a node answers under /v1 on its admin socket, as types: api/ writes these, commands print them. Amounts are in
 * satoshis, times in Unix seconds, hashes in display order. Within /v1 fields are added, never changed or removed.
 */

export interface NodeStatus {
  readonly node: string;
  readonly session: string;
  readonly network: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly urls: { readonly api: string | null; readonly p2p: string | null };
  readonly socket: string;
  readonly cookie: string;
  readonly folder: string;
  readonly height: number;
  readonly tip: string;
  readonly chainwork: string;
  readonly peers: number;
  readonly mempool: { readonly transactions: number; readonly bytes: number };
  readonly mining: { readonly miners: number; readonly hashesPerSecond: number };
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number };
  readonly signatureEngine: string;
  /** The port for stock miners, and what they have handed in, also before the last restart; null without one. */
  readonly stratum: StratumStatus | null;
  /** What the miners of its own process hash with; null while there are none. */
  readonly kernel: string | null;
}

export interface StratumStatus {
  /** HOST:PORT */
  readonly address: string;
  readonly miners: number;
  /** By their shares. */
  readonly hashesPerSecond: number;
  readonly shares: { readonly accepted: number; readonly rejected: number; readonly blocks: number };
}

export interface ChainInfo {
  readonly network: string;
  readonly height: number;
  readonly tip: string;
  readonly time: number;
  readonly medianTime: number;
  readonly bits: string;
  readonly difficulty: number;
  readonly chainwork: string;
  /** Unspent outputs of the whole chain. */
  readonly coins: number;
  readonly bytesOnDisk: number;
  readonly tips: readonly {
    readonly hash: string;
    readonly height: number;
    readonly branchLength: number;
    readonly status: string;
  }[];
}

export interface BlockAnswer {
  readonly hash: string;
  readonly height: number;
  readonly confirmations: number;
  readonly previous: string | null;
  readonly next: string | null;
  readonly time: number;
  readonly bits: string;
  readonly nonce: number;
  readonly version: number;
  readonly merkleRoot: string;
  readonly chainwork: string;
  readonly size: number;
  readonly weight: number;
  readonly transactions: readonly string[];
}

export interface CoinsAnswer {
  readonly address: string;
  readonly height: number;
  readonly totalSats: number;
  readonly coins: readonly CoinAnswer[];
}

export interface CoinAnswer {
  readonly txid: string;
  readonly vout: number;
  readonly valueSats: number;
  readonly height: number;
  readonly coinbase: boolean;
}

export interface TransactionAnswer {
  readonly txid: string;
  readonly wtxid: string;
  readonly size: number;
  readonly vsize: number;
  readonly weight: number;
  readonly version: number;
  readonly lockTime: number;
  /** Null while it waits in the pool. */
  readonly block: { readonly hash: string; readonly height: number; readonly confirmations: number } | null;
  readonly inputs: readonly { readonly txid: string; readonly vout: number; readonly coinbase: boolean }[];
  readonly outputs: readonly { readonly valueSats: number; readonly address: string | null; readonly script: string }[];
  readonly hex: string;
}

export interface MempoolAnswer {
  readonly transactions: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly feesSats: number;
  /** Satoshis per 1,000 virtual bytes below which nothing enters. */
  readonly feeRateMin: number;
  /** The best paying first; at most 1,000. */
  readonly entries: readonly {
    readonly txid: string;
    readonly vsize: number;
    readonly feeSats: number;
    readonly time: number;
    readonly ancestors: number;
    readonly descendants: number;
  }[];
}

export interface AccountsAnswer {
  /** True where the session still uses the mnemonic that everybody knows. */
  readonly developmentMnemonic: boolean;
  readonly accounts: readonly AccountAnswer[];
}

export interface AccountAnswer {
  readonly index: number;
  readonly address: string;
  /** Confirmed, matured and not spent by a pooled transaction. */
  readonly spendableSats: number;
  readonly immatureSats: number;
  readonly pendingSats: number;
}

export interface SendRequest {
  readonly to: string;
  readonly amountSats: number;
  /** Account number; 0 by default. */
  readonly from?: number;
}

export interface SendAnswer {
  readonly txid: string;
  readonly feeSats: number;
  readonly vsize: number;
}

export interface ImportAnswer {
  /** Blocks read from the file: new ones, those that were there before, bad ones, and those whose parent is missing. */
  readonly blocks: number;
  readonly added: number;
  readonly known: number;
  readonly invalid: number;
  readonly orphans: number;
  readonly height: number;
  readonly tip: string;
}

/** What was found to hold: `/v1/verify`. */
export interface VerifyAnswer {
  readonly from: number;
  readonly to: number;
  readonly tip: string;
  readonly blocks: number;
  readonly transactions: number;
  readonly inputs: number;
  /** Coins of the table that are those of the replay; null when the range was not the whole chain. */
  readonly coins: number | null;
  readonly seconds: number;
  readonly inputsPerSecond: number;
}

export interface ExportAnswer {
  readonly path: string;
  readonly blocks: number;
  readonly bytes: number;
}

/** A point of the chain that was given a name. */
export interface SnapshotAnswer {
  readonly name: string;
  readonly hash: string;
  readonly height: number;
  readonly savedAt: number;
  /** Its block is on the best chain. */
  readonly active: boolean;
  /** Blocks to take back and to connect again in order to restore it; null when its block is not stored any more. */
  readonly back: number | null;
  readonly forward: number | null;
}

/** The end of a better branch that is left aside since a snapshot was restored. */
export interface ParkedAnswer {
  readonly hash: string;
  readonly height: number;
  /** Of the tip that was restored. */
  readonly restoredHeight: number;
}

export interface SnapshotsAnswer {
  /** Oldest first. */
  readonly snapshots: readonly SnapshotAnswer[];
  readonly parked: ParkedAnswer | null;
}

export interface RestoreAnswer {
  readonly snapshot: SnapshotAnswer;
  readonly height: number;
  readonly tip: string;
  /** Blocks taken back and connected. */
  readonly disconnected: number;
  readonly connected: number;
  readonly parked: ParkedAnswer | null;
  /** Transactions in the pool afterwards: those of blocks that were taken back are in it again. */
  readonly pooled: number;
}

/** `/v1/locks`, the same as `GET /stats`; times in seconds, null where nothing was measured yet. */
export interface LocksAnswer {
  readonly lock_stats: Readonly<Record<string, LockAnswer>>;
  readonly deadlock_stats: { readonly cycles_detected: number | null; readonly prevented_deadlocks: number | null };
  readonly kpis: Readonly<Record<string, number | null>>;
  readonly load: { readonly operations: number; readonly operations_per_second: number };
  readonly uptime_seconds: number;
}

/** A lock in memory has every field; a lock between processes (level SESSION) has null for what it does not count. */
export interface LockAnswer {
  readonly acquisitions: number;
  readonly contentions: number;
  readonly max_wait_time: number;
  readonly average_wait_time: number;
  readonly contention_ratio: number;
  readonly timeouts: number;
  readonly deadlock_attempts: number | null;
  readonly level: string;
  readonly reads: number | null;
  readonly writes: number | null;
  readonly wait_p99: number | null;
  /** Of one hold in 64, like all hold times. */
  readonly hold_average: number | null;
  readonly hold_p99: number | null;
  readonly hold_max: number;
  readonly aborts: number | null;
  readonly order_violations: number | null;
  readonly poisonings: number | null;
  readonly state: "free" | "read" | "write";
  readonly holders: readonly StrandAtLock[];
  readonly waiters: readonly StrandAtLock[];
  readonly sites: readonly SiteFigures[] | null;
}

/** `/v1/locks/graph`: who holds what and waits for whom. */
export type LockGraphAnswer = LockGraph;

export type LockSituation = "deadlock" | "inversion" | "starvation";

/** What `POST /v1/locks/demo` saw a node do with locks of its own, `demo-a` and so on. */
export interface LockDemoAnswer {
  readonly situation: LockSituation;
  /** In order; `ms` since the beginning. */
  readonly steps: readonly { readonly ms: number; readonly strand: string; readonly text: string }[];
  /** Requests that the node refused, with its words. */
  readonly refused: readonly { readonly strand: string; readonly code: string; readonly message: string }[];
  /** Figures that moved. */
  readonly figures: readonly { readonly name: string; readonly before: number; readonly after: number }[];
  /** What was shown, in a sentence. */
  readonly conclusion: string;
}

/** A line of /v1/events. `sequence` grows by one; `?since=N` resumes after N. */
export type NodeEvent = { readonly sequence: number; readonly time: number } & (
  | { readonly event: "block-connected"; readonly hash: string; readonly height: number; readonly transactions: number }
  | { readonly event: "block-disconnected"; readonly hash: string; readonly height: number }
  | { readonly event: "transaction-added"; readonly txid: string; readonly vsize: number; readonly feeSats: number }
  | { readonly event: "transaction-removed"; readonly txid: string; readonly reason: string }
  | { readonly event: "peer"; readonly url: string; readonly state: string }
  | { readonly event: "deadlock"; readonly text: string }
);

/** `GET /v1/peers`. */
export interface PeersAnswer {
  readonly peers: readonly PeerAnswer[];
  /** Wanted, and not linked now. */
  readonly missing: readonly MissingPeer[];
  readonly bans: readonly { readonly name: string; readonly until: string; readonly reason: string }[];
  readonly faults: readonly {
    readonly peer: string;
    readonly isPartitioned: boolean;
    readonly delayMs: number;
    readonly drop: number;
  }[];
  /** Share of requests that found an open connection; null before there are enough to tell. */
  readonly connectionHitRate: number | null;
}

export interface MissingPeer {
  readonly url: string;
  readonly source: string;
  readonly failures: number;
  readonly lastError: string | null;
}

export interface PeerAnswer {
  /** Null for a node that does not listen. */
  readonly url: string | null;
  readonly node: string;
  readonly direction: "inbound" | "outbound";
  readonly height: number;
  /** Null before the first ping was answered. */
  readonly latencyMs: number | null;
  /** 0 is faultless; a link ends at 100. */
  readonly score: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Of the requests to it, the share that found an open connection; null where it has dialled. */
  readonly hitRate: number | null;
  readonly connectedSeconds: number;
}

/** What stands in the body of every answer that is not 2xx. */
export interface FailureAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly detail?: Readonly<Record<string, unknown>> };
}
