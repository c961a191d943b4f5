import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Api, createApi } from "../../src/core/api/api.ts";
import { chainReader } from "../../src/core/api/chain-reader.ts";
import { type RunningServer, serveApi } from "../../src/core/api/http-server.ts";
import { poolReader } from "../../src/core/api/pool-reader.ts";
import type { ApiDeps } from "../../src/core/api/ports.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { Policy } from "../../src/core/mempool/policy.ts";
import { NodeMining } from "../../src/core/node/node-mining.ts";
import { openParts } from "../../src/core/node/open-parts.ts";
import type { NodeParts } from "../../src/core/node/parts.ts";
import { blockSink, transactionSink } from "../../src/core/node/sinks.ts";
import { SystemClock } from "../../src/core/node/system.ts";
import type { Log } from "../../src/core/ports.ts";
import type { UnixSeconds } from "../../src/core/primitives/units.ts";

const LOG: Log = { debug() {}, info() {}, warn() {}, error: (fields, message) => console.error(message, fields) };
export const CREDENTIALS = `__cookie__:${"7".repeat(64)}`;

/**
 * A node without accounts, peers and registry, as Bitcoin Core without a wallet: its chain in a folder of its own, its clock in the
 * test's hand. `await using`.
 */
export class TestNode {
  readonly directory: string;
  readonly clock = new SystemClock();
  #policy: Partial<Policy> = {};
  #opened!: Awaited<ReturnType<typeof openParts>>;
  #api!: Api;
  #server: RunningServer | undefined;
  #isStopped = false;

  private constructor(directory: string) {
    this.directory = directory;
    this.clock.setMock(1_700_000_000);
  }

  static async open(): Promise<TestNode> {
    const node = new TestNode(await mkdtemp(join(tmpdir(), "chaincore-api-")));
    await node.#open();
    return node;
  }

  get parts(): NodeParts {
    return this.#opened.parts;
  }

  get api(): Api {
    return this.#api;
  }

  /** Whether somebody asked it to stop. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The URL of the API port, opened when first asked for. */
  async url(): Promise<string> {
    this.#server ??= await serveApi(this.#api, { port: 0, credentials: CREDENTIALS });
    return this.#server.url;
  }

  /** What a restart without the pool's file leaves: the chain. */
  async restart(policy: Partial<Policy> = {}): Promise<void> {
    this.#policy = policy;
    await this.#close();
    await this.#open();
  }

  /** The result of a call, or the error `{code, message}` that it answers. */
  async answerTo(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const body = Buffer.from(JSON.stringify({ id: 1, method, params }));
    const answer = await this.#api.rpc.answer(body, new AbortController());
    const { result, error } = JSON.parse(answer.body) as { result: unknown; error: { code: number; message: string } | null };
    return error ?? result;
  }

  /** The result of a call that must not fail. */
  async call<R>(method: string, ...params: readonly unknown[]): Promise<R> {
    const answer = await this.answerTo(method, ...params);
    const failed = typeof answer === "object" && answer !== null && "code" in answer && "message" in answer;
    if (failed) throw new Error(`${method}: ${String(answer.message)}`);
    return answer as R;
  }

  async #open(): Promise<void> {
    const options = { directory: this.directory, params: REGTEST, verifiers: 0, reindex: false, policy: this.#policy };
    const fatal = (error: unknown) => console.error(error);
    this.#opened = await openParts(options, { clock: this.clock, locks: new LockManager(), log: () => LOG, fatal });
    this.#api = createApi(this.#deps());
  }

  #deps(): ApiDeps {
    const { parts } = this;
    const { params, clock, entropy, events, locks, chain, mempool } = parts;
    return {
      params,
      clock,
      entropy,
      events,
      locks,
      log: LOG,
      chain: chainReader(chain),
      pool: poolReader(mempool, clock),
      transactions: transactionSink(parts),
      blocks: blockSink(parts),
      mining: new NodeMining(parts, () => new Uint8Array([0x51])),
      facts: () => ({
        node: "core0",
        session: "test",
        version: "0.1.0",
        startedAt: 0 as UnixSeconds,
        folder: this.directory,
        urls: { api: null, p2p: null },
        socket: "",
        cookie: "",
        signatureEngine: "test",
      }),
      setMockTime: (seconds) => this.clock.setMock(seconds),
      stop: () => {
        this.#isStopped = true;
      },
    };
  }

  async #close(): Promise<void> {
    this.#api.stop();
    await this.#server?.close();
    this.#server = undefined;
    this.parts.journal.close();
    await this.#opened.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
