import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { AdminClient, type PeersAnswer } from "../../src/core/client/index.ts";
import { fastestEntry } from "../support/cli.ts";

const root = new URL("../..", import.meta.url).pathname;
const entry = join(root, fastestEntry());

interface Ready {
  readonly node: string;
  readonly api: string;
  readonly p2p: string;
  readonly socket: string;
  readonly cookie: string;
}

/** A node in a process of its own, asked over HTTP. */
export class NodeProcess {
  readonly id: string;
  readonly ready: Ready;
  readonly admin: AdminClient;
  readonly #child: ChildProcess;
  readonly #authorization: string;

  private constructor(child: ChildProcess, ready: Ready, cookie: string) {
    this.#child = child;
    this.ready = ready;
    this.id = ready.node;
    this.admin = new AdminClient(ready.socket, ready.node);
    this.#authorization = `Basic ${Buffer.from(cookie).toString("base64")}`;
  }

  static async start(home: string, id: string, flags: readonly string[] = []): Promise<NodeProcess> {
    const args = [
      entry,
      "node",
      "--json",
      "--home",
      home,
      "--node-id",
      id,
      "--api-port",
      "0",
      ...(flags.includes("--p2p-port") ? [] : ["--p2p-port", "0"]),
      "--verifiers",
      "1",
      ...flags,
    ];
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      NODE_COMPILE_CACHE: join(tmpdir(), "chaincore-test-compile-cache"),
    };
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    const ready = JSON.parse(line) as Ready;
    return new NodeProcess(child, ready, (await readFile(ready.cookie, "utf8")).trim());
  }

  async rpc<R = unknown>(method: string, ...params: readonly unknown[]): Promise<R> {
    const response = await fetch(this.ready.api, {
      method: "POST",
      headers: { authorization: this.#authorization },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result: R; error?: { message: string } };
    if (error) throw new Error(`${this.id} ${method}: ${error.message}`);
    return result;
  }

  peers(): Promise<PeersAnswer> {
    return this.admin.get("/v1/peers");
  }

  fault(verb: "partition" | "delay" | "drop" | "heal", request: object = {}): Promise<PeersAnswer> {
    return this.admin.post(`/v1/peers/${verb}`, request);
  }

  tip(): Promise<string> {
    return this.rpc<string>("getbestblockhash");
  }

  height(): Promise<number> {
    return this.rpc<number>("getblockcount");
  }

  /** Of all coins. */
  async coins(): Promise<string> {
    return (await this.rpc<{ muhash: string }>("gettxoutsetinfo", "muhash")).muhash;
  }

  async mine(blocks: number): Promise<void> {
    await this.rpc("generatetoaddress", blocks, await this.rpc("getnewaddress"));
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}

/** Nodes of one session, each a process; they find each other by the registry. `await using`. */
export class Network {
  readonly home: string;
  readonly nodes: NodeProcess[] = [];

  private constructor(home: string) {
    this.home = home;
  }

  static async start(count: number, flags: readonly string[] = []): Promise<Network> {
    const network = new Network(await mkdtemp(join(tmpdir(), "network-")));
    const started = await Promise.all(
      Array.from({ length: count }, (_, n) => NodeProcess.start(network.home, `core${n}`, flags)),
    );
    network.nodes.push(...started);
    return network;
  }

  /** Starts a node again that was killed, or a new one. */
  async revive(id: string): Promise<NodeProcess> {
    const node = await NodeProcess.start(this.home, id);
    const place = this.nodes.findIndex((old) => old.id === id);
    if (place < 0) this.nodes.push(node);
    else this.nodes[place] = node;
    return node;
  }

  /** Every node is linked with at least `count` others. */
  async untilLinked(count: number): Promise<void> {
    await until(`each node has ${count} links`, async () => {
      const answers = await Promise.all(this.nodes.map((node) => node.peers()));
      return answers.every(({ peers }) => peers.length >= count);
    });
  }

  /** All have one tip; gives how long that took, in milliseconds. */
  async untilAgreed(nodes: readonly NodeProcess[] = this.nodes): Promise<number> {
    const from = performance.now();
    await until("one tip", async () => new Set(await Promise.all(nodes.map((node) => node.tip()))).size === 1);
    return performance.now() - from;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Looks again and again; a watchdog ends what never comes. */
export async function until(what: string, holds: () => Promise<boolean>, watchdogMs = 100_000): Promise<void> {
  const end = performance.now() + watchdogMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`still not: ${what}`);
    await sleep(50);
  }
}
