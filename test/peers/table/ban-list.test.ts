import { describe, expect, test } from "vitest";
import { type Ban, BanList, parseBanAddress } from "../../../src/core/peers/table/ban-list.ts";
import { PeersLock } from "./peers-lock.ts";

const ban = (more: Partial<Ban>): Ban => ({
  address: null,
  instance: null,
  url: null,
  reason: "test",
  since: 100,
  until: 200,
  ...more,
});

async function listOf(...bans: readonly Ban[]): Promise<BanList> {
  using peers = new PeersLock();
  const list = new BanList();
  for (const one of bans) await peers.write((at) => list.add(at, one));
  return list;
}

test("a ban holds until its time and not at it", async () => {
  const list = await listOf(ban({ instance: "a" }));
  expect(list.find({ instance: "a" }, 199)?.reason).toBe("test");
  expect(list.find({ instance: "a" }, 200)).toBeUndefined();
  expect([list.list(199).length, list.list(200).length]).toEqual([1, 0]);
});

test("it finds by instance, by URL and by address, and nobody by what is not known of him", async () => {
  const list = await listOf(
    ban({ instance: "a" }),
    ban({ url: "http://198.51.100.1:8000", reason: "url" }),
    ban({ address: "198.51.100.9", reason: "address" }),
  );
  expect(list.find({ instance: "b", url: "http://198.51.100.1:8000" }, 150)?.reason).toBe("url");
  expect(list.find({ address: "198.51.100.9" }, 150)?.reason).toBe("address");
  expect(list.find({ address: "198.51.100.99" }, 150)).toBeUndefined();
  expect(list.find({ url: null, instance: undefined, address: undefined }, 150)).toBeUndefined();
});

test.each([
  ["198.51.100.0/24", "198.51.100.255", true],
  ["198.51.100.0/24", "198.51.101.0", false],
  ["198.51.100.77/32", "198.51.100.77", true],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["2001:db8::/32", "198.51.100.1", false],
  ["2001:DB8:0:0::1", "2001:db8::1", true],
  ["::ffff:198.51.100.1", "198.51.100.1", true],
  ["198.51.100.1", "::ffff:198.51.100.1", true],
])("%s covers %s: %s", async (banned, address, isCovered) => {
  const list = await listOf(ban({ address: parseBanAddress(banned) }));
  expect(list.find({ address }, 150) !== undefined).toBe(isCovered);
});

describe("what would keep every node of this machine out is refused, and so is what is no address", () => {
  test.each([
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::ffff:127.0.0.1",
    "127.0.0.0/8",
    "0.0.0.0/0",
    "126.0.0.0/7",
    "112.0.0.0/4",
    "::/0",
    "::FFFF:7F00:1",
  ])("%s", (text) => expect(() => parseBanAddress(text)).toThrow("this machine itself"));
  test.each([
    "",
    "x",
    "1.2.3",
    "198.51.100.0/33",
    "2001:db8::/129",
    "198.51.100.0/",
    "198.51.100.0/8/8",
    "198.51.100.0/-1",
    "a.example",
    "fe80::1%eth0",
  ])("%s", (text) => expect(() => parseBanAddress(text)).toThrow("is no address"));
});

test("the same one banned again counts once, with the newer time; another beside it stays", async () => {
  const list = await listOf(
    ban({ instance: "a" }),
    ban({ instance: "b" }),
    ban({ instance: "a", since: 110, until: 400, reason: "again" }),
  );
  expect(list.list(150).map(({ instance, reason }) => `${instance} ${reason}`)).toEqual(["a again", "b test"]);
});

test("a ban that is lifted is gone, by each of its names", async () => {
  using peers = new PeersLock();
  const list = new BanList();
  const url = "http://198.51.100.1:8000";
  for (const name of ["a", url, "2001:db8::/32", "2001:DB8:0::/32"]) {
    await peers.write((at) => list.add(at, ban({ instance: "a", url, address: parseBanAddress("2001:Db8::/32") })));
    expect(await peers.write((at) => list.lift(at, "other"))).toBe(0);
    expect(await peers.write((at) => list.lift(at, name))).toBe(1);
    expect(list.list(150)).toEqual([]);
  }
});

test("strangers cannot make it grow without end: those that end first give way", async () => {
  using peers = new PeersLock();
  const list = new BanList();
  const many = Array.from({ length: 10_000 }, (_, number) => ban({ instance: `n${number}`, until: 1_000 + number }));
  await peers.write((at) => list.restore(at, many.toReversed()));
  for (const until of [20_000, 20_001]) await peers.write((at) => list.add(at, ban({ instance: `late${until}`, until })));
  expect(list.list(150)).toHaveLength(10_000);
  expect(["n0", "n1", "n2", "late20001"].map((instance) => list.find({ instance }, 150) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
