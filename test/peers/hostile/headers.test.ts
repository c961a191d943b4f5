import { describe, expect, test } from "vitest";
import { encodeAnnouncement } from "../../../src/core/peers/announcement.ts";
import { decodeHeaders, encodeHeaders, encodeLocator } from "../../../src/core/peers/headers-message.ts";
import { LOCATOR_HASHES_MAX } from "../../../src/core/peers/messages.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import type { BlockHash } from "../../../src/core/primitives/units.ts";
import { RandomTree } from "../../chain/random-tree.ts";
import { solveHeader } from "../../support/build-block.ts";
import { SyncNode, until } from "../sync/sync-node.ts";
import { bodiesOf, claim, headersOf, meet } from "./stranger.ts";

function chainOf(length: number, seed = 7) {
  const tree = new RandomTree(seed);
  return Array.from({ length }, () => tree.extend(tree.branches.at(-1)!, false, 0).block);
}

const strangeHash = (number: number) => number.toString(16).padStart(64, "0") as BlockHash;

describe("headers that break the rules end the link, and the peer is kept out", () => {
  const [first, second, third] = chainOf(3).map(({ header }) => header);
  const cases = {
    "that stand on nothing we know": ["unconnected-headers", [second!]],
    "that do not stand on each other": ["unconnected-headers", [first!, third!]],
    "without proof of work": ["invalid-header", [solveHeader({ prevHash: first!.prevHash, bits: 0x1d00ffff, nonce: 0 })]],
    "older than those before them": ["invalid-header", [first!, solveHeader({ prevHash: first!.hash, time: 1 as never })]],
  } as const;
  for (const [name, [reason, headers]] of Object.entries(cases)) {
    test(name, async () => {
      await using node = await SyncNode.open("node");
      const stranger = meet(node, { "get-headers": () => encodeHeaders(headers) });
      await until("ended", () => stranger.ended() !== undefined);
      expect(node.bans).toMatchObject([{ reason, instance: stranger.instance, address: null }]);
      expect(node.height).toBe(0);
    });
  }
});

test("a tip that is never shown is forgiven a few times, not for ever", async () => {
  await using node = await SyncNode.open("node");
  const liar = meet(node, {});
  for (let round = 0; liar.ended() === undefined && round < 20; round++) {
    await liar.link.request("ping", encodeTip(claim())).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(liar.ended()).toBe("it is of no use: lying-tip");
  expect(node.shortcomings).toEqual(Array(5).fill("lying-tip"));
  expect([node.bans, node.sync.progress]).toEqual([[], { height: 0, target: 0, isSyncing: false }]);
});

test("a tip that shows as much work as it claimed is no lie, whichever block it is by then", async () => {
  await using node = await SyncNode.open("node");
  const blocks = chainOf(30);
  const honest = meet(node, { "get-headers": headersOf(blocks), "get-blocks": bodiesOf(blocks) }, claim(40n)); // Of 62.
  await until("same tip", () => node.height === 30);
  expect([node.shortcomings, honest.ended()]).toEqual([[], undefined]);
});

test("a question for headers costs no more than its answer: nonsense is answered from genesis, too much of it is refused", async () => {
  await using node = await SyncNode.open("node");
  await node.add(chainOf(20));
  const stranger = meet(node, {}, claim(1n));
  const nonsense = Array.from({ length: LOCATOR_HASHES_MAX }, (_, number) => strangeHash(number));
  expect(decodeHeaders(await stranger.link.request("get-headers", encodeLocator(nonsense)))).toHaveLength(20);
  const tooMuch = stranger.link.request("get-headers", encodeLocator([...nonsense, strangeHash(1_000)]));
  await expect(tooMuch).rejects.toMatchObject({ code: expect.stringMatching(/link-(refused|closed)/) });
  await until("ended", () => stranger.ended() !== undefined);
  expect(node.bans).toMatchObject([{ reason: "garbled-message" }]);
});

test("an announced block far behind our tip leaves nothing behind, and is no offence", async () => {
  await using node = await SyncNode.open("node");
  const main = chainOf(200);
  await node.bench.run((at, own) => own.acceptBlocks(at, main));
  const stranger = meet(node, {}, claim(1n));
  const old = Array.from({ length: 50 }, (_, number) =>
    solveHeader({ prevHash: main[0]!.header.prevHash, time: (1_700_000_001 + number) as never }),
  );
  for (const header of old) await stranger.link.request("announce", encodeAnnouncement({ headers: [header] }));
  expect(old.filter(({ hash }) => node.chain.find(hash) !== undefined)).toEqual([]);
  expect([node.offences, stranger.ended()]).toEqual([[], undefined]);
});

test("five hundred announcements of blocks that nobody has cost one question at a time", async () => {
  await using node = await SyncNode.open("node");
  let release: () => void = () => undefined;
  const held = new Promise<Uint8Array>((resolve) => {
    release = () => resolve(encodeHeaders([]));
  });
  const stranger = meet(node, { "get-headers": () => held }, claim(1n));
  const unknown = encodeAnnouncement({ headers: [solveHeader({ prevHash: strangeHash(5) })] });
  await Promise.all(Array.from({ length: 500 }, () => stranger.link.request("announce", unknown)));
  const questions = () => stranger.asked.filter((kind) => kind === "get-headers").length;
  expect(questions()).toBe(1);
  release();
  await until("asked once more", () => questions() === 2);
  expect((await stranger.link.request("ping", encodeTip(claim(1n)))).length).toBe(68);
  expect([node.offences, stranger.ended()]).toEqual([[], undefined]);
});
