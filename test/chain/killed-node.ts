/*
 * A process that takes in blocks until somebody kills it: `node killed-node.ts DIRECTORY SEED COUNT MODE`. It says `ready`, then
 * `ack N` once the first N blocks are confirmed.
 */
import { writeSync } from "node:fs";
import { ChainBench } from "./harness.ts";
import { QUICK, RandomTree } from "./random-tree.ts";

/** one: a commit for each block; many: up to nine in one commit; parts: changes of coins written in parts. */
export type KillMode = "one" | "many" | "parts";

async function main(directory: string, seed: number, count: number, mode: KillMode): Promise<void> {
  const tree = new RandomTree(seed);
  for (let i = 0; i < count; i++) tree.grow(0.05);
  const blocks = tree.branches.slice(1).map(({ block }) => block);
  const store = { blockFileBytesMax: 50_000, ...(mode === "parts" ? { batchBytesMax: 400 } : {}) };
  await using bench = await ChainBench.open({ params: QUICK, directory, store });
  bench.keep();
  bench.nowSeconds = 2_000_000_000;
  writeSync(1, "ready\n");
  for (let at = 0; at < blocks.length; ) {
    const chunk = blocks.slice(at, at + (mode === "many" ? 1 + tree.below(9) : 1));
    await bench.run((at, chain) => chain.acceptBlocks(at, chunk));
    at += chunk.length;
    writeSync(1, `ack ${at}\n`);
  }
  writeSync(1, "done\n");
}

const [directory, seed, count, mode] = process.argv.slice(2);
await main(directory!, Number(seed), Number(count), mode as KillMode);
