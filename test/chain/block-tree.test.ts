import { expect, test } from "vitest";
import { type BlockNode, isBetter } from "../../src/core/chain/block-entry.ts";
import { BlockTree } from "../../src/core/chain/block-tree.ts";
import { forkOf, pathUp } from "../../src/core/chain/fork.ts";
import { Orphans } from "../../src/core/chain/orphans.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Header } from "../../src/core/primitives/header.ts";
import { unixSeconds } from "../../src/core/primitives/units.ts";
import { RandomTree } from "./random-tree.ts";

const POSITION = { file: 0, offset: 8, size: 100, checksum: 1 };

/** A tree of headers without work in them; the tree checks no rule. */
class Sapling {
  readonly tree = new BlockTree(Block.decode(REGTEST.genesis).header);
  #made = 0;

  add(prev: BlockNode, stored = true): BlockNode {
    const time = unixSeconds(1_700_000_000 + ((this.#made * 7919) % 600));
    const fields = { version: 4, prevHash: prev.hash, merkleRootBytes: new Uint8Array(32), time, bits: 0x207fffff };
    const node = this.tree.addHeader(Header.build({ ...fields, nonce: this.#made++ }), prev);
    if (stored) this.tree.setStored(node, POSITION, 1);
    return node;
  }

  chain(from: BlockNode, length: number): BlockNode[] {
    const nodes: BlockNode[] = [];
    for (let i = 0; i < length; i++) nodes.push(this.add(nodes.at(-1) ?? from));
    return nodes;
  }
}

test("ancestors are found at any height, and forks by them", () => {
  const sapling = new Sapling();
  const trunk = sapling.chain(sapling.tree.genesis, 1000);
  const branch = sapling.chain(trunk[699]!, 100);
  const tip = trunk.at(-1)!;
  for (let height = 1; height <= 1000; height += 13) expect(tip.ancestor(height)).toBe(trunk[height - 1]);
  expect([tip.ancestor(0), tip.ancestor(1001), tip.ancestor(-1)]).toEqual([sapling.tree.genesis, undefined, undefined]);
  expect(forkOf(tip, branch.at(-1)!)).toBe(trunk[699]);
  expect(forkOf(branch.at(-1)!, trunk[10]!)).toBe(trunk[10]);
  expect(pathUp(trunk[699]!, branch.at(-1)!)).toEqual(branch);
});

test("the median time past is that of eleven blocks", () => {
  const sapling = new Sapling();
  const trunk = sapling.chain(sapling.tree.genesis, 20);
  const times = trunk.slice(9).map(({ time }) => time as number);
  expect(trunk.at(-1)!.medianTimePast).toBe(times.toSorted((a, b) => a - b)[5]);
});

test("first seen wins a tie, and seen means: with all bodies before it", () => {
  const sapling = new Sapling();
  const { tree } = sapling;
  const [a1, b1] = [sapling.add(tree.genesis, false), sapling.add(tree.genesis, false)];
  const [a2, b2] = [sapling.add(a1), sapling.add(b1)];
  expect(tree.best(tree.genesis)).toBe(tree.genesis);
  tree.setStored(b1, POSITION, 1); // b2 came later than a2, but is complete first.
  expect(tree.best(tree.genesis)).toBe(b2);
  tree.setStored(a1, POSITION, 1);
  expect(tree.best(b2)).toBe(b2);
  expect(isBetter(a2, b2)).toBe(false);
  const a3 = sapling.add(a2);
  expect(tree.best(b2)).toBe(a3);
});

test("an invalid block takes its descendants with it, and gives them back when reconsidered", () => {
  const sapling = new Sapling();
  const { tree } = sapling;
  const long = sapling.chain(tree.genesis, 5);
  const [short] = sapling.chain(tree.genesis, 1);
  tree.setInvalid(long[1]!);
  expect(long.map(({ isInvalid }) => isInvalid)).toEqual([false, true, true, true, true]);
  expect(tree.best(tree.genesis)).toBe(long[0]);
  expect(tree.bestHeader.chainwork).toBe(short!.chainwork);
  tree.clearInvalid(long[3]!);
  expect(long.some(({ isInvalid }) => isInvalid)).toBe(false);
  expect(tree.best(tree.genesis)).toBe(long[4]);
});

test("orphans are bounded by number and bytes; the oldest go first", () => {
  const random = new RandomTree(3);
  const blocks = Array.from({ length: 10 }, () => random.extend(random.branches.at(-1)!).block);
  const orphans = new Orphans({ blocksMax: 4, bytesMax: 1_000_000 });
  for (const block of blocks) orphans.add(block);
  expect(blocks.map(({ hash }) => orphans.has(hash))).toEqual([...Array(6).fill(false), ...Array(4).fill(true)]);
  expect(orphans.root(blocks[9]!.hash)).toBe(blocks[5]!.hash);
  expect(orphans.take(blocks[5]!.hash)).toEqual([blocks[6]]);
  const small = new Orphans({ blocksMax: 100, bytesMax: blocks[0]!.size + 10 });
  for (const block of blocks.slice(0, 2)) small.add(block);
  expect(small.size).toBeLessThanOrEqual(1);
});
