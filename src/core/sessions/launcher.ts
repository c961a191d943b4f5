import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AdminClient } from "../client/admin-client.ts";
import type { NodeStatus } from "../client/answers.ts";
import { isRunning, type MinerEntry, type NodeEntry } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { isSameProcess, processStartTime } from "../files/process-identity.ts";
import type { Session } from "./session.ts";

/** Opening a long chain takes a while; a fresh node answers in under half a second. */
const START_TIMEOUT_MS = 60_000;
/** A clean stop drains and fsyncs in well under a second; after this a node is killed. */
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
const LOG_LINES_SHOWN = 5;

/** What starts a node: the program and the words in front of `node --node-id ...`. */
export interface LaunchOptions {
  readonly program: readonly string[];
  readonly apiPort?: number | undefined;
  readonly p2pPort?: number | undefined;
  /** The node ends with this process, however that ends; else it outlives it. */
  readonly endsWithUs?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a node as a process of its own, which outlives this one, and waits until it answers.
 * @throws ChainCoreError node-failed: which one and why, with the last lines that it wrote
 */
export async function launchNode(session: Session, nodeId: string, options: LaunchOptions): Promise<NodeStatus> {
  const outPath = join(await session.nodeFolder(nodeId), "node.out");
  const { apiPort, p2pPort = apiPort, endsWithUs = false } = options; // Who wants any free port means both.
  const flags = [
    ...(apiPort === undefined ? [] : ["--api-port", String(apiPort)]),
    ...(p2pPort === undefined ? [] : ["--p2p-port", String(p2pPort)]),
    ...(endsWithUs ? ["--lifeline"] : []),
  ];
  const place = ["--session", session.name, "--home", session.home];
  const child = spawnDetached(
    [...options.program, "node", "--node-id", nodeId, ...place, ...flags, "--json"],
    outPath,
    endsWithUs,
  );
  try {
    return await untilAnswers(session, nodeId, child, options.signal);
  } catch (error) {
    child.kill("SIGTERM");
    const lines = (await readFile(outPath, "utf8").catch(() => "")).trim().split("\n").slice(-LOG_LINES_SHOWN);
    const said = lines.map((line) => line.replace(/^chaincore: /, "")).join("; ");
    throw new ChainCoreError("node-failed", `node ${nodeId} did not come up: ${said || (error as Error).message}`, {
      detail: { node: nodeId, out: outPath },
      cause: error,
    });
  }
}

/** A miner as a process of its own, for a node of the session. */
export async function launchMiner(session: Session, nodeId: string, { program }: LaunchOptions): Promise<MinerEntry> {
  const outPath = join(await session.nodeFolder(nodeId), "miner.out");
  const place = ["--session", session.name, "--home", session.home, "--node", nodeId];
  const { pid } = spawnDetached([...program, "mine", "--threads", "1", "--json", ...place], outPath, false);
  if (pid === undefined) throw new ChainCoreError("miner-failed", `no miner could be started for ${nodeId}`);
  return { node_id: nodeId, pid, pid_started: processStartTime(pid) };
}

/** Asks a miner to end. It may have ended already. */
export async function stopMiner({ pid, pid_started }: MinerEntry): Promise<void> {
  const alive = () => isSameProcess(pid, pid_started);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!alive()) return;
    process.kill(pid, signal);
    const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
    while (alive() && performance.now() < deadlineMs) await sleep(POLL_MS);
  }
}

/** @param endsWithUs its standard input is a pipe from us, whose end it takes as the sign to end */
function spawnDetached(command: readonly string[], outPath: string, endsWithUs: boolean): ChildProcess {
  const out = openSync(outPath, "w", 0o600);
  try {
    const child = spawn(command[0]!, command.slice(1), { detached: true, stdio: [endsWithUs ? "pipe" : "ignore", out, out] });
    child.unref();
    (child.stdin as Socket | null)?.unref();
    return child;
  } finally {
    closeSync(out);
  }
}

async function untilAnswers(
  session: Session,
  nodeId: string,
  child: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<NodeStatus> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  child.once("exit", (code, by) => {
    failure ??= new Error(`it ended with ${by ?? code}`);
  });
  for (;;) {
    signal?.throwIfAborted();
    if (failure) throw failure;
    if (performance.now() > deadlineMs) throw new Error(`it has not answered within ${START_TIMEOUT_MS / 1_000} s`);
    const entry = (await session.metadata()).nodes.find((node) => node.node_id === nodeId && node.pid === child.pid);
    const status = entry && (await statusOf(entry));
    if (status?.urls.api) return status;
    await sleep(POLL_MS);
  }
}

/** Undefined while it does not answer. */
export async function statusOf(entry: NodeEntry): Promise<NodeStatus | undefined> {
  const client = new AdminClient(entry.socket, `node ${entry.node_id}`);
  return await client.get<NodeStatus>("/v1/status", { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
}

export interface StoppedNode {
  readonly node: string;
  /** It did not end in time and was killed. */
  readonly forced: boolean;
}

/** Asks a node to stop, waits, and kills it when it has not ended in time. */
export async function stopLaunched(entry: NodeEntry): Promise<StoppedNode> {
  await new AdminClient(entry.socket, `node ${entry.node_id}`)
    .post("/v1/stop", {}, { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) })
    .catch(() => signalProcess(entry, "SIGTERM"));
  if (await hasEnded(entry, STOP_TIMEOUT_MS)) return { node: entry.node_id, forced: false };
  signalProcess(entry, "SIGKILL");
  await hasEnded(entry, STOP_TIMEOUT_MS);
  return { node: entry.node_id, forced: true };
}

/** Only ever the process that registered: its pid may be another's by now. */
function signalProcess(entry: NodeEntry, signal: NodeJS.Signals): void {
  if (!isSameProcess(entry.pid, entry.pid_started)) return;
  try {
    process.kill(entry.pid, signal);
  } catch {
    // It ended in this moment.
  }
}

async function hasEnded(entry: NodeEntry, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isRunning(entry)) {
    if (performance.now() > deadlineMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}
