import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importBlockFile } from "../../src/core/chain/block-file-exchange.ts";
import { type RunningNode, startNode } from "../../src/core/index.ts";
import { verifyStored } from "../../src/core/node/verify-stored.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { hasTestData, testDataPath } from "../support/test-data.ts";

let home: string;
let node: RunningNode;

beforeAll(async () => {
  if (!hasTestData) return;
  home = await mkdtemp(join(tmpdir(), "verify-"));
  node = await startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0 });
  await node.parts.locks.task("import", (at) => importBlockFile(at, node.parts.chain, testDataPath("chains/simple-1.dat")));
});
afterAll(async () => {
  if (!hasTestData) return;
  await node.stop();
  await rm(home, { recursive: true, force: true });
});

/** The node's parts with some of the chain's answers replaced. */
function withChain(changes: Partial<RunningNode["parts"]["chain"]>) {
  const chain = new Proxy(node.parts.chain, {
    get: (target, name) => {
      if (name in changes) return Reflect.get(changes, name);
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...node.parts, chain };
}

test.skipIf(!hasTestData)("a chain made by Bitcoin Core holds, to the last coin; a range of it holds without coins", async () => {
  const whole = await verifyStored(node.parts, { threads: 0 });
  expect(whole).toMatchObject({ from: 1, to: 200, blocks: 200, inputs: 177, coins: 310 });
  const part = await verifyStored(node.parts, { from: 190, to: 195, threads: 1 });
  expect(part).toMatchObject({ blocks: 6, coins: null });
  await expect(verifyStored(node.parts, { from: 5, to: 201 })).rejects.toMatchObject({ code: "verify-range" });
});

test.skipIf(!hasTestData)("a changed signature is found, and named by block and input", async () => {
  const { chain } = node.parts;
  const readBlock = async (hash: Block["hash"]) => {
    const block = await chain.readBlock(hash);
    if (block === undefined || chain.find(hash)!.height !== 180) return block;
    const raw = block.raw.slice();
    const tx = block.transactions.find((one) => one.hasWitness && !one.isCoinbase) ?? block.transactions[1]!;
    raw[raw.indexOf(0x30, tx.raw.byteOffset - block.raw.byteOffset + 40) + 10]! ^= 1;
    return Block.decode(raw);
  };
  await expect(verifyStored(withChain({ readBlock }), { threads: 0 })).rejects.toThrow(/block [0-9a-f]{64} does not hold/);
});

test.skipIf(!hasTestData)("undo data that says another amount is found", async () => {
  const { chain } = node.parts;
  const readSpentCoins: typeof chain.readSpentCoins = async (hash) => {
    const spent = await chain.readSpentCoins(hash);
    return spent?.map((coins) => coins.map((coin) => ({ ...coin, value: (coin.value + 1) as typeof coin.value })));
  };
  await expect(verifyStored(withChain({ readSpentCoins }), { threads: 0 })).rejects.toMatchObject({ code: "chain-differs" });
});

test.skipIf(!hasTestData)("a table with a coin too few is found", async () => {
  const { coins } = node.parts.chain;
  const table = { snapshot: () => ({ coins: () => [...coins.snapshot().coins()].slice(1), [Symbol.dispose]: () => {} }) };
  await expect(verifyStored(withChain({ coins: table as unknown as typeof coins }), { threads: 0 })).rejects.toThrow(
    /the table has 309 coins, the blocks left 310/,
  );
});
