import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AdminClient } from "../client/admin-client.ts";
import type { NodeStatus } from "../client/answers.ts";
import { isRunning, type NodeEntry } from "../client/session-metadata.ts";
import { ChainCoreError } from "../errors.ts";
import { isSameProcess } from "../files/process-identity.ts";
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
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a node as a process of its own, which outlives this one, and waits until it answers.
 * @throws ChainCoreError node-failed: which one and why, with the last lines that it wrote
 */
export async function launchNode(session: Session, nodeId: string, options: LaunchOptions): Promise<NodeStatus> {
  const outPath = join(await session.nodeFolder(nodeId), "node.out");
  const port = options.apiPort === undefined ? [] : ["--api-port", String(options.apiPort)];
  const place = ["--session", session.name, "--home", session.home];
  const child = spawnDetached([...options.program, "node", "--node-id", nodeId, ...place, ...port, "--json"], outPath);
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

function spawnDetached(command: readonly string[], outPath: string): ChildProcess {
  const out = openSync(outPath, "w", 0o600);
  try {
    const child = spawn(command[0]!, command.slice(1), { detached: true, stdio: ["ignore", out, out] });
    child.unref();
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
