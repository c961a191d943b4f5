import { type Api, createApi } from "../../src/core/api/api.ts";
import { chainReader } from "../../src/core/api/chain-reader.ts";
import { EventLog } from "../../src/core/api/events.ts";
import { serveApi } from "../../src/core/api/http-server.ts";
import { poolReader } from "../../src/core/api/pool-reader.ts";
import type { AcceptOptions, ApiDeps, BlockSink, Mining, TransactionSink, TransactionVerdict } from "../../src/core/api/ports.ts";
import { submitBlockResult, type TipMove } from "../../src/core/chain/outcome.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { ChainCoreError } from "../../src/core/errors.ts";
import type { Root } from "../../src/core/locks/context.ts";
import { followChain } from "../../src/core/mempool/follow-chain.ts";
import { Mempool } from "../../src/core/mempool/mempool.ts";
import { DEFAULT_POLICY } from "../../src/core/mempool/policy.ts";
import { withScripts } from "../../src/core/mempool/script-verdict.ts";
import { mineOne } from "../../src/core/mining/generate.ts";
import { buildTemplate, Candidate } from "../../src/core/mining/template.ts";
import type { Log } from "../../src/core/ports.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Sats, UnixSeconds } from "../../src/core/primitives/units.ts";
import { STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import { createVerifier } from "../../src/core/verify/verifier.ts";
import { ChainBench } from "../chain/harness.ts";

const QUIET: Log = { debug() {}, info() {}, warn() {}, error: (fields, message) => console.error(message, fields) };
export const CREDENTIALS = `__cookie__:${"7".repeat(64)}`;

/** Chain, pool and API, wired together as a node does it but for threads, peers and accounts. `await using`. */
export class TestNode {
  readonly bench: ChainBench;
  pool!: Mempool;
  events!: EventLog;
  api!: Api;
  readonly #verifier = createVerifier({ workers: 0 });
  #stopped = false;
  #server: Awaited<ReturnType<typeof serveApi>> | undefined;

  private constructor(bench: ChainBench, follow: { move?: (move: TipMove) => Promise<void> }) {
    this.bench = bench;
    follow.move = (move) => this.#follow(move);
    this.restart();
  }

  /** What a restart leaves: the chain. */
  restart(): void {
    const { chain } = this.bench;
    this.pool = new Mempool({ policy: DEFAULT_POLICY, params: REGTEST, tip: chain.find(chain.tip.hash)! });
    this.events = new EventLog({ clock: this.#clock });
    this.api = createApi(this.#deps());
  }

  static async open(): Promise<TestNode> {
    const follow: { move?: (move: TipMove) => Promise<void> } = {};
    const bench = await ChainBench.open(
      {},
      { verifier: createVerifier({ workers: 0 }), follow: (_at, move) => follow.move!(move) },
    );
    return new TestNode(bench, follow);
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  get #clock() {
    return { nowMs: () => this.bench.nowSeconds * 1000, monotonicMs: () => performance.now() };
  }

  /** The URL of the API port, opened when first asked for. */
  async url(): Promise<string> {
    this.#server ??= await serveApi(this.api, { port: 0, credentials: CREDENTIALS });
    return this.#server.url;
  }

  /** The result of a call, or the error `{code, message}` that it answers. */
  async answerTo(method: string, ...params: unknown[]): Promise<unknown> {
    const { body } = await this.api.rpc.answer(Buffer.from(JSON.stringify({ id: 1, method, params })), new AbortController());
    const { result, error } = JSON.parse(body) as { result: unknown; error: { code: number; message: string } | null };
    return error ?? result;
  }

  /** The result of a call that must not fail. */
  async call<R>(method: string, ...params: unknown[]): Promise<R> {
    const { body } = await this.api.rpc.answer(Buffer.from(JSON.stringify({ id: 1, method, params })), new AbortController());
    const { result, error } = JSON.parse(body) as { result: R; error: { message: string } | null };
    if (error !== null) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #deps(): ApiDeps {
    const { chain } = this.bench;
    return {
      params: REGTEST,
      clock: this.#clock,
      entropy: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      log: QUIET,
      events: this.events,
      locks: this.bench.locks,
      chain: chainReader(chain),
      pool: poolReader(this.pool, this.#clock),
      transactions: this.#transactions(),
      blocks: this.#blocks(),
      mining: this.#mining(),
      facts: () => ({
        node: "core0",
        session: "test",
        version: "0.1.0",
        startedAt: 0 as UnixSeconds,
        folder: this.bench.directory,
        urls: { api: null, p2p: null },
        socket: "",
        cookie: "",
        signatureEngine: "test",
        kernel: "test",
      }),
      setMockTime: (seconds) => {
        this.bench.nowSeconds = seconds;
      },
      stop: () => {
        this.#stopped = true;
      },
    };
  }

  #transactions(): TransactionSink {
    const lock = this.bench.locks.getLock("mempool", "MEMPOOL");
    return {
      accept: (at, tx, options) => this.#accept(at, tx, options),
      prioritise: (at, txid, delta) => lock.withWrite(at, (at) => this.pool.prioritise(at, txid, delta)),
    };
  }

  async #accept(at: Root, tx: Transaction, { feeRateMax, testOnly }: AcceptOptions): Promise<TransactionVerdict> {
    const judged = this.pool.evaluate(tx, this.#view(), { nowSeconds: this.bench.nowSeconds as UnixSeconds });
    if ("kind" in judged) return { kind: "invalid", why: judged, isMissingInputs: judged.kind === "missing-inputs" };
    const vsize = tx.vsize;
    if (feeRateMax && judged.fee > Math.ceil((feeRateMax * vsize) / 1000)) return { kind: "fee-exceeded", fee: judged.fee };
    const [failure] = await this.#verifier.verify([{ tx, spent: judged.spent, flags: STANDARD_FLAGS }]);
    const verified = withScripts(judged, failure);
    if ("kind" in verified) return { kind: "invalid", why: verified, isMissingInputs: false };
    if (!testOnly) {
      await this.bench.locks.getLock("mempool", "MEMPOOL").withWrite(at, (at) => this.pool.add(at, verified));
      this.events.append({ event: "transaction-added", txid: tx.txid, vsize, feeSats: judged.fee });
    }
    return { kind: "accepted", fee: judged.fee, vsize };
  }

  #blocks(): BlockSink {
    const { chain } = this.bench;
    return {
      acceptBlock: async (at, block) => submitBlockResult(await chain.acceptBlock(at, block)),
      acceptHeader: async (at, header) => {
        const outcome = await chain.acceptHeader(at, header);
        return outcome.kind === "invalid" ? outcome.why : outcome.kind === "orphan" ? "orphan" : undefined;
      },
      checkCandidate: (at, block) => chain.checkCandidate(at, block),
      invalidate: async (at, hash) => void (await chain.invalidate(at, hash)),
      reconsider: async (at, hash) => void (await chain.reconsider(at, hash)),
    };
  }

  #mining(): Mining {
    const entropy = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
    const template = (entries?: readonly Transaction[]) => {
      const parent = this.bench.chain.find(this.bench.chain.tip.hash)!;
      const chosen = entries?.map((tx) => ({ tx, fee: 0 as Sats, sigopCost: 0 }));
      const limits = { weight: 3_992_000, sigopCost: 79_600, minFeeRate: DEFAULT_POLICY.blockMinFeeRate };
      const pooled = chosen ?? this.pool.select(limits).entries;
      return buildTemplate({ parent, params: REGTEST, entries: pooled, nowSeconds: this.bench.nowSeconds });
    };
    return {
      hashesPerSecond: 0,
      miners: 0,
      template: async () => template(),
      mineNow: async (at, { script, transactions, triesMax, submits }) => {
        const block = mineOne(new Candidate(template(transactions), { script }), entropy, triesMax);
        const reason = submits === false ? null : submitBlockResult(await this.bench.chain.acceptBlock(at, block));
        if (reason !== null) throw new ChainCoreError("block-not-accepted", reason);
        return block;
      },
    };
  }

  #view() {
    const { chain } = this.bench;
    const tip = chain.find(chain.tip.hash)!;
    return { tip, findCoin: (bytes: Uint8Array, offset: number) => chain.coins.find(bytes, offset) };
  }

  async #follow({ connected, displaced, disconnected, tip }: TipMove): Promise<void> {
    const move = { view: this.#view(), connected, displaced, nowSeconds: this.bench.nowSeconds as UnixSeconds };
    await followChain(undefined as never, this.pool, move, (candidates) =>
      this.#verifier.verify(candidates.map(({ tx, spent }) => ({ tx, spent, flags: STANDARD_FLAGS }))),
    );
    for (const hash of disconnected)
      this.events.append({ event: "block-disconnected", hash, height: this.bench.chain.find(hash)!.height });
    connected.forEach(({ hash, transactions }, index) => {
      const height = tip.height - connected.length + 1 + index;
      this.events.append({ event: "block-connected", hash, height, transactions: transactions.length });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api.stop();
    await this.#server?.close();
    await this.bench[Symbol.asyncDispose]();
  }
}
