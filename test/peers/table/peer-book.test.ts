import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LockManager } from "../../../src/core/locks/manager.ts";
import type { Ban } from "../../../src/core/peers/table/ban-list.ts";
import { PeerBook } from "../../../src/core/peers/table/peer-book.ts";
import { type PeersStore, peersFile } from "../../../src/core/peers/table/peers-file.ts";
import { identityOf } from "./fake-link.ts";

const A = "http://198.51.100.1:8000";
const B = "http://198.51.100.2:8000";
const C = "http://198.51.100.3:8000";
const NOW = 1_000;
const BAN: Ban = { address: "203.0.113.7", instance: "i", url: null, reason: "flood", since: NOW, until: NOW + 60 };

let folder: string;
let path: string;
let locks: LockManager;
let nowMs: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "peers-"));
  path = join(folder, "peers.json");
  locks = new LockManager();
  nowMs = NOW * 1_000;
});

afterEach(async () => {
  locks.close();
  await rm(folder, { recursive: true, force: true });
});

let jitter = 0;
const entropy = { bytes: (count: number) => new Uint8Array(count).fill(jitter) };
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
const open = (store: PeersStore = peersFile(path)) => PeerBook.open({ locks, clock, store, entropy });

test("what is known of peers and who is kept out comes back after a restart; the session's nodes do not", async () => {
  const book = await open();
  await book.add(A, "added");
  await book.heardOf([B]);
  await book.setSession([C]);
  await book.reached(A, identityOf("a"));
  await book.missed(B, "nobody there");
  await book.ban([BAN]);
  await book.save();
  const again = await open();
  expect(again.peers.map(({ url, source, nodeId, lastSeen }) => [url, source, nodeId, lastSeen])).toEqual([
    [A, "added", "a", NOW],
    [B, "gossip", null, null],
  ]);
  expect(again.bans).toEqual([BAN]);
  expect(again.due().map(({ url }) => url)).toEqual([A, B]); // Both are tried at once, whatever was before.
  nowMs += 60_000;
  expect([again.bans, again.banOf({ address: "203.0.113.7" })]).toEqual([[], undefined]);
});

test.each([
  "",
  "{",
  "null",
  "[]",
  '{"format":2,"peers":[],"bans":[]}',
  '{"format":1,"peers":{},"bans":[]}',
  '{"format":1,"peers":[null,7,{}],"bans":[null,"x",{}]}',
])("a file that says %j starts the table anew, and is replaced by the next save", async (text) => {
  await writeFile(path, text);
  const book = await open();
  expect([book.peers, book.bans, book.due(), book.banOf({ instance: "i", address: "1.2.3.4" })]).toEqual([[], [], [], undefined]);
  await book.add(A, "added");
  await book.save();
  expect((await open()).peers.map(({ url }) => url)).toEqual([A]);
});

test("of a file that is damaged in places the sound entries count", async () => {
  const peer = { url: A, source: "added", instance: null, nodeId: null, lastSeen: null };
  const peers = [{ ...peer, url: "file:///etc/passwd" }, { ...peer, url: `${B}/path` }, { ...peer, source: "magic" }, peer];
  const bans = [{ ...BAN, address: "127.0.0.1" }, { ...BAN, address: "0.0.0.0/0" }, { ...BAN, until: "ever" }, BAN];
  await writeFile(path, JSON.stringify({ format: 1, peers, bans }));
  const book = await open();
  expect(book.peers.map(({ url }) => url)).toEqual([A]);
  expect(book.bans).toEqual([BAN]);
});

test("what could not be saved is saved the next time", async () => {
  let isFull = true;
  const file = peersFile(path);
  const book = await open({
    load: file.load,
    save: (saved) => (isFull ? Promise.reject(new Error("disk full")) : file.save(saved)),
  });
  await book.add(A, "added");
  await expect(book.save()).rejects.toThrow("disk full");
  isFull = false;
  await book.save();
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ format: 1, peers: [{ url: A }] });
});

test("what is changed while a save goes on is saved by the next one", async () => {
  const book = await open();
  await book.add(A, "added");
  let changing: Promise<void> | undefined;
  const hold = async () => {
    changing = book.ban([BAN]); // Waits for the lock that is held here.
    await book.save();
  };
  await locks.task("test", (at) => locks.getLock("peers", "PEERS").withWrite(at, hold, { site: "a test" }));
  await changing;
  await book.save();
  expect((await open()).bans).toEqual([BAN]);
});

test("without a change nothing is written", async () => {
  await (await open()).save();
  await expect(readFile(path)).rejects.toThrow("ENOENT");
});

test("a banned peer's turn does not come before the ban has ended", async () => {
  const book = await open();
  await book.add(A, "added");
  await book.add(B, "added");
  await book.reached(B, identityOf("b"));
  await book.ban([
    { ...BAN, address: null, instance: null, url: A },
    { ...BAN, address: null, instance: identityOf("b").instance },
  ]);
  expect(book.due()).toEqual([]);
  expect(await book.unban(A)).toBe(1);
  expect(book.due().map(({ url }) => url)).toEqual([A]);
  nowMs += 60_000;
  expect(book.due()).toHaveLength(2);
});

test("the session's nodes come and go with its registry; who was added by hand stays", async () => {
  const book = await open();
  await book.add(A, "added");
  await book.heardOf([B]);
  await book.setSession([A, B, C]);
  expect(book.peers.map(({ url, source }) => [url, source])).toEqual([
    [A, "added"],
    [B, "session"],
    [C, "session"],
  ]);
  await book.setSession([C]);
  expect(book.peers.map(({ url }) => url)).toEqual([A, C]);
});

test("how long a pause is comes from the entropy that was handed in", async () => {
  const book = await open();
  await book.add(A, "added");
  const pauses = [];
  for (jitter of [0, 128, 255]) {
    await book.reached(A, identityOf("a"));
    await book.missed(A, "nobody there");
    pauses.push(Math.round(book.peers[0]!.nextTryMs - nowMs));
  }
  expect(pauses).toEqual([250, 375, 500]);
});

test("a pin comes back after a restart, and a ban of a place holds for whatever certificate it shows", async () => {
  const pinned = `https://198.51.100.1:8000#sha256=${"a".repeat(64)}`;
  const book = await open();
  await book.add(pinned, "added");
  await book.ban([{ ...BAN, address: null, instance: null, url: pinned }]);
  await book.save();
  const again = await open();
  expect(again.peers.map(({ url }) => url)).toEqual([pinned]);
  expect(again.bans).toMatchObject([{ url: "https://198.51.100.1:8000" }]);
  expect(again.banOf({ url: pinned.replaceAll("aa", "bb") })).toBeDefined();
  expect([again.due(), await again.unban(pinned)]).toEqual([[], 1]);
});
