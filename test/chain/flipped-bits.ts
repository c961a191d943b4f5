import { cpSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Chain } from "../../src/core/chain/chain.ts";
import { StoreError } from "../../src/core/store/store-error.ts";
import { seededNumbers } from "../support/seeded.ts";
import { ChainBench } from "./harness.ts";
import { QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf } from "./replay.ts";

/** All that a chain serves, as lines of text. */
async function everything(chain: Chain): Promise<string[]> {
  const lines = [JSON.stringify(chain.tips()), JSON.stringify([...coinsOf(chain)].sort())];
  lines.push(JSON.stringify(chain.snapshots.list()));
  for (let height = 0; height <= chain.tip.height; height++) {
    const { hash } = chain.atHeight(height)!;
    const block = (await chain.readBlock(hash))!;
    lines.push(Buffer.from(block.raw).toString("hex"), JSON.stringify(await chain.readSpentCoins(hash)));
    for (const { txid } of block.transactions) lines.push(JSON.stringify(await chain.findTransaction(txid)));
  }
  return lines;
}

/** A folder with some sixty blocks, a few branches and a restored snapshot, closed; so it has an image of the coins too. */
async function template(): Promise<{ directory: string; served: readonly string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-flip-"));
  await using bench = await ChainBench.open({ params: QUICK, directory });
  bench.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(5);
  for (let i = 0; i < 60; i++) {
    await bench.run((at, chain) => chain.acceptBlock(at, tree.grow(0).block));
    if (i % 25 === 24) await bench.reopen(); // Then LevelDB turns its log into a table.
  }
  await bench.run((at, chain) => chain.snapshots.save(at, "back", chain.tip.height - 3));
  await bench.run((at, chain) => chain.snapshots.restore(at, "back"));
  const served = await everything(bench.chain);
  await bench.close();
  bench.keep();
  return { directory, served };
}

async function files(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  const sizes = await Promise.all(names.map((name) => stat(join(directory, name))));
  return names.filter((_, index) => sizes[index]!.isFile() && sizes[index]!.size > 0 && !/LOG|LOCK/.test(names[index]!)).sort();
}

async function outcomeOf(directory: string, served: readonly string[], where: string): Promise<"refused" | "harmless"> {
  try {
    await using bench = await ChainBench.open({ params: QUICK, directory });
    expect(await everything(bench.chain), where).toEqual(served);
    return "harmless";
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    if (!(error instanceof StoreError)) throw error;
    expect(error.code, where).toMatch(
      /^(database|block-file)-(damaged|missing)$|^data-newer$|^data-other-network$|^snapshots-damaged$/,
    );
    return "refused";
  }
}

/** Flips one bit a round, going round the files of a node's folder; the node refuses the folder, or serves exactly what it served before. */
export async function flipBits(seed: number, roundsPerFile: number): Promise<{ refused: number; harmless: number }> {
  const { directory, served } = await template();
  const names = await files(directory);
  expect(names.join(" ")).toMatch(/blk00000\.dat.*coins\.image.*\.ldb.*\.log.*serial.*snapshots\.json/);
  const next = seededNumbers(seed);
  const verdicts = { refused: 0, harmless: 0 };
  for (let round = 0; round < roundsPerFile * names.length; round++) {
    const copy = await mkdtemp(join(tmpdir(), "chaincore-flipped-"));
    cpSync(directory, copy, { recursive: true });
    const path = join(copy, names[round % names.length]!);
    const bytes = await readFile(path);
    const at = next() % bytes.length;
    bytes[at]! ^= 1 << (next() % 8);
    await writeFile(path, bytes);
    verdicts[await outcomeOf(copy, served, `${path} at ${at}`)]++;
  }
  await rm(directory, { recursive: true });
  return verdicts;
}
