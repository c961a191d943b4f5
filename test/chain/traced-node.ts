/*
 * A process to be traced: takes in a few blocks, a reorganisation, a snapshot and its restoring, and ends cleanly. It writes a line to
 * stdout before and after each step, and a thread that only reads the coins writes one whenever it sees a new version.
 */
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { ChainBench } from "./harness.ts";
import { QUICK, RandomTree } from "./random-tree.ts";

const WATCHER = `
const { workerData: { handle, entry }, parentPort } = require("node:worker_threads");
const { writeSync } = require("node:fs");
import(entry).then(({ CoinReader }) => {
  const reader = CoinReader.attach(handle);
  let seen = 0;
  parentPort.postMessage("watching");
  for (;;) {
    try {
      using snapshot = reader.snapshot();
      if (snapshot.version !== seen) writeSync(1, "seen " + (seen = snapshot.version) + "\\n");
    } catch {
      return; // The table is closed.
    }
  }
});`;

async function watch(bench: ChainBench): Promise<Worker> {
  const entry = new URL("../../src/core/coins/reader.ts", import.meta.url).href;
  const worker = new Worker(WATCHER, { eval: true, workerData: { handle: bench.chain.coins.handle(), entry } });
  await new Promise((resolve) => worker.once("message", resolve));
  return worker;
}

async function main(directory: string): Promise<void> {
  const bench = await ChainBench.open({ params: QUICK, directory, store: { blockFileBytesMax: 1_500 } });
  bench.keep();
  bench.nowSeconds = 2_000_000_000;
  const worker = await watch(bench);
  const step = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    writeSync(1, `begin ${name}\n`);
    await run();
    writeSync(1, `ack ${name}\n`);
  };
  const tree = new RandomTree(4);
  const grow = async (name: string, from = tree.branches.at(-1)!): Promise<void> => {
    const { block } = tree.extend(from);
    await step(name, () => bench.run((at, chain) => chain.acceptBlock(at, block)));
  };
  for (let n = 1; n <= 6; n++) await grow("connect");
  const fork = tree.branches[3]!;
  await step("save", () => bench.run((at, chain) => chain.snapshots.save(at, "here")));
  await grow("side", fork);
  await grow("side");
  await grow("side");
  await grow("reorganise");
  await step("restore", () => bench.run((at, chain) => chain.snapshots.restore(at, "here")));
  await step("close", () => bench.close());
  await worker.terminate();
}

await main(process.argv[2]!);
