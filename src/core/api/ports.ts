import type {
  LockDemoAnswer,
  PeersAnswer,
  RestoreAnswer,
  SnapshotAnswer,
  SnapshotsAnswer,
  StratumStatus,
} from "../client/answers.ts";
import type { CoinTable } from "../coins/table.ts";
import type { NetworkParams } from "../consensus/params.ts";
import type { Invalid } from "../consensus/verdict.ts";
import type { FileLock } from "../files/file-lock.ts";
import type { Root } from "../locks/context.ts";
import type { LockManager } from "../locks/manager.ts";
import type { PackageOutcome } from "../mempool/package-submission.ts";
import type { BlockTemplate } from "../mining/template.ts";
import type { Clock, Entropy, Log } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import type { Header } from "../primitives/header.ts";
import type { OutpointKey } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, FeeRate, Height, Sats, Txid, UnixSeconds, VBytes, Weight, Work, Wtxid } from "../primitives/units.ts";

import type { EventLog } from "./events.ts";

/*
 * What the API asks of the rest of a node, as interfaces: node/node.ts builds the parts and hands them in.
 * A part that is `?` may be absent; its methods then answer "Method not found", its fields in /stats are null.
 */

/** What the API uses of the node's lock manager: to run calls, and to tell how the locks do. */
export type Locks = Pick<LockManager, "task" | "getAllStats" | "deadlockStats" | "graph">;

/** The last block of the best chain. */
export interface TipView {
  readonly hash: BlockHash;
  readonly height: Height;
  readonly chainwork: Work;
  readonly time: UnixSeconds;
  readonly medianTime: UnixSeconds;
  readonly bits: number;
}

/** A block that the tree knows. */
export interface BlockView {
  readonly header: Header;
  readonly hash: BlockHash;
  readonly height: Height;
  readonly time: UnixSeconds;
  readonly bits: number;
  readonly chainwork: Work;
  readonly medianTimePast: number;
  readonly prev: BlockView | undefined;
  readonly isInvalid: boolean;
  /** Bytes of its body; undefined while only the header is known. */
  readonly size: number | undefined;
  readonly transactionCount: number;
  /** Of all blocks up to it. */
  readonly chainTransactionCount: number;
  ancestor(height: number): BlockView | undefined;
}

/** Chain as the API reads it, without a lock: each property is of one moment, and what awaits reads by hash. */
export interface ChainReader {
  readonly tip: TipView;
  readonly bestHeaderHeight: number;
  readonly coins: CoinTable;
  find(hash: BlockHash): BlockView | undefined;
  /** On the best chain. */
  atHeight(height: number): BlockView | undefined;
  tips(): readonly {
    readonly hash: BlockHash;
    readonly height: Height;
    readonly branchLength: number;
    readonly status: string;
  }[];
  readBlock(hash: BlockHash): Promise<Block | undefined>;
  /** What each transaction behind the coinbase spends; undefined for a block that was never connected. */
  readSpentCoins(hash: BlockHash): Promise<readonly (readonly Coin[])[] | undefined>;
  /** On the best chain. */
  findTransaction(txid: Txid): Promise<{ readonly block: BlockHash; readonly index: number } | undefined>;
  bytesOnDisk(): Promise<number>;
  /** Commits of coins that were tried, and those that met a conflict. */
  commits(): { readonly attempts: number; readonly conflicts: number };
  /** Walks over all coins of one commit. */
  coinSet(at: Root, hash: CoinSetHash, signal: AbortSignal): Promise<CoinSetFacts>;
}

export type CoinSetHash = "none" | "muhash" | "hash_serialized_3";

/** What `gettxoutsetinfo` says of one commit. */
export interface CoinSetFacts {
  readonly height: Height;
  readonly bestBlock: BlockHash;
  readonly outputs: number;
  readonly bogoSize: number;
  /** Display order; "" where none was asked for. */
  readonly hash: string;
  readonly totalAmount: Sats;
  /** Transactions with at least one unspent output. */
  readonly transactions: number;
  readonly diskBytes: number;
}

/** Sum over a transaction and its relatives in the pool. */
export interface Family {
  readonly count: number;
  readonly vsize: number;
  readonly fees: number;
}

/** A pooled transaction as `getmempoolentry` tells it. */
export interface PoolEntryView {
  readonly tx: Transaction;
  readonly vsize: VBytes;
  readonly weight: Weight;
  readonly time: UnixSeconds;
  /** Of the chain when it came in. */
  readonly height: Height;
  readonly fee: Sats;
  /** With what `prioritisetransaction` added. */
  readonly modifiedFee: Sats;
  readonly ancestors: Family;
  readonly descendants: Family;
  /** What it would be mined with. */
  readonly chunk: { readonly weight: number; readonly fee: number };
  readonly parents: readonly Txid[];
  readonly children: readonly Txid[];
}

/** What `getmempoolinfo` tells of the rules. */
export interface PolicyView {
  readonly dataCarrierBytesMax: number;
  readonly permitBareMultisig: boolean;
  readonly clusterCountMax: number;
  readonly clusterVsizeMax: number;
  readonly blockMinFeeRate: FeeRate;
}

/** The pool as the API reads it, synchronously on its thread. */
export interface PoolReader {
  readonly size: number;
  /** Virtual bytes of all. */
  readonly bytes: number;
  readonly totalFee: Sats;
  /** Bytes of memory, and how many it may take. */
  readonly usage: number;
  readonly bytesMax: number;
  /** What enters now must pay this at least. */
  readonly feeRateMin: FeeRate;
  readonly relayFeeRate: FeeRate;
  readonly incrementalFeeRate: FeeRate;
  readonly policy: PolicyView;
  /** Grows by one with every transaction that comes or goes; 1 at the start. */
  readonly sequence: number;
  find(txid: Txid): Transaction | undefined;
  entry(txid: Txid): PoolEntryView | undefined;
  txids(): readonly Txid[];
  ancestorsOf(txid: Txid): readonly Txid[];
  descendantsOf(txid: Txid): readonly Txid[];
  spenderOf(key: OutpointKey): Txid | undefined;
  findOutput(key: OutpointKey): Coin | undefined;
  feeDeltas(): Iterable<readonly [Txid, Sats]>;
}

export interface AcceptOptions {
  /** 0 lifts the limit. */
  readonly feeRateMax?: FeeRate;
  /** Say what would happen, and leave the pool as it is. */
  readonly testOnly?: boolean;
}

export type TransactionVerdict =
  | { readonly kind: "accepted"; readonly fee: Sats; readonly vsize: VBytes; readonly effective?: EffectiveRate }
  /** The very same transaction is pooled; with `testOnly` an invalid verdict says so. */
  | { readonly kind: "known" }
  | { readonly kind: "fee-exceeded"; readonly fee: Sats }
  | { readonly kind: "invalid"; readonly why: Invalid; readonly isMissingInputs: boolean };

/** The fee rate that counted, which may be that of a package. */
export interface EffectiveRate {
  readonly feeRate: FeeRate;
  readonly includes: readonly Wtxid[];
}

/** Where transactions go. Verifies on a snapshot and pools under MEMPOOL; never waits for peers. */
export interface TransactionSink {
  accept(at: Root, tx: Transaction, options: AcceptOptions): Promise<TransactionVerdict>;
  /** Several together, parents first; the pool stays as it is. */
  testPackage?(at: Root, txs: readonly Transaction[], options: AcceptOptions): Promise<PackageVerdict>;
  /** A child and its parents, each by itself where that will do. */
  submitPackage?(at: Root, txs: readonly Transaction[], options: AcceptOptions): Promise<PackageOutcome>;
  prioritise?(at: Root, txid: Txid, delta: Sats): Promise<void>;
}

export interface PackageVerdict {
  /** Why the package as a whole was refused, before any of its transactions was looked at. */
  readonly error?: Invalid;
  /** Undefined for a transaction that was not looked at, as another failed. */
  readonly verdicts: readonly (TransactionVerdict | undefined)[];
}

/** Where blocks go. Resolves when what it says is durable. */
export interface BlockSink {
  /** `submitblock`'s word: null for a block that was connected. */
  acceptBlock(at: Root, block: Block): Promise<string | null>;
  /** Undefined when it is good. */
  acceptHeader(at: Root, header: Header): Promise<Invalid | "orphan" | undefined>;
  /** Would it connect on the tip? Leaves everything as it is. Proof of work is not asked for. */
  checkCandidate(at: Root, block: Block): Promise<Invalid | undefined>;
  invalidate(at: Root, hash: BlockHash): Promise<void>;
  reconsider(at: Root, hash: BlockHash): Promise<void>;
  /** As if it had been seen before others with as much work. */
  prefer(at: Root, hash: BlockHash): Promise<void>;
}

export interface MineRequest {
  /** What the coinbase pays. */
  readonly script: Uint8Array;
  /** Exactly these, in this order, instead of the pool's best. */
  readonly transactions?: readonly Transaction[];
  readonly triesMax?: number;
  /** False: the block is made and not handed in. */
  readonly submits?: boolean;
}

export interface Mining {
  /** What the miners of this process hash with; null while there are none. */
  readonly kernel: string | null;
  readonly stratum: StratumStatus | null;
  template(at: Root): Promise<BlockTemplate>;
  /** Mines one block at once on the tip and hands it in. @throws ChainCoreError max-tries, block-not-accepted */
  mineNow(at: Root, request: MineRequest): Promise<Block>;
  /** Of the miners of this process, of those in others, which tell theirs, and on its Stratum port. */
  readonly hashesPerSecond: number;
  readonly miners: number;
  /** Work for a miner in another process: one line at once, more as templates change. `address` is where its blocks shall pay to. */
  jobs?(address: string | undefined, signal: AbortSignal): AsyncIterable<object>;
  /** A miner in another process, named by the prefix of its work, tells how fast it is. */
  noteRate?(prefix: number, hashesPerSecond: number): void;
  /** Starts, changes (threads, pace) or stops the node's own miner. */
  control?(request: Readonly<Record<string, unknown>>): Promise<object>;
}

export interface AccountView {
  readonly index: number;
  readonly address: string;
  readonly spendableSats: number;
  readonly immatureSats: number;
  readonly pendingSats: number;
}

export interface OwnedCoin {
  readonly txid: Txid;
  readonly vout: number;
  readonly coin: Coin;
  readonly account: number;
  readonly address: string;
  readonly confirmations: number;
  readonly isSpendable: boolean;
}

/** The accounts whose keys this node has. */
export interface Accounts {
  readonly usesDevelopmentMnemonic: boolean;
  list(at: Root): Promise<readonly AccountView[]>;
  newAddress(at: Root, label: string): Promise<string>;
  balance(at: Root, minConfirmations: number): Promise<Sats>;
  coins(at: Root): Promise<readonly OwnedCoin[]>;
  /** Chooses coins, signs and pools. @throws ChainCoreError insufficient-funds and whatever the pool says */
  send(
    at: Root,
    request: {
      readonly script: Uint8Array;
      readonly amount: Sats;
      readonly account?: number;
      readonly feeRate?: FeeRate;
      readonly subtractsFee?: boolean;
    },
  ): Promise<{ readonly txid: Txid; readonly fee: Sats; readonly vsize: number }>;
  isMine(script: Uint8Array): boolean;
}

export interface Peers {
  readonly connected: number;
  readonly inbound: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Of `getpeerinfo`, in its shape. */
  list(): readonly Readonly<Record<string, unknown>>[];
  /** For `chaincore peers`. */
  overview(): PeersAnswer;
  /** Wanted peers, as `getaddednodeinfo` has them. */
  added(): readonly { readonly url: string; readonly connected: "inbound" | "outbound" | null }[];
  bans(): readonly { readonly name: string; readonly since: number; readonly until: number; readonly reason: string }[];
  /** Share of requests that found an open connection; null before there are enough to tell. */
  readonly connectionHitRate: number | null;
  /** @throws ChainCoreError bad-peer-url */
  add(url: string): Promise<boolean>;
  remove(url: string): Promise<boolean>;
  /** Tries once. @throws ChainCoreError peer-unreachable, peer-unsuitable */
  tryOnce(url: string): Promise<void>;
  /** By URL, node id, address or ADDRESS:PORT. @returns how many links ended */
  disconnect(name: string): number;
  /** @throws ChainCoreError bad-address, bad-peer-url */
  ban(name: string, options: { readonly seconds?: number; readonly reason?: string }): Promise<void>;
  unban(name: string): Promise<number>;
  clearBans(): Promise<void>;
  ping(): Promise<void>;
  /** Faults on purpose. @throws ChainCoreError not-for-this-network, bad-fault */
  fault(verb: FaultVerb, request: { readonly peer?: string; readonly delayMs?: number; readonly drop?: number }): void;
}

export type FaultVerb = "partition" | "delay" | "drop" | "heal";

/** What a node says of itself beside its chain. */
export interface NodeFacts {
  readonly node: string;
  readonly session: string;
  readonly version: string;
  readonly startedAt: UnixSeconds;
  readonly folder: string;
  readonly urls: { readonly api: string | null; readonly p2p: string | null };
  readonly socket: string;
  readonly cookie: string;
  readonly signatureEngine: string;
}

/** Block files in and out, as the admin socket offers them. */
export interface Transfers {
  importBlocks(at: Root, path: string): Promise<Readonly<Record<string, unknown>>>;
  /** Holds stored blocks against every rule again; `range` may have from, to and threads. @throws ChainCoreError chain-differs */
  verifyBlocks(at: Root, range: Readonly<Record<string, unknown>>): Promise<object>;
  exportBlocks(at: Root, path: string): Promise<Readonly<Record<string, unknown>>>;
}

/** Durable snapshots of the chain. Each resolves when what it says is durable. */
export interface Snapshots {
  list(): SnapshotsAnswer;
  /** The tip, or the block of the best chain at `height`. @throws ChainCoreError bad-snapshot-name, snapshot-exists, unknown-block */
  save(at: Root, name: string, height?: number): Promise<SnapshotAnswer>;
  /** @throws ChainCoreError unknown-snapshot, snapshot-block-gone, snapshot-block-invalid */
  restore(at: Root, name: string): Promise<RestoreAnswer>;
  /** @throws ChainCoreError unknown-snapshot */
  drop(at: Root, name: string): Promise<SnapshotAnswer>;
}

export interface LockDemoPlayer {
  /** @throws ChainCoreError for a situation that is not known, or while another one is played */
  play(situation: string): Promise<LockDemoAnswer>;
}

export interface ApiDeps {
  readonly params: NetworkParams;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly events: EventLog;
  readonly locks: Locks;
  /** Locks between processes that this node takes, by the names under which they are shown. */
  readonly fileLocks?: Readonly<Record<string, FileLock>>;
  readonly chain: ChainReader;
  readonly pool: PoolReader;
  readonly transactions: TransactionSink;
  readonly blocks: BlockSink;
  readonly facts: () => NodeFacts;
  /** Replaces the wall clock from now on; 0 gives the real one back. */
  readonly setMockTime: (seconds: number) => void;
  /** Begins to close the node; returns at once. */
  readonly stop: () => void;
  /** What `estimatesmartfee` answers; without it, it says that there is nothing to learn from, as Bitcoin Core does. */
  readonly feeFloor?: () => FeeRate;
  readonly mining?: Mining;
  readonly accounts?: Accounts;
  readonly peers?: Peers;
  readonly transfers?: Transfers;
  readonly snapshots?: Snapshots;
  readonly lockDemo?: LockDemoPlayer;
}
