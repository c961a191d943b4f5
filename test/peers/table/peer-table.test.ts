import { afterEach, beforeEach, expect, test } from "vitest";
import { PeerTable } from "../../../src/core/peers/table/peer-table.ts";
import { identityOf } from "./fake-link.ts";
import { PeersLock } from "./peers-lock.ts";

const at = (number: number) => `http://198.51.${number >> 8}.${number & 255}:8000`;
const A = at(1);

let peers: PeersLock;
let table: PeerTable;

beforeEach(() => {
  peers = new PeersLock();
  table = new PeerTable();
});
afterEach(() => peers[Symbol.dispose]());

const missed = (nowMs: number, jitter = 1) => ({ error: "nobody there", instance: undefined, nowMs, jitter });
const pauseAfter = (failures: number, jitter: number) =>
  peers.write((held) => {
    table.reached(held, A, identityOf("a"), 1);
    for (let number = 0; number < failures; number++) table.failed(held, A, missed(0, jitter));
    return table.find(A)!.nextTryMs;
  });

test("one that somebody wants is tried again after longer and longer pauses, of 5 s at most", async () => {
  await peers.write((held) => table.add(held, A, "added"));
  const pauses = [];
  for (const failures of [1, 2, 3, 4, 5, 50, 5_000]) pauses.push(await pauseAfter(failures, 1));
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  expect(await pauseAfter(5, 0)).toBe(2_500); // Jitter shortens by up to a half.
  expect(table.find(A)).toMatchObject({ failures: 5, lastError: "nobody there" });
});

test("hearsay waits for up to ten minutes", async () => {
  await peers.write((held) => table.add(held, A, "gossip"));
  expect(await pauseAfter(50, 1)).toBe(600_000);
});

test("its turn comes when the pause is over, at once when it is hurried, and being reached forgets the failures", async () => {
  await peers.write((held) => {
    table.add(held, A, "added");
    table.failed(held, A, missed(1_000));
  });
  expect([table.due(1_499).length, table.due(1_500).length]).toEqual([0, 1]);
  await peers.write((held) => table.hurry(held, A));
  expect(table.due(0)).toHaveLength(1);
  await peers.write((held) => table.reached(held, A, identityOf("a"), 77));
  expect(table.find(A)).toMatchObject({ nodeId: "a", lastSeen: 77, failures: 0, lastError: null, nextTryMs: 0 });
});

test("wanted ones come first, then those that were reached before, then hearsay", async () => {
  await peers.write((held) => {
    table.add(held, at(1), "gossip");
    table.add(held, at(2), "gossip");
    table.reached(held, at(2), identityOf("b"), 1);
    table.add(held, at(3), "session");
    table.add(held, at(4), "added");
  });
  expect(table.due(0).map(({ url }) => url)).toEqual([at(3), at(4), at(2), at(1)]);
});

test("by hand weighs more than the registry, and that more than hearsay, in whichever order they come", async () => {
  const add = (source: "added" | "session" | "gossip") => peers.write((held) => table.add(held, A, source));
  const sources = [];
  for (const source of ["gossip", "session", "gossip", "added", "session", "gossip"] as const) {
    expect(await add(source)).toBe(sources.length === 0);
    sources.push(table.find(A)!.source);
  }
  expect(sources).toEqual(["gossip", "session", "session", "added", "added", "added"]);
});

test("of endless hearsay a thousand are kept; none that was reached, and none that somebody wants, gives way", async () => {
  await peers.write((held) => {
    table.add(held, "http://203.0.113.1:8000", "added");
    table.add(held, "http://203.0.113.2:8000", "session");
    for (let number = 0; number < 10; number++) {
      table.add(held, at(number), "gossip");
      table.reached(held, at(number), identityOf("known"), 1);
    }
    table.add(held, at(10), "gossip");
    table.failed(held, at(10), missed(0));
    for (let number = 11; number < 1_000; number++) table.add(held, at(number), "gossip");
    expect([table.size, table.find(at(10))?.failures]).toEqual([1_002, 1]);
    for (let number = 1_000; number < 3_000; number++) expect(table.add(held, at(number), "gossip")).toBe(true);
  });
  expect(table.size).toBe(1_002);
  expect(table.find(at(10))).toBeUndefined(); // Failed most often, so it went first.
  for (let number = 0; number < 10; number++) expect(table.find(at(number))).toBeDefined();
  expect(table.list().filter(({ source }) => source !== "gossip")).toHaveLength(2);
});

test("where all hearsay was reached, more of it finds no room, and a wanted one does", async () => {
  await peers.write((held) => {
    for (let number = 0; number < 1_000; number++) {
      table.add(held, at(number), "gossip");
      table.reached(held, at(number), identityOf("known"), 1);
    }
    expect(table.add(held, at(1_000), "gossip")).toBe(false);
    expect(table.add(held, at(1_000), "added")).toBe(true);
  });
  expect(table.size).toBe(1_001);
});

test("a place stands once, whatever is pinned there; hearsay does not change a pin, and whoever knows better does", async () => {
  const [place, old, renewed] = ["https://198.51.100.9:8000", `#sha256=${"a".repeat(64)}`, `#sha256=${"b".repeat(64)}`];
  const add = (pin: string, source: "added" | "session" | "gossip") =>
    peers.write((held) => [table.add(held, place + pin, source), table.list().map(({ url }) => url.slice(place.length))]);
  expect(await add(old, "gossip")).toEqual([true, [old]]);
  expect(await add(renewed, "gossip")).toEqual([false, [old]]);
  expect(await add(renewed, "session")).toEqual([false, [renewed]]);
  expect(await add(old, "added")).toEqual([false, [old]]);
  expect(await add(renewed, "session")).toEqual([false, [old]]);
  expect(await add(renewed, "added")).toEqual([false, [renewed]]);
  await peers.write((held) => table.remove(held, place)); // Named without its pin.
  expect(table.size).toBe(0);
});
