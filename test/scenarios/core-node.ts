import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type NodeOptions, type RunningNode, startNode } from "../../src/core/index.ts";

/** A whole node, asked over HTTP as Bitcoin Core was asked. `await using`. */
export class CoreNode {
  readonly #node: RunningNode;
  readonly #url: string;
  readonly #authorization: string;

  private constructor(node: RunningNode, url: string, cookie: string) {
    this.#node = node;
    this.#url = url;
    this.#authorization = `Basic ${Buffer.from(cookie).toString("base64")}`;
  }

  static async start(home: string, policy: NodeOptions["policy"] = {}): Promise<CoreNode> {
    const node = await startNode({ home, nodeId: "core0", apiPort: 0, p2pPort: 0, policy, log: { level: "error" } });
    const { urls, cookie } = node.status();
    return new CoreNode(node, urls.api!, (await readFile(cookie, "utf8")).trim());
  }

  /** The result, or the error `{code, message}`. */
  async ask(method: string, params: readonly unknown[]): Promise<{ result: unknown; error: unknown }> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { authorization: this.#authorization },
      body: JSON.stringify({ id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result: unknown; error: unknown };
    return { result, error };
  }

  /** Stops, and forgets what waited: the recordings start with an empty pool. */
  async stopAndEmptyPool(): Promise<void> {
    const { cookie } = this.#node.status();
    await this.#node.stop();
    await rm(join(dirname(cookie), "mempool.dat"), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.stop();
  }
}
