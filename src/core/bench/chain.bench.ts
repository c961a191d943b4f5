import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { exportBlockFile, importBlockFile } from "../chain/block-file-exchange.ts";
import { Chain } from "../chain/chain.ts";
import { blockFlags } from "../consensus/block-flags.ts";
import { assert } from "../errors.ts";
import type { MayTake } from "../locks/context.ts";
import { LockManager } from "../locks/manager.ts";
import type { Log } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import { createVerifier, type ScriptVerifier } from "../verify/verifier.ts";
import { BENCH_NETWORK, BENCH_START, BlockSupply } from "./block-supply.ts";
import { type BenchRow, row } from "./report.ts";

/*
 * A whole block made durable and visible: 2,000 P2WPKH spends, each of one input and two outputs. "unseen" verifies every
 * signature; "pooled" finds them verified, as after their transactions went through the pool. The figures include two syncs of
 * the disk. Bitcoin Core's, measured on two such cores, are not durable.
 */

const TRANSACTIONS = 2000;
const RUNS = 5;
const EMPTY_BLOCKS = 1000;
const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export async function rows(): Promise<readonly BenchRow[]> {
  const supply = new BlockSupply();
  supply.fund(2 * (RUNS + 1) * TRANSACTIONS);
  for (let i = 0; i < 2 * (RUNS + 1); i++) supply.spend(TRANSACTIONS);
  const verifier = createVerifier({ workers: Math.min(8, availableParallelism()) });
  try {
    await using node = await BenchNode.open(verifier);
    const connected = await connectRows(node, supply.blocks);
    const path = join(node.directory, "export.dat");
    await exportBlockFile(node.chain, path);
    return [...connected, await importFull(path, verifier), await importEmpty(verifier)];
  } finally {
    await verifier.close();
  }
}

async function connectRows(node: BenchNode, blocks: readonly Block[]): Promise<readonly BenchRow[]> {
  const [funding, ...full] = blocks.map(({ raw }) => Block.decode(raw)); // Nothing may be known of them beforehand.
  await node.accept(funding!);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const unseen: number[] = [];
  const pooled: number[] = [];
  for (const [index, block] of full.entries()) {
    const isPooled = index % 2 === 1;
    if (isPooled) await node.pool(block);
    delay.enable();
    const start = performance.now();
    await node.accept(block);
    delay.disable();
    if (index >= 2) (isPooled ? pooled : unseen).push(performance.now() - start);
  }
  const core = (value: number) => ({ name: "Bitcoin Core 31.1, not durable", value });
  const goal = (bound: number) => ({ on: "value", sign: "<=", bound }) as const;
  const name = `durable connect of a block of ${TRANSACTIONS} transactions`;
  return [
    row({ name: `${name}, unseen`, unit: "ms", samples: unseen, reference: core(90), goal: goal(150) }),
    row({ name: `${name}, pooled before`, unit: "ms", samples: pooled, reference: core(51), goal: goal(70) }),
    row({ name: "event loop delay meanwhile, p99", unit: "ms", samples: [delay.percentile(99) / 1e6], goal: goal(50) }),
  ];
}

/** The same blocks from a file into a new node. */
async function importFull(path: string, verifier: ScriptVerifier): Promise<BenchRow> {
  const samples: number[] = [];
  for (let run = 0; run < 3; run++) {
    await using node = await BenchNode.open(verifier);
    const start = performance.now();
    const { added } = await node.run((at) => importBlockFile(at, node.chain, path));
    samples.push(((added - 1) * TRANSACTIONS * 1000) / (performance.now() - start));
  }
  return row({ name: "import of full blocks, signatures remembered", unit: "transactions/s", samples });
}

async function importEmpty(verifier: ScriptVerifier): Promise<BenchRow> {
  const supply = new BlockSupply();
  for (let i = 0; i < EMPTY_BLOCKS; i++) supply.spend(0);
  await using node = await BenchNode.open(verifier);
  for (let at = 0; at < EMPTY_BLOCKS; at += 250)
    await node.run((task) => node.chain.acceptBlocks(task, supply.blocks.slice(at, at + 250)));
  const path = join(node.directory, "export.dat");
  await exportBlockFile(node.chain, path);
  const samples: number[] = [];
  for (let run = 0; run < 3; run++) {
    await using other = await BenchNode.open(verifier);
    const start = performance.now();
    await other.run((at) => importBlockFile(at, other.chain, path));
    samples.push((EMPTY_BLOCKS * 1000) / (performance.now() - start));
  }
  const reference = { name: "Bitcoin Core 31.1, a fresh node's sync of 1,000", value: EMPTY_BLOCKS / 0.64 };
  return row({ name: "import of empty blocks", unit: "blocks/s", samples, reference });
}

/** A chain in a folder of its own, without a node around it. */
class BenchNode {
  readonly directory: string;
  readonly chain: Chain;
  readonly #locks: LockManager;
  readonly #verifier: ScriptVerifier;

  private constructor(directory: string, chain: Chain, locks: LockManager, verifier: ScriptVerifier) {
    this.directory = directory;
    this.chain = chain;
    this.#locks = locks;
    this.#verifier = verifier;
  }

  static async open(verifier: ScriptVerifier): Promise<BenchNode> {
    const directory = await mkdtemp(join(tmpdir(), "chaincore-bench-"));
    const locks = new LockManager();
    const deps = {
      clock: { nowMs: () => (BENCH_START + 1_000_000) * 1000, monotonicMs: () => performance.now() },
      log: QUIET,
      chainLock: locks.getLock("chain", "BLOCKCHAIN"),
      coinsLock: locks.getLock("coins", "UTXO_SET"),
      verifier,
      fatal: (error: unknown) => {
        throw error;
      },
    };
    const chain = await locks.task("bench", (at) => Chain.open(at, { directory, params: BENCH_NETWORK }, deps));
    return new BenchNode(directory, chain, locks, verifier);
  }

  run<R>(step: (at: MayTake<"BLOCKCHAIN">) => Promise<R>): Promise<R> {
    return this.#locks.task("bench", step);
  }

  async accept(block: Block): Promise<void> {
    const outcome = await this.run((at) => this.chain.acceptBlock(at, block));
    assert(outcome.kind === "connected", `a block of the bench is ${outcome.kind}`);
  }

  /** What the pool does before: verifies each transaction, so that the verifier remembers it. */
  async pool(block: Block): Promise<void> {
    const flags = blockFlags(this.chain.tip.height + 1, block.hash, BENCH_NETWORK);
    const jobs = block.transactions
      .slice(1)
      .map((tx) => ({ tx, spent: [this.chain.coins.find(tx.raw, tx.prevoutOffset(0))!], flags }));
    await this.#verifier.verify(jobs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run((at) => this.chain.close(at));
    await rm(this.directory, { recursive: true, force: true });
  }
}
