import { availableParallelism } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { exportBlockFile, importBlockFile } from "../chain/block-file-exchange.ts";
import { merkleRoot } from "../encoding/merkle.ts";
import { verifyStored } from "../node/verify-stored.ts";
import { Block } from "../primitives/block.ts";
import { STANDARD_FLAGS } from "../script/flags.ts";
import { createVerifier } from "../verify/verifier.ts";
import { BenchNode, spendsOf } from "./bench-node.ts";
import { BlockSupply } from "./block-supply.ts";
import { HardWork } from "./hard-work.ts";
import { cpuSeconds, threadCpuNs, wallMs, watchTurns } from "./measure.ts";
import { type BenchRow, median, quantile, row } from "./report.ts";

/*
 * Whole blocks made durable and visible, and the pool: 2,000 P2WPKH spends, each of one input and two outputs. "unseen" verifies
 * every signature; "pooled before" has taken each through the pool. Wall time with the disk's syncs, a node's threads on all cores:
 * beside other work on the machine it grows, the figures of CPU time and the ratio to the scripts alone do not.
 */

const TRANSACTIONS = 2000;
const RUNS = 5;
const EMPTY_BLOCKS = 1000;
/** Blocks that connect while the pool fills and two threads mine. */
const LOAD_BLOCKS = 4;
const THREADS = Math.min(8, availableParallelism());

export async function rows(): Promise<readonly BenchRow[]> {
  const supply = new BlockSupply();
  supply.fund(2 * (RUNS + 1) * TRANSACTIONS);
  supply.fund(2 * LOAD_BLOCKS * TRANSACTIONS);
  for (let i = 0; i < 2 * (RUNS + 1) + LOAD_BLOCKS; i++) supply.spend(TRANSACTIONS);
  const waiting = supply.loose(LOAD_BLOCKS * TRANSACTIONS).map(({ raw }) => raw.slice());
  const [funding, more, ...full] = supply.blocks.map(({ raw }) => raw);
  await using node = await BenchNode.open();
  for (const raw of [funding!, more!]) await node.connect(raw);
  const connected = await connectRows(node, full.slice(0, -LOAD_BLOCKS));
  const delays = await delayRows(node, full.slice(-LOAD_BLOCKS), waiting);
  const verified = await verifyRows(node);
  const path = join(node.directory, "export.dat");
  await exportBlockFile(node.parts.chain, path);
  return [...connected, ...delays, merkleRow(full[0]!), ...verified, await importFull(path), await importEmpty()];
}

/** By turns: a block that nobody has seen, and one whose transactions are pooled before. */
async function connectRows(node: BenchNode, full: readonly Uint8Array[]): Promise<readonly BenchRow[]> {
  const samples = { unseen: [] as number[], pooled: [] as number[], accept: [] as number[], scripts: [] as number[] };
  const mainUs: number[] = [];
  for (const [index, raw] of full.entries()) {
    const counts = index >= 2;
    if (index % 2 === 0) {
      const ms = await node.connect(raw);
      if (counts) samples.unseen.push(ms);
      continue;
    }
    const spends = spendsOf(raw);
    const scripts = await scriptsAlone(node, raw);
    const cpu = threadCpuNs();
    const accept = await node.pool(spends);
    const main = (threadCpuNs() - cpu) / 1000 / TRANSACTIONS;
    const pooled = await node.connect(raw);
    if (!counts) continue;
    samples.scripts.push((TRANSACTIONS * 1000) / scripts);
    samples.accept.push((TRANSACTIONS * 1000) / accept);
    mainUs.push(main);
    samples.pooled.push(pooled);
  }
  const core = (value: number) => ({ name: "Bitcoin Core 31.1, not durable", value });
  const goal = (bound: number) => ({ on: "value", sign: "<=", bound }) as const;
  const name = `durable connect of a block of ${TRANSACTIONS} transactions`;
  return [
    row({
      ...{ name: "mempool accept", unit: "tx/s", samples: samples.accept, reference: { name: "bcoin 2.2", value: 4_746 } },
      goal: { on: "value", sign: ">=", bound: 14_000 },
    }),
    row({
      ...{ name: "mempool accept", unit: "tx/s", samples: samples.accept },
      reference: { name: `their scripts alone, ${THREADS} threads`, value: median(samples.scripts) },
    }),
    row({ name: "mempool accept, the node's thread", unit: "us CPU", samples: mainUs }),
    row({ name: `${name}, unseen`, unit: "ms", samples: samples.unseen, reference: core(90), goal: goal(150) }),
    row({
      ...{ name: `${name}, unseen`, unit: "ms", samples: samples.unseen },
      reference: { name: "its scripts alone", value: (TRANSACTIONS * 1000) / median(samples.scripts) },
    }),
    row({ name: `${name}, pooled before`, unit: "ms", samples: samples.pooled, reference: core(51), goal: goal(70) }),
  ];
}

/** What no node can be faster than on this machine: only the scripts, on as many threads. */
async function scriptsAlone({ parts: { chain } }: BenchNode, raw: Uint8Array): Promise<number> {
  const verifier = createVerifier({ workers: THREADS, rememberedMax: 0 });
  const jobs = Block.decode(raw)
    .transactions.slice(1)
    .map((tx) => ({ tx, spent: [chain.coins.find(tx.raw, tx.prevoutOffset(0))!], flags: STANDARD_FLAGS }));
  await verifier.verify(jobs); // Threads start, V8 optimises.
  const start = performance.now();
  await verifier.verify(jobs);
  const ms = performance.now() - start;
  await verifier.close();
  return ms;
}

/** Unseen blocks connect, the pool fills, two threads mine. */
async function delayRows(
  node: BenchNode,
  blocks: readonly Uint8Array[],
  waiting: readonly Uint8Array[],
): Promise<readonly BenchRow[]> {
  const work = await HardWork.start(2);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const turns = watchTurns();
  const filling = node.pool(waiting);
  for (const raw of blocks) await node.connect(raw);
  await filling;
  const cpu = turns();
  delay.disable();
  await work.stop();
  const name = `event-loop delay, p99: blocks of ${TRANSACTIONS} connect, the pool fills, two threads mine`;
  const goal = { on: "value", sign: "<=", bound: 50 } as const;
  return [
    row({ name, unit: "ms", samples: [delay.percentile(99) / 1e6], goal }),
    row({ name: "what the loop's turns themselves took meanwhile, p99", unit: "ms CPU", samples: [quantile(cpu, 0.99)], goal }),
    row({ name: "the longest of them", unit: "ms CPU", samples: [Math.max(...cpu)] }),
  ];
}

function merkleRow(raw: Uint8Array): BenchRow {
  const leaves = Block.decode(raw)
    .txidLeaves()
    .subarray(0, 32 * TRANSACTIONS);
  const samples: number[] = [];
  for (let run = 0; run < 20; run++) {
    const start = performance.now();
    merkleRoot(leaves);
    if (run >= 5) samples.push(performance.now() - start);
  }
  return row({ name: `merkle root of ${TRANSACTIONS} txids`, unit: "ms", samples, goal: { on: "value", sign: "<=", bound: 2 } });
}

/** `chain verify` on one thread more than before: what an input costs in all, and what of it only one thread can do. */
async function verifyRows(node: BenchNode): Promise<readonly BenchRow[]> {
  const cost = async (threads: number) => {
    const [cpu, main] = [cpuSeconds(), threadCpuNs()];
    const { inputs } = await verifyStored(node.parts, { threads });
    return { all: ((cpuSeconds() - cpu) * 1e6) / inputs, main: (threadCpuNs() - main) / 1000 / inputs };
  };
  await cost(1);
  const one = await cost(1);
  const two = await cost(2);
  const reference = { name: "one thread", value: one.all };
  const goal = { on: "ratio", sign: "<=", bound: 1.25 } as const;
  return [
    row({ name: "chain verify with two threads, an input", unit: "us CPU", samples: [two.all], reference, goal }),
    row({ name: "of it on the node's own thread", unit: "us CPU", samples: [two.main] }),
  ];
}

/** The same blocks from a file into a new node, which has seen none of them. */
async function importFull(path: string): Promise<BenchRow> {
  const samples: number[] = [];
  for (let run = 0; run < 3; run++) {
    await using node = await BenchNode.open();
    const start = performance.now();
    const { added } = await node.run((at) => importBlockFile(at, node.parts.chain, path));
    samples.push(((added - 1) * TRANSACTIONS * 1000) / (performance.now() - start));
  }
  return row({ name: "import of full blocks", unit: "transactions/s", samples });
}

async function importEmpty(): Promise<BenchRow> {
  const supply = new BlockSupply();
  for (let i = 0; i < EMPTY_BLOCKS; i++) supply.spend(0);
  await using node = await BenchNode.open();
  for (let at = 0; at < EMPTY_BLOCKS; at += 250)
    await node.run((task) => node.parts.chain.acceptBlocks(task, supply.blocks.slice(at, at + 250)));
  const path = join(node.directory, "export.dat");
  await exportBlockFile(node.parts.chain, path);
  const times = await wallMs(async () => {
    await using other = await BenchNode.open();
    await other.run((at) => importBlockFile(at, other.parts.chain, path));
  }, 3);
  const reference = { name: "Bitcoin Core 31.1, a fresh node's sync of 1,000", value: EMPTY_BLOCKS / 0.64 };
  return row({
    name: "import of empty blocks",
    unit: "blocks/s",
    samples: times.map((ms) => (EMPTY_BLOCKS * 1000) / ms),
    reference,
  });
}
