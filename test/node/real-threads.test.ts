import { expect, test } from "vitest";
import { BenchNode, spendsOf } from "../../src/core/bench/bench-node.ts";
import { BlockSupply } from "../../src/core/bench/block-supply.ts";
import { acceptBlock } from "../../src/core/node/accept-block.ts";
import { acceptTransaction } from "../../src/core/node/accept-transaction.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";

/* The node's verifier with two threads of its own, real signatures, and states that no snapshot has. */

const connect = (node: BenchNode, block: Block) => node.run((at) => acceptBlock(at, node.parts, Block.decode(block.raw)));
const send = (node: BenchNode, raw: Uint8Array) => node.run((at) => acceptTransaction(at, node.parts, Transaction.decode(raw)));

test("parents in the same block, parents in the pool, and the block that mines them, all verified on threads", async () => {
  await using node = await BenchNode.open(2);
  const supply = new BlockSupply();
  await connect(node, supply.fund(40));
  const chained = supply.spend(40, { chains: 8 });
  expect((await connect(node, chained)).kind).toBe("connected");
  const more = supply.fund(40);
  await connect(node, more);
  const waiting = supply.spend(40, { chains: 8 });
  for (const raw of spendsOf(waiting.raw)) expect((await send(node, raw)).kind).toBe("accepted");
  expect(node.parts.mempool.size).toBe(40);
  expect((await connect(node, waiting)).kind).toBe("connected");
  expect(node.parts.mempool.size).toBe(0);
});

test("a bad signature deep in a chain of a block's own transactions refuses the block, and leaves coins and pool as they were", async () => {
  await using node = await BenchNode.open(2);
  const supply = new BlockSupply();
  await connect(node, supply.fund(300));
  const before = node.parts.chain.coins.count;
  const bad = supply.spend(300, { chains: 100, spoils: 270 });
  const outcome = await connect(node, bad);
  expect(outcome).toMatchObject({ kind: "invalid", why: { code: expect.stringMatching(/^block-script-verify-flag-failed/) } });
  expect(outcome.kind === "invalid" && outcome.why.detail).toContain(Block.decode(bad.raw).transactions[271]!.txid);
  expect(node.parts.chain.coins.count).toBe(before);
  expect(node.parts.chain.tip.height).toBe(1);
});

test("a longer branch is verified on the coins between two of its steps; what it displaces is verified anew and waits", async () => {
  await using node = await BenchNode.open(2);
  const [left, right] = [new BlockSupply(), new BlockSupply()];
  const funding = left.fund(60);
  expect(right.fund(60).hash, "the branches part behind it").toBe(funding.hash);
  await connect(node, funding);
  const own = left.spend(20, { chains: 5 });
  await connect(node, own);
  right.skip(20); // Spends other coins.
  const branch = [right.spend(20, { chains: 5 }), right.spend(10, { chains: 2, fromLast: true }), right.spend(0)];
  const outcomes = [];
  for (const block of branch) outcomes.push((await connect(node, block)).kind);
  expect(outcomes).toEqual(["side-branch", "connected", "connected"]);
  expect(node.parts.chain.tip.hash).toBe(branch[2]!.hash);
  const displaced = Block.decode(own.raw)
    .transactions.slice(1)
    .map((tx) => tx.txid);
  expect([...node.parts.mempool.entries()].map(({ tx }) => tx.txid).toSorted()).toEqual(displaced.toSorted());
});

test("transactions that arrive while blocks connect are judged on the tip that is there when they are pooled", async () => {
  await using node = await BenchNode.open(2);
  const supply = new BlockSupply();
  await connect(node, supply.fund(400));
  const blocks = [supply.spend(100), supply.spend(100), supply.spend(100)];
  const mined = blocks.flatMap((block) => spendsOf(block.raw));
  const waiting = supply.loose(100).map(({ raw }) => raw.slice());
  const sent = [...mined, ...waiting].map((raw) => send(node, raw)); // All at once, against the snapshot of now.
  for (const block of blocks) expect((await connect(node, block)).kind).toBe("connected");
  const outcomes = await Promise.all(sent);
  for (const [index, outcome] of outcomes.entries()) {
    if (index >= mined.length) expect(outcome.kind).toBe("accepted");
    else if (outcome.kind !== "accepted") {
      // It was mined meanwhile: its coin is spent.
      expect(outcome).toMatchObject({ kind: "rejected", why: { code: "bad-txns-inputs-missingorspent" } });
    }
  }
  const ids = waiting.map((raw) => Transaction.decode(raw).txid).toSorted();
  expect([...node.parts.mempool.entries()].map(({ tx }) => tx.txid).toSorted()).toEqual(ids);
});
