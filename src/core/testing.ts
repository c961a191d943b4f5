import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AdminClient } from "./client/admin-client.ts";
import type { NodeStatus } from "./client/answers.ts";
import { ChainCoreError } from "./errors.ts";
import { type CreateOptions, createSession } from "./sessions/manage.ts";
import { sessionDown, sessionUp } from "./sessions/network.ts";
import type { Session } from "./sessions/session.ts";

/** A network for a test, in a home of its own: no port and no folder is shared with anybody. */
export interface StartSessionOptions extends Pick<CreateOptions, "mnemonic" | "chainSpec" | "targetSpacingSeconds"> {
  /** Processes, linked with each other. Default 1. */
  readonly nodes?: number;
  /** Processes that mine all the time. Default 0: `mine` makes blocks when the test wants them. */
  readonly miners?: number;
  readonly signal?: AbortSignal;
}

const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../bin/dev.js" : "../../bin/run.js", import.meta.url),
);

/**
 * Starts nodes as processes, and resolves when all answer with the same tip. They end with the session, and by themselves within
 * seconds when this process is killed.
 *
 *   await using net = await startSession({ nodes: 3 });
 *   await net.nodes[0].mine(101);
 *   await net.agree();
 *
 * @throws ChainCoreError node-failed with the node's last words, tips-differ, chain-spec
 */
export async function startSession(options: StartSessionOptions = {}): Promise<TestSession> {
  const home = await mkdtemp(join(tmpdir(), "chaincore-"));
  try {
    const session = await createSession({ home, session: "test", node: undefined }, options);
    const { nodes = 1, miners = 0, signal } = options;
    const program = [process.execPath, PROGRAM];
    const statuses = await sessionUp(session, { nodes, miners, signal, program, apiPort: 0, endsWithUs: true });
    return new TestSession(session, await Promise.all(statuses.map((status) => TestNode.of(status))));
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

export class TestSession implements AsyncDisposable {
  readonly home: string;
  readonly name: string;
  /** In the order of their names, core0 first. */
  readonly nodes: readonly TestNode[];
  readonly #session: Session;

  constructor(session: Session, nodes: readonly TestNode[]) {
    this.#session = session;
    this.home = session.home;
    this.name = session.name;
    this.nodes = nodes;
  }

  /** Resolves when all nodes have the same tip; gives its hash. @throws the signal's reason, after 60 s by default */
  async agree(signal: AbortSignal = AbortSignal.timeout(60_000)): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const tips = new Set(await Promise.all(this.nodes.map((node) => node.rpc<string>("getbestblockhash"))));
      if (tips.size === 1) return [...tips][0]!;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Stops all processes and removes the home. */
  async stop(): Promise<void> {
    await sessionDown(this.#session).catch((error: unknown) => {
      if (!(error instanceof ChainCoreError) || error.code !== "no-node-running") throw error;
    });
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export class TestNode {
  readonly id: string;
  /** http://127.0.0.1:PORT: JSON-RPC, /status, /stats, /metrics. */
  readonly url: string;
  /** Where other nodes link. */
  readonly peerUrl: string;
  /** `user:password` for the API. */
  readonly credentials: string;
  readonly admin: AdminClient;

  private constructor(status: NodeStatus, credentials: string) {
    this.id = status.node;
    this.url = status.urls.api!;
    this.peerUrl = status.urls.p2p!;
    this.credentials = credentials;
    this.admin = new AdminClient(status.socket, status.node);
  }

  static async of(status: NodeStatus): Promise<TestNode> {
    return new TestNode(status, (await readFile(status.cookie, "utf8")).trim());
  }

  /** A call as Bitcoin Core's clients make it. @throws ChainCoreError rpc-error with Core's number and words */
  async rpc<Result = unknown>(method: string, ...params: readonly unknown[]): Promise<Result> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(this.credentials).toString("base64")}` },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result: Result; error?: { code: number; message: string } };
    if (error)
      throw new ChainCoreError("rpc-error", `${this.id} ${method}: ${error.message}`, { detail: { number: error.code } });
    return result;
  }

  /** Makes blocks at once; they pay to `address`, else to the node's own account. @returns their hashes */
  async mine(blocks: number, address?: string): Promise<readonly string[]> {
    return await this.rpc<string[]>("generatetoaddress", blocks, address ?? (await this.rpc<string>("getnewaddress")));
  }
}
