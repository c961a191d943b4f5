import { expect, test } from "vitest";
import { type Branch, RandomTree } from "../../chain/random-tree.ts";
import { join, SyncNode, until } from "./sync-node.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() & 0xffffff);
console.log(`peers/sync: seed ${SEED}`);

function branch(tree: RandomTree, from: Branch, length: number, transactionsMax = 2): Branch[] {
  const blocks: Branch[] = [];
  for (let at = from; blocks.length < length; at = blocks.at(-1)!) blocks.push(tree.extend(at, false, transactionsMax));
  return blocks;
}

const blocksOf = (branches: readonly Branch[]) => branches.map(({ block }) => block);

test("a new node fetches a chain from two others at once", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  await using c = await SyncNode.open("c");
  const tree = new RandomTree(SEED);
  const chain = blocksOf(branch(tree, tree.branches[0]!, 300, 0));
  await a.bench.run((at, own) => own.acceptBlocks(at, chain));
  await b.bench.run((at, own) => own.acceptBlocks(at, chain));
  const first = join(c, a);
  const second = join(c, b);
  await until("same tip", () => c.height === 300);
  expect(c.bench.chain.tip.hash).toBe(a.bench.chain.tip.hash);
  expect(c.offences).toEqual([]);
  const asked = [first, second].map(({ left }) => left.asked.filter((kind) => kind === "get-blocks").length);
  expect(Math.min(...asked)).toBeGreaterThan(2);
});

test("of two branches the one with more work wins on both sides, however deep the fork", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const tree = new RandomTree(SEED);
  const shared = branch(tree, tree.branches[0]!, 20);
  await a.add(blocksOf([...shared, ...branch(tree, shared.at(-1)!, 30)]));
  await b.add(blocksOf([...shared, ...branch(tree, shared.at(-1)!, 41)]));
  join(a, b);
  await until("one tip", () => a.height === 61);
  expect(a.bench.chain.tip.hash).toBe(b.bench.chain.tip.hash);
});

test("a new block goes to a node whose pool has its transactions as short ids only", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const tree = new RandomTree(SEED);
  const shared = branch(tree, tree.branches[0]!, 60);
  await a.add(blocksOf(shared));
  await b.add(blocksOf(shared));
  const { right } = join(a, b);
  await until("both know", () => right.asked.includes("fee-filter"));
  let next = tree.extend(shared.at(-1)!, false, 12);
  while (next.block.transactions.length < 3) next = tree.extend(shared.at(-1)!, false, 12);
  for (const tx of next.block.transactions.slice(1)) b.pool.txs.set(tx.txid, tx);
  await a.add([next.block]);
  await until("connected", () => b.height === 61);
  expect(right.asked).not.toContain("get-blocks");
  expect(right.asked).not.toContain("get-block-transactions");
});

test("what a pool lacks of an announced block is fetched, and nothing else", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const tree = new RandomTree(SEED + 1);
  const shared = branch(tree, tree.branches[0]!, 60);
  await a.add(blocksOf(shared));
  await b.add(blocksOf(shared));
  const { right } = join(a, b);
  let next = tree.extend(shared.at(-1)!, false, 12);
  while (next.block.transactions.length < 3) next = tree.extend(shared.at(-1)!, false, 12);
  for (const tx of next.block.transactions.slice(2)) b.pool.txs.set(tx.txid, tx);
  await a.add([next.block]);
  await until("connected", () => b.height === 61);
  expect(right.asked).toContain("get-block-transactions");
  expect(right.asked).not.toContain("get-blocks");
});

test("a chain of nodes hands blocks on, also over links that are slow and lose messages", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  await using c = await SyncNode.open("c");
  const tree = new RandomTree(SEED);
  const random = () => tree.random();
  join(a, b, { delayMs: 5, random });
  join(b, c, { delayMs: 5, random });
  for (const { block } of branch(tree, tree.branches[0]!, 25)) await a.add([block]);
  await until("all the same", () => c.height === 25 && b.height === 25);
  expect(c.bench.chain.tip.hash).toBe(a.bench.chain.tip.hash);
});

test("headers of a branch that is far behind are not kept", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const tree = new RandomTree(SEED);
  const long = branch(tree, tree.branches[0]!, 400);
  const short = branch(tree, tree.branches[0]!, 100);
  await a.bench.run((at, own) => own.acceptBlocks(at, blocksOf(long)));
  await b.bench.run((at, own) => own.acceptBlocks(at, blocksOf(short)));
  join(a, b);
  await until("b follows", () => b.height === 400);
  expect(a.bench.chain.find(short[0]!.block.hash)).toBeUndefined();
  expect(a.offences).toEqual([]);
});
