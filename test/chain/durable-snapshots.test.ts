import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemoryChain } from "../support/memory-chain.ts";
import { ChainBench } from "./harness.ts";
import { type Branch, QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf, oracleCoins, replayed } from "./replay.ts";

/** A chain of `count` blocks, and what grows it. */
async function withBlocks(count: number, seed = 1) {
  const bench = await ChainBench.open({ params: QUICK });
  bench.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(seed);
  const grow = async (from: Branch, blocks: number): Promise<Branch[]> => {
    const grown = [from];
    for (let i = 0; i < blocks; i++) {
      grown.push(tree.extend(grown.at(-1)!));
      await bench.run((at, chain) => chain.acceptBlock(at, grown.at(-1)!.block));
    }
    return grown.slice(1);
  };
  const blocks = await grow(tree.branches[0]!, count);
  return { bench, tree, grow, blocks };
}

const save = (bench: ChainBench, name: string, height?: number) =>
  bench.run((at, chain) => chain.snapshots.save(at, name, height));
const restore = (bench: ChainBench, name: string) => bench.run((at, chain) => chain.snapshots.restore(at, name));
const failure = (code: string) => expect.objectContaining({ code });
const tipOf = (bench: ChainBench) => bench.chain.tip.hash;

test("a restored snapshot is the chain and the coins of its height; the better branch stays away, also after a restart", async () => {
  const { bench, grow, blocks } = await withBlocks(10);
  await using _ = bench;
  const coins = coinsOf(bench.chain);
  expect(await save(bench, "ten")).toMatchObject({ name: "ten", height: 10, isActive: true, way: { back: 0, forward: 0 } });
  const better = await grow(blocks.at(-1)!, 5);
  const { move, snapshot } = await restore(bench, "ten");
  expect(move).toMatchObject({ connected: [], disconnected: better.toReversed().map(({ block }) => block.hash) });
  expect(snapshot.way).toEqual({ back: 0, forward: 0 });
  for (let restart = 0; restart < 3; restart++) {
    expect([tipOf(bench), coinsOf(bench.chain)]).toEqual([blocks.at(-1)!.block.hash, coins]);
    await bench.reopen();
  }
});

test("it can be restored any number of times, from wherever the chain has gone", async () => {
  const { bench, grow, blocks } = await withBlocks(6);
  await using _ = bench;
  const wanted = coinsOf(bench.chain);
  await save(bench, "six");
  for (let round = 0; round < 5; round++) {
    await grow(round % 2 === 0 ? blocks.at(-1)! : blocks[3]!, 4 + round);
    if (round === 2) await bench.reopen();
    await restore(bench, "six");
    expect([tipOf(bench), coinsOf(bench.chain)]).toEqual([blocks.at(-1)!.block.hash, wanted]);
  }
});

test("new work on the restored tip is followed at once, and the old branch does not come back before it is outdone", async () => {
  const { bench, tree, grow, blocks } = await withBlocks(6);
  await using _ = bench;
  await save(bench, "six");
  const better = await grow(blocks.at(-1)!, 3);
  await restore(bench, "six");
  const fresh = await grow(blocks.at(-1)!, 1);
  expect(tipOf(bench)).toBe(fresh[0]!.block.hash);
  const [longer] = await grow(better.at(-1)!, 1); // Work on the parked branch does not count.
  expect(tipOf(bench)).toBe(fresh[0]!.block.hash);
  await bench.reopen();
  const more = await grow(fresh[0]!, 3); // As much work as the old branch has: the older one would win the tie.
  expect(tipOf(bench)).toBe(more.at(-1)!.block.hash);
  await bench.reopen();
  expect(tipOf(bench)).toBe(more.at(-1)!.block.hash);
  const [winner] = await grow(more.at(-1)!, 1); // Now work decides again.
  await grow(longer!, 1);
  expect(tipOf(bench)).toBe(winner!.block.hash);
  const back = tree.extend(tree.branches.at(-1)!);
  await bench.run((at, chain) => chain.acceptBlock(at, back.block));
  expect(tipOf(bench)).toBe(back.block.hash);
  expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
});

test("a snapshot on a branch that was left is restored too", async () => {
  const { bench, grow, blocks } = await withBlocks(8);
  await using _ = bench;
  await save(bench, "left");
  await grow(blocks[2]!, 9);
  expect(bench.chain.snapshots.list()[0]).toMatchObject({ isActive: false, way: { back: 9, forward: 5 } });
  await restore(bench, "left");
  expect(tipOf(bench)).toBe(blocks.at(-1)!.block.hash);
  expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
});

test("reconsidering a parked block brings its branch back; so does invalidating the restored tip", async () => {
  const { bench, grow, blocks } = await withBlocks(4);
  await using _ = bench;
  await save(bench, "four");
  const better = await grow(blocks.at(-1)!, 2);
  const side = await grow(blocks[1]!, 4);
  await restore(bench, "four");
  await bench.run((at, chain) => chain.reconsider(at, better.at(-1)!.block.hash));
  await bench.reopen();
  expect(tipOf(bench)).toBe(better.at(-1)!.block.hash);
  await restore(bench, "four");
  await bench.run((at, chain) => chain.invalidate(at, blocks.at(-1)!.block.hash));
  expect(tipOf(bench)).toBe(side.at(-1)!.block.hash);
  await bench.reopen();
  expect(tipOf(bench)).toBe(side.at(-1)!.block.hash);
});

test("a height below the tip can be saved; what is dropped is gone", async () => {
  const { bench, blocks } = await withBlocks(5);
  await using _ = bench;
  await save(bench, "three", 3);
  await restore(bench, "three");
  expect(tipOf(bench)).toBe(blocks[2]!.block.hash);
  await bench.run((at, chain) => chain.snapshots.drop(at, "three"));
  await bench.reopen();
  expect(bench.chain.snapshots.list()).toEqual([]);
  await expect(restore(bench, "three")).rejects.toThrow('there is no snapshot "three"; none is saved');
});

test("each wrong request is refused with its own sentence, and changes nothing", async () => {
  const { bench, blocks } = await withBlocks(3);
  await using _ = bench;
  await save(bench, "a");
  for (const name of ["", "a/b", "../a", ".a", "a b", "x".repeat(65)]) {
    await expect(save(bench, name)).rejects.toEqual(failure("bad-snapshot-name"));
    await expect(restore(bench, name)).rejects.toEqual(failure("bad-snapshot-name"));
  }
  await expect(save(bench, "a")).rejects.toThrow(/a snapshot "a" is there already, of height 3/);
  await expect(save(bench, "b", 9)).rejects.toThrow("the best chain has no block at height 9; it ends at 3");
  await expect(restore(bench, "c")).rejects.toThrow('there is no snapshot "c"; saved are: a');
  await bench.run((at, chain) => chain.invalidate(at, blocks[2]!.block.hash));
  await expect(restore(bench, "a")).rejects.toEqual(failure("snapshot-block-invalid"));
  expect(bench.failures).toEqual([]);
  expect(bench.chain.snapshots.list().map(({ name }) => name)).toEqual(["a"]);
});

test("a snapshot whose block is not stored any more says so", async () => {
  const { bench } = await withBlocks(3);
  await using _ = bench;
  await save(bench, "mine");
  await bench.close();
  const directory = await mkdtemp(join(tmpdir(), "chaincore-snapshot-"));
  await writeFile(join(directory, "snapshots.json"), await readFile(join(bench.directory, "snapshots.json")));
  await using other = await ChainBench.open({ params: QUICK, directory });
  expect(other.chain.snapshots.list()).toMatchObject([{ name: "mine", isActive: false, way: undefined }]);
  await expect(restore(other, "mine")).rejects.toEqual(failure("snapshot-block-gone"));
  expect(tipOf(other)).toBe(other.chain.genesis.hash);
});

test("a damaged list is refused at start, each byte of it; without it the chain opens", async () => {
  const { bench, blocks } = await withBlocks(2);
  await using _ = bench;
  await save(bench, "two");
  await bench.close();
  const path = join(bench.directory, "snapshots.json");
  const whole = await readFile(path);
  for (let at = 0; at < whole.length - 1; at += 3) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1;
    await writeFile(path, damaged);
    await expect(bench.reopen()).rejects.toEqual(failure("snapshots-damaged"));
  }
  await rm(path);
  await bench.reopen();
  expect(tipOf(bench)).toBe(blocks.at(-1)!.block.hash);
});

const SEEDS = [11, 12, 13];

test.each(SEEDS)("blocks, saves, restores and restarts at random end where a plain chain ends (seed %i)", async (seed) => {
  await using bench = await ChainBench.open({ params: QUICK });
  bench.nowSeconds = 2_000_000_000;
  const oracle = new MemoryChain(QUICK);
  oracle.nowSeconds = bench.nowSeconds;
  const tree = new RandomTree(seed);
  const saved = new Map<string, string>();
  let restored = 0;
  for (let step = 0; step < 200; step++) {
    const { block } = tree.grow(0.04);
    oracle.submit(block.raw);
    await bench.run((at, chain) => chain.acceptBlock(at, block));
    if (tree.random() < 0.1) {
      saved.set(`s${step}`, oracle.tip.hash);
      await save(bench, `s${step}`);
    }
    if (saved.size > 0 && tree.random() < 0.1) {
      const name = tree.pick([...saved.keys()]);
      oracle.restore(saved.get(name)! as never);
      await restore(bench, name);
      restored++;
    }
    if (tree.random() < 0.05) await bench.reopen();
    expect(tipOf(bench), `step ${step}`).toBe(oracle.tip.hash);
    expect(coinsOf(bench.chain), `step ${step}`).toEqual(oracleCoins(oracle));
  }
  expect(restored).toBeGreaterThan(5);
});
