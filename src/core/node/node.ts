import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { EventLog } from "../api/events.ts";
import type { NodeStatus } from "../client/answers.ts";
import { ChainCoreError } from "../errors.ts";
import { LockManager } from "../locks/manager.ts";
import type { Policy } from "../mempool/policy.ts";
import { DEVELOPMENT_MNEMONIC, Session } from "../sessions/session.ts";
import { Wallet } from "../wallet/wallet.ts";
import { openDoors } from "./doors.ts";
import type { House } from "./house.ts";
import { type LogOptions, NodeLog } from "./log.ts";
import { logEvents } from "./log-events.ts";
import { type MiningRun, type MiningRunOptions, startMiningRun } from "./mining-run.ts";
import { NodeAccounts } from "./node-accounts.ts";
import { NodeMining } from "./node-mining.ts";
import { networkOf, openParts, walletPath } from "./open-parts.ts";
import type { NodeParts } from "./parts.ts";
import { createPeers, type PeersOptions, peerCertificate } from "./peers-door.ts";
import { keepPoolTidy } from "./pool-upkeep.ts";
import { openStratum } from "./stratum-door.ts";
import { SystemClock } from "./system.ts";

export interface NodeOptions extends PeersOptions {
  /** The folder of all sessions. Default $CHAINCORE_HOME and its fallbacks. */
  readonly home?: string | undefined;
  readonly session?: string | undefined;
  /** Default: the first of core0, core1, ... that does not run. */
  readonly nodeId?: string | undefined;
  /** 0: any free one. Undefined: 5000, or the next free one. */
  readonly apiPort?: number | undefined;
  readonly network?: string | undefined;
  /** HOST:PORT for stock miners (Stratum V1); port 0: any free one. Undefined: no such port. */
  readonly stratum?: string | undefined;
  /** False: no peer port, and no links; for a node that is hosted for one question. Default true. */
  readonly peers?: boolean | undefined;
  /** Throw the database away and build it from the block files. */
  readonly reindex?: boolean | undefined;
  /** Threads that run scripts; started when first needed. Default one a core, at most 8. */
  readonly verifiers?: number | undefined;
  readonly log?: Pick<LogOptions, "level" | "areas"> | undefined;
  readonly policy?: Partial<Policy> | undefined;
  /** Sentences about steps that take long. */
  readonly onProgress?: ((sentence: string) => void) | undefined;
  /** The disk failed under a commit: nothing may be written any more. Default: print the sentence and end the process with 1. */
  readonly onFatal?: ((error: unknown) => void) | undefined;
}

/** A node that answers. */
export interface RunningNode {
  readonly id: string;
  readonly parts: NodeParts;
  readonly accounts: NodeAccounts;
  readonly mining: NodeMining;
  status(): NodeStatus;
  /** HOST:PORT of the Stratum port, if there is one. */
  readonly stratum: string | undefined;
  /** Mines with threads of this process. */
  mine(options: MiningRunOptions): MiningRun;
  /** Closes doors first, then waits for the commit under way, then the store. The same promise however often it is called. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, whoever asked for it. */
  readonly stopped: Promise<void>;
}

const VERIFIERS_MAX = 8;
const CYCLE_CHECK_MS = 1_000;

/** Starts a node and resolves when it answers. @throws ChainCoreError, StoreError: what is in the way, in a sentence */
export async function startNode(options: NodeOptions = {}): Promise<RunningNode> {
  await using opened = new AsyncDisposableStack(); // Undoes what stands when a later step fails, last first.
  const hasPeers = options.peers !== false;
  const certificate = hasPeers ? await peerCertificate(options, options.onProgress ?? (() => {})) : undefined; // Before a folder is made.
  const house = await openHouse(options, opened);
  const { id, parts, session, log, account } = house;
  const mnemonic = await session.mnemonic();
  const wallet = await Wallet.open(mnemonic, walletPath(house.directory));
  const accounts = new NodeAccounts(parts, wallet, { account, usesDevelopmentMnemonic: mnemonic === DEVELOPMENT_MNEMONIC });
  const mining = new NodeMining(parts, () => accounts.firstScript());
  opened.defer(() => mining.stop());
  opened.adopt(await keepPoolTidy(parts), (upkeep) => upkeep.stop());

  const { promise: stopped, resolve: hasStopped } = Promise.withResolvers<void>();
  let resources: AsyncDisposableStack | undefined;
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      log.area("node").info({}, "stopping");
      await resources?.disposeAsync();
    })().finally(hasStopped);
    return stopping;
  };
  const manager = hasPeers ? await createPeers(house, options, certificate) : undefined;
  if (manager !== undefined) opened.defer(() => manager.close());
  const peers = manager === undefined ? undefined : { manager, options };
  const { api } = await openDoors(house, { accounts, mining, stop: () => void stop(), peers }, opened);
  const stratum = options.stratum === undefined ? undefined : await openStratum(options.stratum, mining, parts, house.directory);
  opened.defer(() => stratum?.close());
  resources = opened.move();
  return {
    id,
    parts,
    accounts,
    mining,
    stratum: stratum?.address,
    status: () => api.status() as NodeStatus,
    mine: (run) => startMiningRun(mining, id, run),
    stop,
    stopped,
  };
}

/** Everything but accounts and doors: the folder is ours, chain and pool are open. */
async function openHouse(options: NodeOptions, opened: AsyncDisposableStack): Promise<House> {
  const clock = new SystemClock();
  const session = await openSession(options, clock);
  const id = options.nodeId ?? (await session.nextNodeId());
  const directory = await session.nodeFolder(id);
  const log = opened.adopt(new NodeLog({ ...options.log, file: join(directory, "node.log") }), (log) => log.close());
  const fatal = (error: unknown) => {
    log.area("node").error({ error: String(error) }, "the disk failed");
    (options.onFatal ?? endProcess)(error);
  };
  let events: EventLog | undefined;
  const locks = new LockManager(undefined, {
    debug: log.isDebug("locks"), // Warns of more than two nested locks.
    onWarning: (warning) => {
      log.area("locks").warn(warning, warning.kind);
      if (warning.kind === "deadlock" || warning.kind === "cycle") events?.append({ event: "deadlock", text: warning.text });
    },
  });
  locks.setCycleCheckInterval(CYCLE_CHECK_MS); // The search before each wait finds all cycles; this one would find our mistakes.
  opened.defer(() => locks.close());
  const place = { node_id: id, socket: await session.socketPath(id), cookie: join(directory, ".cookie") };
  // Before its database is opened, and until it is closed: who finds no node registered may read the folder. Doors come later.
  const { account } = await session.registry.register({ ...place, api_port: 0, api_url: null, p2p_port: 0, p2p_url: null });
  opened.defer(() => session.registry.unregister(id));
  const { parts, close } = await openParts(
    {
      directory,
      params: networkOf(await session.metadata()),
      verifiers: options.verifiers ?? Math.min(VERIFIERS_MAX, availableParallelism()),
      reindex: options.reindex ?? false,
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    },
    { clock, locks, log: (area) => log.area(area), fatal },
  );
  opened.defer(close);
  events = parts.events;
  logEvents(log, parts.events);
  return { id, directory, session, account, clock, log, parts, place, apiPort: options.apiPort };
}

async function openSession(options: NodeOptions, clock: SystemClock): Promise<Session> {
  const { home, session: name = "default", network } = options;
  const terms = network === undefined ? undefined : { network, chain_spec: null };
  if (terms !== undefined) networkOf(terms); // Before a folder is made for it.
  const session = await Session.open({ home, name, clock, ...(terms === undefined ? {} : { terms }) });
  const metadata = await session.metadata();
  if (network === undefined || metadata.network === network) return session;
  const message = `session "${name}" is of network "${metadata.network}", not "${network}"; choose another session with --session`;
  throw new ChainCoreError("other-network", message, { detail: { session: name, network: metadata.network } });
}

function endProcess(error: unknown): void {
  process.stderr.write(`chaincore: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
