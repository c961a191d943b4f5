import { expect, test } from "vitest";
import { encodeAnnouncement } from "../../../src/core/peers/announcement.ts";
import { encodeBodies } from "../../../src/core/peers/bodies-message.ts";
import { compactOf } from "../../../src/core/peers/sync/compact-block.ts";
import { Block } from "../../../src/core/primitives/block.ts";
import { type Branch, RandomTree } from "../../chain/random-tree.ts";
import { SyncNode, until } from "../sync/sync-node.ts";
import { type Answers, bodiesOf, claim, headersOf, meet, NO_BODIES, tipOf } from "./stranger.ts";

const LOW = claim(1n);
const NONCE = new Uint8Array(8);

function grow(tree: RandomTree, from: Branch, length: number): Branch[] {
  const branches: Branch[] = [];
  while (branches.length < length) branches.push(tree.extend(branches.at(-1) ?? from, false, 0));
  return branches;
}

const blocksOf = (branches: readonly Branch[]) => branches.map(({ block }) => block);
const honest = (blocks: readonly Block[]): Answers => ({ "get-headers": headersOf(blocks), "get-blocks": bodiesOf(blocks) });

/** The same header over other transactions. */
const withBody = (block: Block, change: (transactions: Block["transactions"]) => Block["transactions"]) =>
  Block.build(block.header, change(block.transactions));
const twiceTheLast = (block: Block) => withBody(block, (txs) => [...txs, txs.at(-1)!]);

/** Ten sound blocks, one that breaks a rule of coins, and three on top of it. */
function badChain(seed = 3) {
  const tree = new RandomTree(seed);
  const sound = grow(tree, tree.branches[0]!, 10);
  const bad = tree.extend(sound.at(-1)!, true, 0);
  return { tree, sound, bad, blocks: blocksOf([...sound, bad, ...grow(tree, bad, 3)]) };
}

test("an invalid block ends its sender's link; what it broke is not asked for again, and others go on", async () => {
  await using node = await SyncNode.open("node");
  const { tree, sound, bad, blocks } = badChain();
  const villain = meet(node, honest(blocks), tipOf(blocks));
  await until("ended", () => villain.ended() !== undefined);
  await until("what was sound is kept", () => node.height === 10);
  expect(node.bans).toMatchObject([{ reason: "invalid-block", instance: villain.instance }]);
  expect(node.chain.find(bad.block.hash)?.isInvalid).toBe(true);
  const better = blocksOf([...sound, ...grow(tree, sound.at(-1)!, 2)]);
  const friend = meet(node, honest(better), tipOf(better));
  await until("the sound branch", () => node.height === 12);
  expect(friend.ended()).toBeUndefined();
});

test("a body that is not its header's ends the link, and does not stain the block", async () => {
  await using node = await SyncNode.open("node");
  const { sound } = badChain();
  const blocks = blocksOf(sound);
  const villain = meet(node, { ...honest(blocks), "get-blocks": bodiesOf(blocks, twiceTheLast) }, tipOf(blocks));
  await until("ended", () => villain.ended() !== undefined);
  expect(node.bans).toMatchObject([{ reason: "mutated-block", instance: villain.instance }]);
  expect(node.height).toBe(0);
  const friend = meet(node, honest(blocks), tipOf(blocks));
  await until("same tip", () => node.height === 10);
  expect([node.bans.length, friend.ended()]).toEqual([1, undefined]);
});

test("another block than was asked for, or more than were, end the link", async () => {
  const blocks = blocksOf(badChain().sound);
  const answers: Record<string, Answers["get-blocks"]> = {
    "not-what-was-asked": bodiesOf(blocks, () => blocks[4]!),
    "garbled-message": () => encodeBodies(Array.from({ length: 65 }, () => blocks[0]!.raw)),
  };
  for (const [reason, answer] of Object.entries(answers)) {
    await using node = await SyncNode.open("node");
    const villain = meet(node, { ...honest(blocks), "get-blocks": answer! }, tipOf(blocks));
    await until(reason, () => villain.ended() !== undefined);
    expect(node.bans).toMatchObject([{ reason }]);
    expect(node.height).toBe(0);
  }
});

test("who shows headers and sends no bodies is dropped, without a ban, and others are asked", async () => {
  await using node = await SyncNode.open("node");
  const blocks = blocksOf(badChain().sound);
  const useless = meet(node, { ...honest(blocks), "get-blocks": () => NO_BODIES }, tipOf(blocks));
  const friend = meet(node, honest(blocks), tipOf(blocks));
  await until("same tip", () => node.height === 10);
  await using alone = await SyncNode.open("alone");
  const other = meet(alone, { ...honest(blocks), "get-blocks": () => NO_BODIES }, tipOf(blocks));
  await until("dropped", () => other.ended() !== undefined);
  expect(other.ended()).toBe("it is of no use: no-block");
  expect(other.asked.filter((kind) => kind === "get-blocks").length).toBeLessThan(8);
  expect([alone.bans, node.bans, friend.ended()]).toEqual([[], [], undefined]);
  expect(useless.asked.filter((kind) => kind === "get-blocks").length).toBeLessThan(8);
});

test("one that never answers holds the download up for moments only", async () => {
  await using node = await SyncNode.open("node");
  const blocks = blocksOf(badChain().sound);
  const staller = meet(node, { ...honest(blocks), "get-blocks": () => new Promise(() => undefined) }, tipOf(blocks));
  await until("asked", () => staller.asked.includes("get-blocks"));
  meet(node, honest(blocks), tipOf(blocks));
  await until("same tip", () => node.height === 10);
  expect(staller.asked.filter((kind) => kind === "get-blocks").length).toBeLessThanOrEqual(2);
});

test("one that lets every question time out is dropped for stalling", async () => {
  await using node = await SyncNode.open("node");
  const blocks = blocksOf(badChain().sound);
  const timeout = () => {
    throw new DOMException("no answer", "TimeoutError"); // As a link ends a question that nobody answers, only sooner.
  };
  const staller = meet(node, { ...honest(blocks), "get-blocks": timeout }, tipOf(blocks));
  await until("dropped", () => staller.ended() !== undefined);
  expect(staller.ended()).toBe("it is of no use: stalled-download");
  expect(node.shortcomings).toEqual(Array(3).fill("stalled-download"));
  expect(node.sync.progress.isSyncing).toBe(false);
});

test("an announced block in short form that breaks the rules ends the link", async () => {
  await using node = await SyncNode.open("node");
  const { sound, bad } = badChain();
  await node.add(blocksOf(sound));
  const villain = meet(node, {}, LOW);
  const news = encodeAnnouncement({ compact: compactOf(bad.block, NONCE) });
  await villain.link.request("announce", news).catch(() => undefined);
  await until("ended", () => villain.ended() !== undefined);
  expect([node.bans, node.height]).toMatchObject([[{ reason: "invalid-block" }], 10]);
});

test("a short form that does not make up its block is fetched whole, and nobody is blamed", async () => {
  const { tree, sound } = badChain();
  const { block } = tree.extend(sound.at(-1)!, false, 0);
  const right = compactOf(block, NONCE);
  const coinbase = right.prefilled[0]!;
  const forms = {
    "two short ids alike": { ...right, shortIds: [5, 5] },
    "a transaction at a place that is not there": { ...right, prefilled: [coinbase, { ...coinbase, place: 60_000 }] },
    "no coinbase": { ...right, prefilled: [{ ...coinbase, place: 1 }] },
    "the coinbase of another block": {
      ...right,
      prefilled: [{ ...coinbase, raw: sound.at(-1)!.block.transactions[0]!.raw }],
    },
    "an id that nobody has": { ...right, shortIds: [7] },
  };
  for (const [name, compact] of Object.entries(forms)) {
    await using node = await SyncNode.open("node");
    await node.add(blocksOf(sound));
    const peer = meet(node, { ...honest([block]), "get-block-transactions": () => NO_BODIES }, LOW);
    await peer.link.request("announce", encodeAnnouncement({ compact }));
    await until(name, () => node.height === 11);
    expect([node.offences, peer.ended()]).toEqual([[], undefined]);
    expect(peer.asked).toContain("get-blocks");
  }
});

test("bytes that are no transaction in a short form, or in what was asked to complete it, end the link", async () => {
  const { tree, sound } = badChain();
  const { block } = tree.extend(sound.at(-1)!, false, 0);
  const right = compactOf(block, NONCE);
  const garbage = { place: 0, raw: Uint8Array.of(1, 2, 3) };
  for (const compact of [
    { ...right, prefilled: [garbage] },
    { ...right, shortIds: [7] },
  ]) {
    await using node = await SyncNode.open("node");
    await node.add(blocksOf(sound));
    const villain = meet(node, { "get-block-transactions": () => encodeBodies([garbage.raw]) }, LOW);
    await villain.link.request("announce", encodeAnnouncement({ compact })).catch(() => undefined);
    await until("ended", () => villain.ended() !== undefined);
    expect([node.bans, node.height]).toMatchObject([[{ reason: "garbled-message" }], 10]);
  }
});
