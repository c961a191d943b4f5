import { expect, test } from "vitest";
import { moveOf, submitBlockResult } from "../../src/core/chain/outcome.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { type BlockHash, sats } from "../../src/core/primitives/units.ts";
import { MemoryChain } from "../support/memory-chain.ts";
import { ChainBench } from "./harness.ts";
import { type Branch, mine, QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf, oracleCoins, replayed } from "./replay.ts";

async function openBench(): Promise<ChainBench> {
  const bench = await ChainBench.open({ params: QUICK });
  bench.nowSeconds = 2_000_000_000;
  return bench;
}

/** Blocks in the order of their making; some come late, after their children, announced by their header meanwhile. */
function* deliveries(tree: RandomTree, count: number): Generator<{ readonly block: Block; readonly headerOnly: boolean }> {
  const late: Block[] = [];
  for (let i = 0; i < count; i++) {
    const { block } = tree.grow();
    const headerOnly = tree.random() < 0.15;
    if (headerOnly) late.push(block);
    yield { block, headerOnly };
    if (late.length > 0 && tree.random() < 0.3) yield { block: late.splice(tree.below(late.length), 1)[0]!, headerOnly: false };
  }
  for (const block of late) yield { block, headerOnly: false };
}

const SEEDS = [1, 2, 3, 4];

test.each(SEEDS)("random trees end where a plain replay ends, step by step (seed %i)", async (seed) => {
  await using bench = await openBench();
  const oracle = new MemoryChain(QUICK);
  oracle.nowSeconds = bench.nowSeconds;
  const tree = new RandomTree(seed);
  let reorganised = 0;
  for (const { block, headerOnly } of deliveries(tree, 120)) {
    if (headerOnly) {
      oracle.submitHeader(block.header.raw);
      await bench.run((at, chain) => chain.acceptHeader(at, block.header));
      continue;
    }
    const wanted = oracle.submit(block.raw);
    const outcome = await bench.run((at, chain) => chain.acceptBlock(at, block));
    const move = moveOf(outcome);
    if (move !== undefined && move.disconnected.length > 0) reorganised++;
    expect(bench.chain.tip.hash).toBe(oracle.tip.hash);
    expect(coinsOf(bench.chain)).toEqual(oracleCoins(oracle));
    // The oracle says "inconclusive" where a block was connected on a branch that did not win; Core says null.
    const result = submitBlockResult(outcome);
    if (!(outcome.kind === "side-branch" && outcome.wasConnected)) expect(result).toBe(wanted);
  }
  expect(reorganised).toBeGreaterThan(3);
  await bench.reopen();
  expect(bench.chain.tip.hash).toBe(oracle.tip.hash);
  expect(coinsOf(bench.chain)).toEqual(oracleCoins(oracle));
});

test.each(SEEDS)(
  "invalidated, reconsidered and restarted at random, coins stay those of the active chain (seed %i)",
  async (seed) => {
    await using bench = await openBench();
    const tree = new RandomTree(seed + 1000);
    for (const { block } of deliveries(tree, 60)) {
      await bench.run((at, chain) => chain.acceptBlock(at, block, { keepOrphan: true }));
      const { hash } = tree.pick(tree.branches).block;
      const isKnown = bench.chain.find(hash) !== undefined && hash !== bench.chain.genesis.hash;
      if (isKnown && tree.random() < 0.15) await bench.run((at, chain) => chain.invalidate(at, hash));
      if (isKnown && tree.random() < 0.15) await bench.run((at, chain) => chain.reconsider(at, hash));
      if (tree.random() < 0.1) await bench.reopen();
      expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
      const best = bench.chain.tips().filter(({ status }) => status === "valid-headers" || status === "valid-fork");
      for (const tip of best) expect(bench.chain.find(tip.hash)!.chainwork).toBeLessThanOrEqual(bench.chain.tip.chainwork);
    }
  },
);

test("a block that is preferred by hand wins a tie, the last one first, and stays after a restart", async () => {
  await using bench = await openBench();
  const tree = new RandomTree(11);
  const base = tree.branches[0]!;
  const rivals = [0, 1, 2].map(() => tree.extend(base, false, 0));
  for (const { block } of rivals) await bench.run((at, chain) => chain.acceptBlock(at, block));
  const [first, second, third] = rivals.map(({ block }) => block.hash);
  const prefer = (hash: BlockHash) => bench.run((at, chain) => chain.prefer(at, hash));
  expect(bench.chain.tip.hash).toBe(first);
  expect(await prefer(second!)).toMatchObject({ disconnected: [first], tip: { hash: second } });
  expect((await prefer(third!))?.tip.hash).toBe(third);
  expect((await prefer(second!))?.tip.hash).toBe(second);
  expect(await prefer(second!)).toBeUndefined();
  expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
  await bench.reopen();
  expect(bench.chain.tip.hash).toBe(second);
  const heir = tree.extend(rivals[1]!, false, 0);
  await bench.run((at, chain) => chain.acceptBlock(at, heir.block));
  expect(await prefer(first!)).toBeUndefined(); // Less work than the tip: nothing to prefer.
  await bench.run((at, chain) => chain.invalidate(at, heir.block.hash));
  expect(bench.chain.tip.hash).toBe(second); // And it is not remembered.
  await expect(prefer("00".repeat(32) as BlockHash)).rejects.toMatchObject({ code: "unknown-block" });
});

test("a reorganisation returns what it displaced, parents first, without what the new branch has", async () => {
  await using bench = await openBench();
  const tree = new RandomTree(7);
  const accept = (branch: Branch) => bench.run((at, chain) => chain.acceptBlock(at, branch.block));
  let base = tree.branches[0]!;
  for (let i = 0; i < 6; i++) {
    base = tree.extend(base, false, 0);
    await accept(base);
  }
  const left = [tree.extend(base, false, 9)];
  left.push(tree.extend(left[0]!, false, 9));
  for (const branch of left) await accept(branch);
  const spends = left.flatMap(({ block }) => block.transactions.slice(1));
  const shared = left[0]!.block.transactions[1]!; // In both branches.
  let right = base;
  for (let i = 0; i < 3; i++) {
    right = tree.extendWith(right, i === 1 ? [shared] : []);
    const outcome = await accept(right);
    if (i < 2) continue;
    const move = moveOf(outcome)!;
    expect([outcome.kind, move.connected.length]).toEqual(["connected", 3]);
    expect(move.disconnected).toEqual(left.map(({ block }) => block.hash).reverse());
    expect(move.displaced.map((tx) => tx.txid)).toEqual(spends.filter((tx) => tx !== shared).map((tx) => tx.txid));
    expect(move.displaced.length).toBeGreaterThan(0);
  }
  expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
  const place = await bench.chain.findTransaction(shared.txid);
  expect(bench.chain.isActive(bench.chain.find(place!.block)!)).toBe(true);
  const gone = spends.find((tx) => tx !== shared)!;
  expect(left.map(({ block }) => block.hash)).toContain((await bench.chain.findTransaction(gone.txid))!.block);
});

test("an orphan that was kept is connected with its parent, in one move; without keeping it is forgotten", async () => {
  await using bench = await openBench();
  const tree = new RandomTree(8);
  const [a, b, c] = [tree.extend(tree.branches[0]!), tree.extend(tree.branches[1]!), tree.extend(tree.branches[2]!)];
  const accept = (branch: Branch, keepOrphan: boolean) =>
    bench.run((at, chain) => chain.acceptBlock(at, branch.block, { keepOrphan }));
  expect(await accept(c, true)).toEqual({ kind: "orphan", missing: b.block.hash });
  expect(await accept(b, true)).toEqual({ kind: "orphan", missing: a.block.hash });
  expect(moveOf(await accept(a, false))!.connected.map(({ hash }) => hash)).toEqual([a, b, c].map(({ block }) => block.hash));
  await using other = await openBench();
  await other.run((at, chain) => chain.acceptBlock(at, b.block));
  await other.run((at, chain) => chain.acceptBlock(at, a.block));
  expect(other.chain.tip.hash).toBe(a.block.hash);
});

/** A chain of blocks whose last one has spends. */
async function withSpends(bench: ChainBench, seed: number): Promise<Block> {
  const tree = new RandomTree(seed);
  let parent = tree.branches[0]!;
  for (let i = 0; i < 6; i++) {
    parent = tree.extend(parent, false, 0);
    await bench.run((at, chain) => chain.acceptBlock(at, parent.block));
  }
  return tree.extend(parent, false, 8).block;
}

test("a body mutated in its merkle tree does not condemn the hash: the right one is accepted afterwards", async () => {
  await using bench = await openBench();
  const good = await withSpends(bench, 9);
  const mutated = Block.build(good.header, [...good.transactions, good.transactions.at(-1)!]);
  expect((await bench.run((at, chain) => chain.acceptBlock(at, mutated))).kind).toBe("invalid");
  expect((await bench.run((at, chain) => chain.acceptBlock(at, good))).kind).toBe("connected");
});

test("nor does one mutated in its witnesses", async () => {
  await using bench = await openBench();
  const good = await withSpends(bench, 10);
  const transactions = good.transactions.map((tx, index) => (index === 1 ? withWitness(tx) : tx));
  expect(transactions[1]!.txid).toBe(good.transactions[1]!.txid);
  const bad = await bench.run((at, chain) => chain.acceptBlock(at, Block.build(good.header, transactions)));
  expect(submitBlockResult(bad)).toBe("unexpected-witness");
  expect((await bench.run((at, chain) => chain.acceptBlock(at, good))).kind).toBe("connected");
});

function withWitness(tx: Transaction): Transaction {
  const inputs = tx.inputs.map((input) => ({ ...input, witness: [Uint8Array.of(1)] }));
  return Transaction.build({ version: tx.version, inputs, outputs: tx.outputs, lockTime: tx.lockTime });
}

test("a candidate is held against the tip, and nothing of it stays", async () => {
  await using bench = await openBench();
  const good = await withSpends(bench, 11);
  const check = (block: Block) => bench.run((at, chain) => chain.checkCandidate(at, block));
  expect(await check(good)).toBeUndefined();
  expect((await check(tooRich(good)))?.code).toBe("bad-cb-amount");
  const before = bench.chain.tip.hash;
  expect(bench.chain.find(good.hash)).toBeUndefined();
  await bench.run((at, chain) => chain.acceptBlock(at, good));
  expect((await check(good))?.code).toBe("inconclusive-not-best-prevblk");
  expect(bench.chain.atHeight(bench.chain.tip.height - 1)!.hash).toBe(before);
});

/** The same block, its coinbase paying one satoshi more. */
function tooRich(block: Block): Block {
  const [coinbase, ...others] = block.transactions;
  const [first] = coinbase!.outputs;
  const outputs = [{ ...first!, value: sats(first!.value + 1) }];
  const { version, inputs, lockTime } = coinbase!;
  return mine(block.header.prevHash, [Transaction.build({ version, inputs, outputs, lockTime }), ...others], block.header.time);
}
