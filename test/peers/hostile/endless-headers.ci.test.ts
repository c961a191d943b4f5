import { expect, test } from "vitest";
import type { BlockEntry } from "../../../src/core/chain/block-entry.ts";
import { encodeHeaders } from "../../../src/core/peers/headers-message.ts";
import type { Judge, Link } from "../../../src/core/peers/link.ts";
import { HEADERS_MAX } from "../../../src/core/peers/messages.ts";
import type { PeerChain } from "../../../src/core/peers/ports.ts";
import { HEADERS_AHEAD_MAX, HeaderSync, UNPROVEN_HEADERS_MAX } from "../../../src/core/peers/sync/header-sync.ts";
import { LinkState } from "../../../src/core/peers/sync/link-state.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import type { BlockHash, UnixSeconds, Work } from "../../../src/core/primitives/units.ts";
import { QUICK } from "../../chain/random-tree.ts";
import { solveHeader } from "../../support/build-block.ts";
import { SyncNode, until } from "../sync/sync-node.ts";
import { claim, meet } from "./stranger.ts";

/** Headers on top of each other from `genesis` on, as many as anybody asks for. */
function endless(genesis: BlockHash): () => Uint8Array {
  let prevHash = genesis;
  let time = 1_700_000_000;
  return () =>
    encodeHeaders(
      Array.from({ length: HEADERS_MAX }, () => {
        const header = solveHeader({ prevHash, time: ++time as UnixSeconds });
        prevHash = header.hash;
        return header;
      }),
    );
}

test("who shows endless headers and has no bodies is dropped long before the bound", async () => {
  await using node = await SyncNode.open("node");
  const liar = meet(node, { "get-headers": endless(node.chain.genesis.hash) });
  await until("dropped", () => liar.ended() !== undefined, 120_000);
  expect(liar.ended()).toBe("it is of no use: no-block");
  expect(node.chain.bestHeader.height).toBeLessThan(HEADERS_AHEAD_MAX);
  const friend = meet(node, {}, claim(1n));
  expect((await friend.link.request("ping", encodeTip(claim(1n)))).length).toBe(68);
  expect([node.height, node.sync.progress.isSyncing]).toEqual([0, false]);
});

test("endless headers are taken as far ahead as bodies may be awaited, and no further", async () => {
  await using node = await SyncNode.open("node");
  const liar = meet(node, { "get-headers": endless(node.chain.genesis.hash), "get-blocks": () => new Promise(() => undefined) });
  const most = HEADERS_AHEAD_MAX / HEADERS_MAX;
  await until("as far as it goes", () => node.chain.bestHeader.height >= HEADERS_AHEAD_MAX, 120_000);
  for (let round = 0; round < 20; round++) await liar.link.request("ping", encodeTip(claim()));
  expect(liar.asked.filter((kind) => kind === "get-headers")).toHaveLength(most);
  expect(node.chain.bestHeader.height).toBe(HEADERS_AHEAD_MAX);
});

test("headers without end that never show enough work are dropped at a bound, of one link at a time, and none is placed", async () => {
  const genesis = { hash: "0a".repeat(32) as BlockHash, height: 0, chainwork: 2n as Work, isInvalid: false };
  const tip = { hash: "0b".repeat(32) as BlockHash, height: 1, chainwork: (10n ** 20n) as Work, bits: 0x207fffff };
  const known = new Map([genesis, tip].map((entry) => [entry.hash, entry as unknown as BlockEntry]));
  const placed: unknown[] = [];
  const chain = {
    tip,
    genesis,
    bestHeader: { ...genesis, ancestor: () => genesis },
    find: (hash: BlockHash) => known.get(hash),
    acceptHeaders: async (headers: unknown[]) => placed.push(...headers),
  } as unknown as PeerChain;
  const verdicts: [number, string][] = [];
  const judge: Judge = {
    misbehaved: ({ id }, offence) => void verdicts.push([id, offence]),
    disappointed: ({ id }, shortcoming) => void verdicts.push([id, shortcoming]),
  };
  const asked = [0, 0];
  const states = [0, 1].map((id) => {
    const answer = endless(genesis.hash);
    const request = async () => {
      asked[id]!++;
      await new Promise((resolve) => setImmediate(resolve)); // As far as the other one gets to ask meanwhile.
      return answer();
    };
    return new LinkState({ id, identity: { tip: claim(1n) }, request } as unknown as Link);
  });
  const sync = new HeaderSync({ chain, params: QUICK, judge, run: () => undefined, learned: () => undefined });
  await Promise.all(states.map((state) => sync.follow(state)));
  expect(verdicts).toEqual([[0, "low-work-headers"]]);
  expect(asked).toEqual([UNPROVEN_HEADERS_MAX / HEADERS_MAX + 1, 1]);
  expect(placed).toEqual([]);
});
