import { freemem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeStatus } from "../client/answers.ts";
import { currentSession, type Place } from "../client/find-node.ts";
import { isRunning, type NodeEntry } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { isSameProcess } from "../files/process-identity.ts";
import { type LaunchOptions, launchMiner, launchNode, type StoppedNode, statusOf, stopLaunched, stopMiner } from "./launcher.ts";
import { findSession } from "./manage.ts";
import type { Session } from "./session.ts";

/** What a node takes at rest, with some room. */
const NODE_MEMORY_BYTES = 130_000_000;
const NODES_MAX = 64;
const SYNC_TIMEOUT_MS = 60_000;

export interface UpOptions extends LaunchOptions {
  /** Undefined: as many as the session was created for, else one. */
  readonly nodes?: number | undefined;
  /** Processes that mine, each for one of the nodes. Default 0. */
  readonly miners?: number | undefined;
  readonly onNode?: (status: NodeStatus) => void;
}

/**
 * Lets `nodes` nodes of a session run (core0, core1, ...; those that run already count) and returns when all of them answer
 * and have the same tip. When one fails, those that were started here are stopped again.
 * @throws ChainCoreError node-failed, too-many-nodes, tips-differ
 */
export async function sessionUp(session: Session, options: UpOptions): Promise<readonly NodeStatus[]> {
  const metadata = await session.metadata();
  const running = metadata.nodes.filter(isRunning);
  const count = options.nodes ?? metadata.nodes_wanted ?? 1;
  const wanted = Array.from({ length: count }, (_, n) => `core${n}`);
  const missing = wanted.filter((id) => !running.some((entry) => entry.node_id === id));
  checkRoom(missing.length, count);
  const started = await Promise.allSettled(
    missing.map(async (id) => {
      const status = await launchNode(session, id, options);
      options.onNode?.(status);
    }),
  );
  try {
    const failure = started.find((result) => result.status === "rejected");
    if (failure) throw failure.reason;
    const statuses = await untilTipsAgree(session, wanted, options.signal);
    await startMiners(session, wanted, options);
    return statuses;
  } catch (error) {
    const ours = (await session.metadata()).nodes.filter((entry) => missing.includes(entry.node_id) && isRunning(entry));
    await Promise.all(ours.map(stopLaunched));
    throw error;
  }
}

/** Miners that run already count. */
async function startMiners(session: Session, nodes: readonly string[], options: UpOptions): Promise<void> {
  const running = ((await session.metadata()).miners ?? []).filter(({ pid, pid_started }) => isSameProcess(pid, pid_started));
  const missing = Math.max(0, (options.miners ?? 0) - running.length);
  const started = await Promise.all(
    Array.from({ length: missing }, (_, n) => launchMiner(session, nodes[(running.length + n) % nodes.length]!, options)),
  );
  if (started.length > 0) await session.registry.update((now) => ({ ...now, miners: [...running, ...started] }));
}

/** Stops all miners and nodes of a session, if it stands, cleanly where possible. @throws ChainCoreError no-node-running */
export async function downSession(place: Place): Promise<readonly StoppedNode[]> {
  const session = await findSession(place);
  if (session === undefined) throw noNodeRuns(await currentSession(place));
  return await sessionDown(session);
}

/** @throws ChainCoreError no-node-running */
export async function sessionDown(session: Session): Promise<readonly StoppedNode[]> {
  const { miners = [], nodes } = await session.metadata();
  await Promise.all(miners.map(stopMiner));
  if (miners.length > 0) await session.registry.update((now) => ({ ...now, miners: [] }));
  const running = nodes.filter(isRunning);
  if (running.length === 0) throw noNodeRuns(session.name);
  const stopped = await Promise.all(running.map(stopLaunched));
  await session.registry.markEnded();
  return stopped;
}

function noNodeRuns(session: string): ChainCoreError {
  return new ChainCoreError("no-node-running", `no node of session "${session}" runs`);
}

/** A container may have less than its machine. @throws ChainCoreError too-many-nodes */
export function checkRoom(more: number, all: number, freeBytes = Math.min(freemem(), process.availableMemory())): void {
  const room = Math.floor(freeBytes / NODE_MEMORY_BYTES);
  if (all <= NODES_MAX && more <= room) return;
  const most = all > NODES_MAX ? `at most ${NODES_MAX} nodes make a session` : `free memory suffices for ${room} more nodes`;
  throw new ChainCoreError("too-many-nodes", `${all} nodes are too many: ${most}`, { detail: { nodes: all, room } });
}

async function untilTipsAgree(
  session: Session,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly NodeStatus[]> {
  const deadlineMs = performance.now() + SYNC_TIMEOUT_MS;
  for (;;) {
    signal?.throwIfAborted();
    const entries = (await session.metadata()).nodes.filter((entry) => ids.includes(entry.node_id));
    const statuses = await Promise.all(entries.map((entry: NodeEntry) => statusOf(entry)));
    const answering = statuses.filter((status) => status !== undefined);
    if (answering.length === ids.length && new Set(answering.map((status) => status.tip)).size === 1) return answering;
    if (performance.now() > deadlineMs) {
      const tips = answering.map((status) => `${status.node} at ${status.height}`).join(", ");
      throw new ChainCoreError("tips-differ", `after ${SYNC_TIMEOUT_MS / 1_000} s the nodes have not the same tip: ${tips}`);
    }
    await sleep(50);
  }
}
