import { expect, test } from "vitest";
import { encodeAnnouncement } from "../../../src/core/peers/announcement.ts";
import { levelsOf } from "../../../src/core/peers/sync/transaction-relay.ts";
import type { FeeRate, Txid } from "../../../src/core/primitives/units.ts";
import { buildTx } from "../../support/build-block.ts";
import { join, SyncNode, until } from "./sync-node.ts";

const txs = (count: number) => Array.from({ length: count }, (_, i) => buildTx({ lockTime: i }));
const asked = (link: { asked: readonly string[] }, kind: string) => link.asked.filter((name) => name === kind).length;

test("a transaction goes round a ring of nodes, and is fetched once by each", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  await using c = await SyncNode.open("c");
  const links = [join(a, b), join(b, c), join(c, a)];
  const [tx] = txs(1);
  await a.pool.accept(tx!);
  await until("everywhere", () => b.pool.txs.has(tx!.txid) && c.pool.txs.has(tx!.txid));
  const fetched = links
    .flatMap(({ left, right }) => [left, right])
    .reduce((sum, link) => sum + asked(link, "get-transactions"), 0);
  expect(fetched).toBe(2);
});

test("what is pooled when a link opens is announced, and many go in few messages", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  for (const tx of txs(700)) a.pool.txs.set(tx.txid, tx);
  const { left, right } = join(a, b);
  await until("all have come", () => b.pool.size === 700);
  expect(asked(left, "announce")).toBeLessThan(5);
  expect(asked(right, "get-transactions")).toBe(Math.ceil(700 / 256));
});

test("what pays less than the other side's filter is not announced to it", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  b.pool.feeRateMin = 2_000 as FeeRate;
  const { left } = join(a, b);
  await until("the filter is known", () => asked(left, "fee-filter") === 1 && (a.sync.view(left)?.feeRateMin ?? 0) === 2_000);
  const [cheap, dear] = txs(2);
  await a.pool.accept(cheap!);
  await new Promise(setImmediate); // Its turn to be announced has come and gone.
  await new Promise(setImmediate);
  a.pool.feeRate = 2_000 as FeeRate;
  await a.pool.accept(dear!);
  await until("the dear one has come", () => b.pool.txs.has(dear!.txid));
  expect(b.pool.txs.has(cheap!.txid)).toBe(false);
});

test("a child whose parent is missing has it fetched from whoever sent the child", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const [parent, child] = txs(2);
  join(a, b);
  b.pool.parents.set(child!.txid, [parent!.txid]);
  b.pool.waiting.set(child!.txid, child!);
  a.pool.txs.set(parent!.txid, parent!); // Pooled without news, as after a restart of the link's other end.
  await a.pool.accept(child!);
  await until("both have come", () => b.pool.txs.has(parent!.txid) && b.pool.txs.has(child!.txid));
});

test("what was refused is not asked for again before the tip moves", async () => {
  await using a = await SyncNode.open("a");
  await using b = await SyncNode.open("b");
  const { left, right } = join(a, b);
  const [bad, good] = txs(2);
  b.pool.refused.add(bad!.txid);
  await a.pool.accept(bad!);
  await until("it was fetched", () => asked(right, "get-transactions") === 1);
  await left.request("announce", encodeAnnouncement({ txids: [bad!.txid] }));
  await a.pool.accept(good!);
  await until("the next one has come", () => b.pool.txs.has(good!.txid));
  expect(asked(right, "get-transactions")).toBe(2);
});

test("parents stand in a level before their children, whatever the order", () => {
  const parent = buildTx();
  const child = buildTx({ inputs: [{ txid: parent.txid }] });
  const grandchild = buildTx({ inputs: [{ txid: child.txid }, { txid: parent.txid }] });
  const ids = levelsOf([grandchild, child, parent]).map((level) => level.map(({ txid }): Txid => txid));
  expect(ids).toEqual([[parent.txid], [child.txid], [grandchild.txid]]);
});
