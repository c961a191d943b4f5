import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chain } from "../chain/chain.ts";
import { assert } from "../errors.ts";
import { LockManager } from "../locks/manager.ts";
import type { Log } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { height, sats } from "../primitives/units.ts";
import { Store } from "../store/store.ts";
import { createVerifier, type ScriptVerifier } from "../verify/verifier.ts";
import { BENCH_NETWORK, BENCH_START, BlockSupply } from "./block-supply.ts";
import { cpuSeconds } from "./measure.ts";
import { type BenchRow, median, row } from "./report.ts";

/*
 * What a node's folder with a million coins costs: starting from the database and from the image that a clean end leaves, and
 * going back ten blocks to a saved snapshot, beside the same with next to no coins.
 */

const COINS = 1_000_000;
const BATCH = 50_000;
const STARTS = 3;
const BLOCKS = 10;
const RESTORES = 15;
const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export async function diskRows(): Promise<readonly BenchRow[]> {
  const verifier = createVerifier({ workers: 0 });
  const [small, large] = [new Folder(verifier), new Folder(verifier)];
  try {
    await small.make(0);
    await large.make(COINS);
    const [database, image] = await starts(large);
    const few = await restores(small);
    const many = await restores(large);
    return [
      row({ name: `start with ${COINS} coins from the database (CPU)`, unit: "ms", samples: database }),
      row({
        name: `start with ${COINS} coins from their image (CPU)`,
        unit: "ms",
        samples: image,
        reference: { name: "from the database", value: median(database) },
        goal: { on: "ratio", sign: "<=", bound: 0.5 },
      }),
      row({
        name: `snapshot restore ${BLOCKS} blocks back, ${COINS} coins (CPU)`,
        unit: "ms",
        samples: many,
        reference: { name: "with ten coins", value: median(few) },
        goal: { on: "ratio", sign: "<=", bound: 1.5 },
      }),
    ];
  } finally {
    await verifier.close();
    await small.remove();
    await large.remove();
  }
}

/** CPU milliseconds of opening, in turns: without the image, and with it. */
async function starts(folder: Folder): Promise<[database: number[], image: number[]]> {
  const samples: [number[], number[]] = [[], []];
  for (let run = 0; run < 2 * STARTS; run++) {
    if (run % 2 === 0) await rm(join(folder.path, "coins.image"), { force: true });
    const start = cpuSeconds();
    await folder.open();
    samples[run % 2]!.push((cpuSeconds() - start) * 1e3);
    assert(folder.chain.coins.count >= COINS, "the coins of the bench are not all there");
    await folder.close();
  }
  return samples;
}

/** CPU milliseconds of going back and forth, halved: each way walks the same blocks. */
async function restores(folder: Folder): Promise<number[]> {
  await folder.open();
  await folder.save("bottom");
  const supply = new BlockSupply();
  for (let i = 0; i < BLOCKS; i++) supply.spend(0);
  await folder.accept(supply.blocks);
  await folder.save("top");
  const samples: number[] = [];
  for (let run = -3; run < RESTORES; run++) {
    const start = cpuSeconds();
    await folder.restore("bottom");
    await folder.restore("top");
    if (run >= 0) samples.push(((cpuSeconds() - start) * 1e3) / 2);
  }
  await folder.close();
  return samples;
}

/** A chain in a folder, opened and closed at will. */
class Folder {
  path = "";
  readonly #locks = new LockManager();
  readonly #verifier: ScriptVerifier;
  #chain: Chain | undefined;

  constructor(verifier: ScriptVerifier) {
    this.#verifier = verifier;
  }

  get chain(): Chain {
    return this.#chain!;
  }

  /** Genesis, and coins that stand in no block. */
  async make(coins: number): Promise<void> {
    this.path = await mkdtemp(join(tmpdir(), "chaincore-bench-"));
    await this.open();
    await this.close();
    const genesisHash = Block.decode(BENCH_NETWORK.genesis).header.hashBytes;
    const store = await Store.open({ directory: this.path, magic: BENCH_NETWORK.magic, genesisHash });
    for (let first = 0; first < coins; first += BATCH) await store.write({ coins: { spends: [], creates: coinsFrom(first) } });
    await store.close();
  }

  async open(): Promise<void> {
    const deps = {
      clock: { nowMs: () => (BENCH_START + 1_000_000) * 1000, monotonicMs: () => performance.now() },
      log: QUIET,
      chainLock: this.#locks.getLock("chain", "BLOCKCHAIN"),
      coinsLock: this.#locks.getLock("coins", "UTXO_SET"),
      verifier: this.#verifier,
      fatal: (error: unknown) => {
        throw error;
      },
    };
    this.#chain = await this.#locks.task("bench", (at) => Chain.open(at, { directory: this.path, params: BENCH_NETWORK }, deps));
  }

  async accept(blocks: readonly Block[]): Promise<void> {
    await this.#locks.task("bench", (at) => this.chain.acceptBlocks(at, blocks));
    assert(this.chain.tip.height === BLOCKS, "the blocks of the bench do not connect");
  }

  async save(name: string): Promise<void> {
    await this.#locks.task("bench", (at) => this.chain.snapshots.save(at, name));
  }

  async restore(name: string): Promise<void> {
    await this.#locks.task("bench", (at) => this.chain.snapshots.restore(at, name));
  }

  async close(): Promise<void> {
    await this.#locks.task("bench", (at) => this.chain.close(at));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

function coinsFrom(first: number): { readonly outpoint: Uint8Array; readonly coin: Coin }[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const n = first + index;
    const outpoint = new Uint8Array(36);
    const view = new DataView(outpoint.buffer);
    for (let at = 0; at < 32; at += 4) view.setUint32(at, Math.imul(n + at + 1, 0x9e3779b1), true);
    view.setUint32(0, n, true);
    const script = new Uint8Array(22);
    script.set([0, 20, n, n >>> 8, n >>> 16]);
    return { outpoint, coin: { value: sats(n), script, height: height(0), isCoinbase: false } };
  });
}
