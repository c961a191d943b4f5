import { expect, test } from "vitest";
import type { Link } from "../../../src/core/peers/link.ts";
import { decodeAddresses } from "../../../src/core/peers/table/addresses-message.ts";
import { encodeTip } from "../../../src/core/peers/tip-message.ts";
import { QUICK } from "../../chain/random-tree.ts";
import { until } from "../sync/sync-node.ts";
import { Station } from "../transport-pair.ts";
import { ManagerHouse } from "./manager-house.ts";

/** Somebody of the same network who is no node of ours; it answers pings unless a test says otherwise. */
async function stranger(name: string, house: ManagerHouse): Promise<Station> {
  const { chain } = house.bench;
  const station = await new Station(name).listen();
  const { hash, height, chainwork } = chain.tip;
  station.self = { ...station.self, network: QUICK.name, genesis: hash, tip: { hash, height, chainwork } };
  station.handler = (_link, kind) =>
    kind === "ping" ? encodeTip(station.self.tip) : kind === "get-addresses" ? Buffer.from("[]") : new Uint8Array(0);
  return station;
}

const only = (house: ManagerHouse): Link => house.manager.links[0]!.link;

test.each([
  ["a", "b"],
  ["b", "a"],
])("two that dial each other at once end with one link, the same on both sides (%s, %s)", async (first, second) => {
  await using one = await ManagerHouse.open("one", { instance: first });
  await using two = await ManagerHouse.open("two", { instance: second });
  await Promise.all([one.manager.add(two.url), two.manager.add(one.url)]);
  const settled = () => {
    const [here, there] = [one.manager.links, two.manager.links];
    return here.length === 1 && there.length === 1 && here[0]!.link.direction !== there[0]!.link.direction;
  };
  await until("one link each", settled);
  await Promise.all([one.manager.pingAll(), two.manager.pingAll()]);
  await until("still one link each", settled);
  expect([one.log.lines, two.log.lines]).toEqual([[], []]);
  expect(await only(one).request("ping", encodeTip(one.manager.links[0]!.tip))).toHaveLength(68);
});

test("a node that dials itself, under whatever name, has no link", async () => {
  await using one = await ManagerHouse.open("one");
  await expect(one.manager.tryOnce(one.url.replace("127.0.0.1", "localhost"))).rejects.toThrow();
  await one.manager.add(one.url);
  await one.manager.pingAll();
  expect(one.manager.links).toEqual([]);
});

test("one node that is known by two names is linked once, and not dialled again by the other", async () => {
  await using one = await ManagerHouse.open("one");
  await using two = await ManagerHouse.open("two");
  // Neither is what it calls itself.
  const [name, other] = ["localhost", "[::ffff:127.0.0.1]"].map((host) => two.url.replace("127.0.0.1", host)) as [string, string];
  await one.manager.add(name);
  await until("linked", () => one.linked.length === 1);
  await one.manager.add(other);
  const knows = () => one.manager.book.peers.map(({ instance }) => instance);
  await until("both names lead to the same", () => knows().length === 2 && knows()[0] !== null && knows()[0] === knows()[1]);
  await until("still one link", () => one.linked.length === 1);
  const { link } = one.manager.links[0]!;
  for (let look = 0; look < 5; look++) await new Promise((resolve) => setTimeout(resolve, 200)); // Looks at the table come every half second.
  expect(one.manager.links.map(({ link }) => link)).toEqual([link]);
  expect(one.manager.book.peers.map(({ failures }) => failures)).toEqual([0, 0]);
});

test("a name that leads to a node which has dialled us is told so once", async () => {
  await using one = await ManagerHouse.open("one", { instance: "b" });
  await using two = await ManagerHouse.open("two", { instance: "a" });
  await two.manager.add(one.url.replace("127.0.0.1", "localhost"));
  await until("linked", () => one.linked.length === 1);
  await one.manager.add(two.url.replace("127.0.0.1", "localhost"));
  const known = () => one.manager.book.peers[0]!;
  await until("told", () => known().instance !== null);
  const { failures } = known();
  for (let look = 0; look < 5; look++) await new Promise((resolve) => setTimeout(resolve, 200));
  expect([known().failures, one.linked]).toEqual([failures, ["two"]]);
});

test("a node does not dial itself twice by another name", async () => {
  await using one = await ManagerHouse.open("one");
  await one.manager.add(one.url.replace("127.0.0.1", "localhost"));
  await until("found out", () => one.manager.book.peers[0]!.instance !== null);
  expect(one.manager.book.peers[0]).toMatchObject({ failures: 1, lastError: expect.stringContaining("this node itself") });
  for (let look = 0; look < 5; look++) await new Promise((resolve) => setTimeout(resolve, 200));
  expect(one.manager.book.peers[0]!.failures).toBe(1);
});

test("a banned one goes, is refused by name and until when, and is let in again when the ban is lifted", async () => {
  await using one = await ManagerHouse.open("one");
  await using villain = await stranger("villain", one);
  const link = await villain.transport.dial(one.url);
  await until("linked", () => one.linked.length === 1);
  const [ban] = await one.manager.ban("villain", { reason: "rude" });
  expect(ban).toMatchObject({ address: null, instance: villain.self.instance, reason: "rude" });
  await link.closed;
  await until("gone", () => one.linked.length === 0);
  await expect(villain.transport.dial(one.url)).rejects.toThrow(/banned until \d{4}-.*\(rude\)/);
  await using other = await stranger("other", one);
  await other.transport.dial(one.url);
  await until("others come in", () => one.linked.includes("other"));
  expect(await one.manager.unban(villain.self.instance)).toBe(1);
  await villain.transport.dial(one.url);
  await until("back", () => one.linked.includes("villain"));
});

test("who is banned is not dialled either, and a restart does not forget it", async () => {
  await using one = await ManagerHouse.open("one");
  await using villain = await stranger("villain", one);
  await one.manager.add(villain.url);
  await until("linked", () => one.linked.length === 1);
  await one.manager.ban(villain.url);
  await until("gone", () => one.linked.length === 0);
  const before = villain.links.length;
  await one[Symbol.asyncDispose]();
  await using again = await ManagerHouse.open("again", { saved: one.store.saved });
  expect(again.manager.book.bans).toMatchObject([{ url: villain.url, reason: "by hand" }]);
  await expect(again.manager.tryOnce(villain.url)).rejects.toThrow("banned until");
  await expect(villain.transport.dial(again.url)).rejects.toThrow("banned until");
  expect([again.manager.links, villain.links.length]).toEqual([[], before]);
});

test("who breaks a rule over real sockets is kept out, and whoever shares its address is not", async () => {
  await using one = await ManagerHouse.open("one");
  await using villain = await stranger("villain", one);
  await using friend = await stranger("friend", one);
  await friend.transport.dial(one.url);
  const link = await villain.transport.dial(one.url);
  await link.request("announce", Uint8Array.of(0xff, 1)).catch(() => undefined);
  await link.closed;
  await until("banned", () => one.manager.book.bans.length === 1);
  expect(one.manager.book.bans).toMatchObject([{ address: null, instance: villain.self.instance, reason: "garbled-message" }]);
  await expect(villain.transport.dial(one.url)).rejects.toThrow("banned until");
  expect(one.linked).toEqual(["friend"]);
  expect(one.told.some((line) => line.startsWith("garbled-message "))).toBe(true);
  await until("on disk, though the node runs on", () => one.store.saved.bans.length === 1);
});

test("a peer that dies leaves, is dialled again, and is back when it has returned", async () => {
  await using one = await ManagerHouse.open("one");
  const two = await ManagerHouse.open("two");
  const port = Number(new URL(two.url).port);
  await one.manager.add(two.url);
  await until("linked", () => one.linked.length === 1);
  await two[Symbol.asyncDispose]();
  await until("out", () => one.linked.length === 0);
  await until("tried in vain", () => (one.manager.book.peers[0]?.failures ?? 0) > 1);
  await using returned = await ManagerHouse.open("two again", { port });
  await until("back", () => one.linked.length === 1);
  expect([one.linked, returned.linked]).toEqual([["two again"], ["one"]]);
  expect(one.manager.book.peers).toMatchObject([{ url: two.url, failures: 0, lastError: null, nodeId: "two again" }]);
});

test("one whose socket stands but who answers no more is out after three pings", async () => {
  await using one = await ManagerHouse.open("one", { isStarted: false });
  await using mute = await stranger("mute", one);
  await mute.transport.dial(one.url);
  await until("linked and measured", () => one.manager.links[0]?.latencyMs !== undefined);
  mute.handler = () => new Promise(() => undefined);
  const link = only(one);
  for (let round = 0; round < 3; round++) await one.manager.pingAll();
  expect(await link.closed).toBe("it does not answer");
  expect(one.linked).toEqual([]);
});

test("where all places are taken by links that none gives way among, the next one is told so", async () => {
  await using one = await ManagerHouse.open("one", { inboundMax: 2, isStarted: false });
  await using stack = new AsyncDisposableStack();
  for (const name of ["a", "b"]) await stack.use(await stranger(name, one)).transport.dial(one.url);
  await until("full", () => one.linked.length === 2);
  await expect(stack.use(await stranger("c", one)).transport.dial(one.url)).rejects.toThrow("all places are taken");
  expect(one.linked).toEqual(["a", "b"]);
});

test("a crowd that comes in never takes more than its places", async () => {
  await using one = await ManagerHouse.open("one", { inboundMax: 14, isStarted: false });
  await using stack = new AsyncDisposableStack();
  for (let number = 0; number < 20; number++) {
    await stack
      .use(await stranger(`n${number}`, one))
      .transport.dial(one.url)
      .catch(() => undefined);
    expect(one.manager.links.length).toBeLessThanOrEqual(14);
  }
  await until("settled", () => one.linked.length === 14);
  expect(one.linked.filter((name) => ["n0", "n1", "n2", "n3"].includes(name))).toHaveLength(4); // The oldest stay.
});

test("a node tells of places that it reached, and takes what it is told as hearsay; its own place is not among it", async () => {
  await using one = await ManagerHouse.open("one");
  await using two = await ManagerHouse.open("two", { isStarted: false });
  await using three = await ManagerHouse.open("three", { isStarted: false });
  await two.manager.book.heardOf([three.url, "http://127.0.0.1:9"]);
  await two.manager.book.reached(three.url, identityAt(three));
  await one.manager.add(two.url);
  await until("heard and dialled", () => one.linked.includes("three"));
  expect(one.manager.book.peers.map(({ url, source }) => [url, source])).toEqual([
    [two.url, "added"],
    [three.url, "gossip"],
  ]);
  const told = await only(one).request("get-addresses", new Uint8Array(0));
  expect(decodeAddresses(told, "loopback")).not.toContain("http://127.0.0.1:9");
});

function identityAt(house: ManagerHouse) {
  const { hash, height, chainwork } = house.bench.chain.tip;
  const tip = { hash, height, chainwork };
  return { instance: "3".repeat(32), nodeId: "three", agent: "test", version: 1, listenUrl: house.url, tip };
}

test("removing a peer ends its link, and it is not dialled again", async () => {
  await using one = await ManagerHouse.open("one");
  await using two = await ManagerHouse.open("two", { isStarted: false });
  expect(await one.manager.add(two.url)).toBe(true);
  await until("linked", () => one.linked.length === 1);
  expect([await one.manager.add(two.url), await one.manager.remove(two.url), await one.manager.remove(two.url)]).toEqual([
    false,
    true,
    false,
  ]);
  await until("gone", () => one.linked.length === 0 && two.linked.length === 0);
  expect(one.manager.book.peers).toEqual([]);
});
