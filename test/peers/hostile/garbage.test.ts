import { expect, test } from "vitest";
import { encodeAnnouncement } from "../../../src/core/peers/announcement.ts";
import { LinkError, type MessageKind } from "../../../src/core/peers/link.ts";
import { MESSAGE_KINDS } from "../../../src/core/peers/messages.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import { RandomTree } from "../../chain/random-tree.ts";
import { fakeTxid, solveHeader } from "../../support/build-block.ts";
import { seededNumbers } from "../../support/seeded.ts";
import { SyncNode, until } from "../sync/sync-node.ts";
import { bodiesOf, claim, headersOf, meet, type Stranger, tipOf } from "./stranger.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() & 0xffffff);
console.log(`peers/hostile/garbage: seed ${SEED}`);
const next = seededNumbers(SEED);
const LOW = claim(1n);
const ROUNDS = 60;

/** Mostly short, sometimes with a first byte that promises much. */
function garbage(): Uint8Array {
  const bytes = Uint8Array.from({ length: next() % (next() % 4 === 0 ? 3_000 : 80) }, () => next());
  if (bytes.length > 0 && next() % 3 === 0) bytes[0] = 0xfc + (next() % 4);
  return bytes;
}

/** That the node still does its work: it answers, and syncs with somebody honest. */
async function stillWorks(node: SyncNode): Promise<void> {
  const tree = new RandomTree(SEED);
  const blocks = Array.from({ length: 3 }, () => tree.extend(tree.branches.at(-1)!, false, 0).block);
  const friend = meet(node, { "get-headers": headersOf(blocks), "get-blocks": bodiesOf(blocks) }, tipOf(blocks));
  expect((await friend.link.request("ping", encodeTip(LOW))).length).toBe(68);
  await until("in step with somebody honest", () => node.height >= 3);
  expect([friend.ended(), node.log.lines]).toEqual([undefined, []]);
}

test.each(MESSAGE_KINDS.filter((kind) => kind !== "get-addresses"))("garbage as a question: %s", async (kind) => {
  await using node = await SyncNode.open("node");
  let strangers = 0;
  let refused = 0;
  let stranger: Stranger | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    if (stranger === undefined || stranger.ended() !== undefined) {
      stranger = meet(node, {}, LOW);
      strangers++;
    }
    await stranger.link.request(kind, garbage()).catch((error: unknown) => {
      expect(error).toBeInstanceOf(LinkError);
      refused++;
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(new Set(node.offences)).toEqual(new Set(["garbled-message"]));
  expect([strangers > 1, refused > 0, node.height]).toEqual([true, true, 0]);
  await stillWorks(node);
});

/** What makes a node ask the question. */
const causes: Partial<Record<MessageKind, (stranger: Stranger) => Promise<unknown>>> = {
  "get-headers": async () => undefined, // It asks at once: the tip is unknown.
  "get-blocks": async () => undefined,
  "get-transactions": ({ link }) => link.request("announce", encodeAnnouncement({ txids: [fakeTxid(1), fakeTxid(2)] })),
};

test.each(Object.keys(causes) as MessageKind[])("garbage as the answer to %s", async (kind) => {
  await using node = await SyncNode.open("node");
  const { block } = new RandomTree(SEED).extend(new RandomTree(SEED).branches[0]!, false, 0);
  for (let round = 0; round < ROUNDS; round++) {
    const shown = kind === "get-headers" ? {} : { "get-headers": headersOf([block]) };
    const stranger = meet(node, { ...shown, [kind]: garbage }, kind === "get-transactions" ? LOW : tipOf([block]));
    await causes[kind]!(stranger).catch(() => undefined);
    await until("asked", () => stranger.asked.includes(kind) || stranger.ended() !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 1));
    stranger.link.close("next");
  }
  await until("all ended", () => node.active.size === 0);
  expect(node.offences.filter((offence) => offence === "garbled-message").length).toBeGreaterThan(ROUNDS / 4);
  expect([node.height, node.pool.size]).toEqual([0, 0]);
  await stillWorks(node);
});

test("sections that nobody knows are passed over; known ones beside them count", async () => {
  await using node = await SyncNode.open("node");
  const stranger = meet(node, {}, LOW);
  const known = encodeAnnouncement({ headers: [solveHeader({ prevHash: node.chain.genesis.hash })] });
  await stranger.link.request("announce", Uint8Array.of(200, 3, 1, 2, 3, ...known));
  await until("learned", () => node.chain.bestHeader.height === 1);
  expect(stranger.ended()).toBeUndefined();
});
