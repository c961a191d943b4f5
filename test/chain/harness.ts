import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chain, type ChainDeps, type ChainOptions } from "../../src/core/chain/chain.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import type { MayTake } from "../../src/core/locks/context.ts";
import { LockManager } from "../../src/core/locks/manager.ts";
import type { Log } from "../../src/core/ports.ts";
import { inlineVerifier } from "../support/inline-verifier.ts";

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A chain in a folder of its own, its clock in the test's hand. `await using`; opening again keeps the folder. */
export class ChainBench {
  readonly directory: string;
  readonly locks = new LockManager();
  nowSeconds = 1_700_000_000;
  /** What `fatal` was told. */
  readonly failures: unknown[] = [];
  readonly #deps: Partial<ChainDeps>;
  readonly #options: Partial<ChainOptions>;
  #chain: Chain | undefined;
  #isKept = false;

  private constructor(directory: string, options: Partial<ChainOptions>, deps: Partial<ChainDeps>) {
    this.directory = directory;
    this.#options = options;
    this.#deps = deps;
  }

  static async open(options: Partial<ChainOptions> = {}, deps: Partial<ChainDeps> = {}): Promise<ChainBench> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "chaincore-chain-")));
    const bench = new ChainBench(directory, options, deps);
    await bench.reopen();
    return bench;
  }

  get chain(): Chain {
    return this.#chain!;
  }

  /** Runs a step as one strand that holds nothing. */
  run<R>(step: (at: MayTake<"BLOCKCHAIN">, chain: Chain) => Promise<R>): Promise<R> {
    return this.locks.task("test", (at) => step(at, this.chain));
  }

  async reopen(options: Partial<ChainOptions> = {}): Promise<Chain> {
    await this.close();
    const all = { params: REGTEST, ...this.#options, ...options, directory: this.directory };
    this.#chain = await this.locks.task("open", (at) => Chain.open(at, all, this.deps()));
    return this.#chain;
  }

  deps(): ChainDeps {
    return {
      clock: { nowMs: () => this.nowSeconds * 1000, monotonicMs: () => performance.now() },
      log: QUIET,
      chainLock: this.locks.getLock("chain", "BLOCKCHAIN"),
      coinsLock: this.locks.getLock("coins", "UTXO_SET"),
      verifier: inlineVerifier(),
      fatal: (error) => this.failures.push(error),
      ...this.#deps,
    };
  }

  async close(): Promise<void> {
    const chain = this.#chain;
    this.#chain = undefined;
    if (chain !== undefined) await this.locks.task("close", (at) => chain.close(at));
  }

  /** The folder outlives the bench. */
  keep(): void {
    this.#isKept = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    if (!this.#isKept) await rm(this.directory, { recursive: true, force: true });
  }
}
