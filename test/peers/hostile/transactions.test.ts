import { expect, test } from "vitest";
import { encodeAnnouncement } from "../../../src/core/peers/announcement.ts";
import { encodeBodies } from "../../../src/core/peers/bodies-message.ts";
import { ANNOUNCED_TRANSACTIONS_MAX } from "../../../src/core/peers/messages.ts";
import type { Txid } from "../../../src/core/primitives/units.ts";
import { buildTx, fakeTxid } from "../../support/build-block.ts";
import { SyncNode, until } from "../sync/sync-node.ts";
import { claim, meet, NO_BODIES, type Stranger } from "./stranger.ts";

const LOW = claim(1n);

function txids(from: number, count = ANNOUNCED_TRANSACTIONS_MAX): readonly Txid[] {
  return Array.from({ length: count }, (_, number) => fakeTxid(from + number));
}

async function announce(peer: Stranger, ids: readonly Txid[]): Promise<void> {
  await peer.link.request("announce", encodeAnnouncement({ txids: ids })).catch(() => undefined);
}

test("who announces the same transactions again and again is kept out as a flood", async () => {
  await using node = await SyncNode.open("node");
  const peer = meet(node, { "get-transactions": () => NO_BODIES }, LOW);
  const news = txids(1);
  let rounds = 0;
  for (; peer.ended() === undefined && rounds < 100; rounds++) await announce(peer, news);
  expect(node.bans).toMatchObject([{ reason: "flood", instance: peer.instance }]);
  expect(rounds).toBeLessThan(30);
  const asked = peer.asked.filter((kind) => kind === "get-transactions").length;
  expect(asked).toBeLessThanOrEqual(rounds + Math.ceil(news.length / 256));
});

test("of endless announcements a bounded number is kept, and the node answers meanwhile", async () => {
  await using node = await SyncNode.open("node");
  const peer = meet(node, { "get-transactions": () => new Promise(() => undefined) }, LOW);
  const view = () => node.sync.view([...node.active.keys()][0]!)!;
  for (let round = 0; round < 40; round++) await announce(peer, txids(1 + round * ANNOUNCED_TRANSACTIONS_MAX));
  expect(view().wanted).toBeLessThanOrEqual(20_000);
  expect(view().wanted).toBeGreaterThan(10_000);
  expect(peer.asked.filter((kind) => kind === "get-transactions")).toHaveLength(1);
  const tx = buildTx();
  const friend = meet(node, { "get-transactions": () => encodeBodies([tx.raw]) }, LOW);
  await announce(friend, [tx.txid]);
  await until("taken from another", () => node.pool.txs.has(tx.txid));
});

test("who announces without end what it never sends is of no use", async () => {
  await using node = await SyncNode.open("node");
  const peer = meet(node, { "get-transactions": () => NO_BODIES }, LOW);
  let rounds = 0;
  for (; peer.ended() === undefined && rounds < 100; rounds++) {
    await announce(peer, txids(1 + rounds * ANNOUNCED_TRANSACTIONS_MAX));
    await until("asked for all", () => peer.ended() !== undefined || node.sync.view([...node.active.keys()][0]!)!.wanted === 0);
  }
  expect(peer.ended()).toBe("it is of no use: no-transaction");
  expect(rounds * ANNOUNCED_TRANSACTIONS_MAX).toBeGreaterThan(20_000); // A sound node falls short by a few.
});

test("transactions that nobody asked for, and bytes that are none, end the link", async () => {
  const stray = buildTx({ lockTime: 9 });
  const answers = { "not-what-was-asked": stray.raw, "garbled-message": Uint8Array.of(9, 9, 9) };
  for (const [reason, raw] of Object.entries(answers)) {
    await using node = await SyncNode.open("node");
    const peer = meet(node, { "get-transactions": () => encodeBodies([raw]) }, LOW);
    await announce(peer, [fakeTxid(1)]);
    await until(reason, () => peer.ended() !== undefined);
    expect(node.bans).toMatchObject([{ reason }]);
    expect(node.pool.size).toBe(0);
  }
});

test("who announces a transaction and keeps it does not keep others from sending it", async () => {
  await using node = await SyncNode.open("node");
  const tx = buildTx();
  let answer = (_body: Uint8Array): void => undefined;
  const held = new Promise<Uint8Array>((resolve) => {
    answer = resolve;
  });
  const keeper = meet(node, { "get-transactions": () => held }, LOW);
  await announce(keeper, [tx.txid]);
  await until("asked", () => keeper.asked.includes("get-transactions"));
  const friend = meet(node, { "get-transactions": () => encodeBodies([tx.raw]) }, LOW);
  await announce(friend, [tx.txid]);
  answer(NO_BODIES);
  await until("pooled", () => node.pool.txs.has(tx.txid));
  expect([node.offences, keeper.ended()]).toEqual([[], undefined]);
});

test("what was refused is not asked for again before the tip moves, however often it is announced", async () => {
  await using node = await SyncNode.open("node");
  const tx = buildTx();
  node.pool.refused.add(tx.txid);
  const peers = Array.from({ length: 5 }, () => meet(node, { "get-transactions": () => encodeBodies([tx.raw]) }, LOW));
  for (const peer of peers) {
    await announce(peer, [tx.txid]);
    await until("asked once", () => peers.some(({ asked }) => asked.includes("get-transactions")));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const asked = peers.flatMap((peer) => peer.asked.filter((kind) => kind === "get-transactions"));
  expect(asked).toHaveLength(1);
  expect(node.offences).toEqual([]);
});
