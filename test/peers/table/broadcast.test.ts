import { expect, test } from "vitest";
import type { LinkHandler } from "../../../src/core/peers/link.ts";
import { type BroadcastResult, broadcast } from "../../../src/core/peers/table/broadcast.ts";
import { until } from "../sync/sync-node.ts";
import { fakeLink } from "./fake-link.ts";

const tarPit: LinkHandler = () => new Promise(() => undefined);
const message = { kind: "ping", body: new Uint8Array(0) } as const;

test("seven answer at once; the eighth, a tar pit, delays nobody and fails at its time-out", async () => {
  const links = Array.from({ length: 8 }, (_, number) => fakeLink(`n${number}`, number === 3 ? { handler: tarPit } : {}));
  const told: BroadcastResult[] = [];
  let isOver = false;
  const all = broadcast(links, message, { timeoutMs: 1_500, told: (result) => void told.push(result) }).finally(() => {
    isOver = true;
  });
  await until("seven", () => told.length >= 7);
  expect([told.length, isOver, links[3]!.pending]).toEqual([7, false, 1]);
  expect(told.map(({ peer, ok }) => `${peer} ${ok}`).sort()).toEqual([0, 1, 2, 4, 5, 6, 7].map((number) => `n${number} true`));
  const results = await all;
  expect(results.map(({ peer }) => peer)).toEqual(links.map(({ identity }) => identity.nodeId)); // In the order of the links.
  expect(results.filter(({ ok }) => !ok)).toMatchObject([{ peer: "n3", error: "no answer came in time" }]);
  expect(told).toHaveLength(8);
  expect(links.map(({ pending }) => pending)).toEqual(Array(8).fill(0));
});

test("a link that ends meanwhile fails by itself alone", async () => {
  const links = [fakeLink("a"), fakeLink("b", { handler: tarPit })];
  const all = broadcast(links, message);
  links[1]!.close("gone");
  expect((await all).map(({ ok }) => ok)).toEqual([true, false]);
});

test("without links there is nothing to wait for", async () => {
  expect(await broadcast([], message)).toEqual([]);
});
