import { once } from "node:events";
import { expect, test } from "vitest";
import type { CoinChange } from "../../src/core/coins/changes.ts";
import { CoinTable } from "../../src/core/coins/table.ts";
import { at, create, publish, spend } from "./conformance.ts";
import { coin, entriesText, outpoint } from "./support/coins.ts";
import { History } from "./support/history.ts";
import { entriesHash, join, MARKER, markerChange, SUM_SCRIPT } from "./support/invariants.ts";
import { MapCoins } from "./support/map-coins.ts";
import { Random } from "./support/random.ts";
import { Crew, turn } from "./support/workers.ts";

const newTable = (leaseMs = 600_000): CoinTable => CoinTable.create({ clock: performanceClock, leaseMs });
const performanceClock = { monotonicMs: () => performance.now() };

/** Adds the marker of the version that the commit will make. */
function publishMarked(table: CoinTable, change: CoinChange): number {
  return publish(table, join(change, markerChange(table.version + 1, table.version === 0)));
}

test("a snapshot held across 1,000 commits and 100 reorganisations equals the oracle from main and from workers", async () => {
  const random = new Random();
  console.log(`held snapshot seed ${random.seed}`);
  const [table, maps, history] = [newTable(), new MapCoins(), new History(random)];
  for (let n = 0; n < 20; n++) publishBoth(table, maps, history.connect(10, 60));
  const sum = 1_000_000;
  const pot = Array.from({ length: 100 }, (_, n) => create(n + 40_000_000, sum / 100, SUM_SCRIPT));
  publishBoth(table, maps, { spends: [], creates: pot });
  using held = table.snapshot();
  const expected = entriesText(maps.at(held.version).coins());
  const watchers = new Crew(table);
  const hash = entriesHash(expected);
  for (let n = 0; n < 2; n++) watchers.start({ kind: "hold", seed: random.below(2 ** 30), version: held.version, hash });
  watchers.start({ kind: "watch", seed: random.below(2 ** 30), sum });
  await watchers.begun();
  for (let round = 0; round < 1_100; round++) {
    const isReorganisation = round % 11 === 10;
    publishBoth(table, maps, isReorganisation ? history.reorganise(1 + random.below(8), 10, 10) : history.connect(16, 16));
    if (round % 100 === 99) {
      expect(entriesText(held.coins())).toEqual(expected);
      using now = table.snapshot();
      expect(entriesText(now.coins())).toEqual(entriesText(maps.at(now.version).coins()));
    }
    if (round % 20 === 19) await turn();
  }
  const found = await watchers.stop<{ rounds?: number; snapshots?: number; wrong: string[] }>();
  expect(found.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(Math.min(...found.map(({ rounds, snapshots }) => rounds ?? snapshots!))).toBeGreaterThan(0);
  expect(table.version - held.version).toBe(1_100);
});

function publishBoth(table: CoinTable, maps: MapCoins, change: CoinChange): void {
  const marked = join(change, markerChange(table.version + 1, table.version === 0));
  expect(publish(table, marked)).toBe(publish(maps, marked));
}

test("readers see every invariant while commits, aborts, growth, reclaiming and compaction go on", async () => {
  const random = new Random();
  console.log(`invariants seed ${random.seed}`);
  const table = newTable();
  const sum = 5_000_000;
  let next = 0;
  let purse = Array.from({ length: 500 }, () => next++);
  publishMarked(table, { spends: [], creates: purse.map((n) => create(n, sum / 500, SUM_SCRIPT)) });
  const crew = new Crew(table);
  for (let n = 0; n < 3; n++) crew.start({ kind: "watch", seed: n, sum });
  await crew.begun();
  const filler: number[] = [];
  const startedWith = table.statistics().bytesReserved;
  for (let round = 0; round < 600; round++) {
    // Moves money between coins; other sizes of script come and go in waves, so that memory grows and then lies scattered.
    const taken = purse.slice(0, 50);
    const made = taken.map(() => next++);
    purse = [...purse.slice(50), ...made];
    const change: CoinChange = { spends: taken.map(spend), creates: made.map((n) => create(n, sum / 500, SUM_SCRIPT)) };
    publishMarked(table, join(change, wave(round, filler, random)));
    if (round % 7 === 0) {
      const open = table.prepare(at, { spends: purse.slice(0, 20).map(spend), creates: [create(next + 1_000_000)] });
      if ("abort" in open) open.abort();
    }
    if (round % 10 === 9) table.compact(at, 2_000);
    if (round % 10 === 5) await turn();
  }
  expect(table.statistics().bytesReserved).toBeGreaterThan(startedWith * 4);
  const found = await crew.stop<{ snapshots: number; wrong: string[] }>();
  expect(found.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(Math.min(...found.map(({ snapshots }) => snapshots))).toBeGreaterThan(10);
  expect(table.statistics().reclaimed).toBeGreaterThan(10_000);
});

/** Half of the time adds 200 coins of random scripts a round, half of the time spends as many at random. */
function wave(round: number, filler: number[], random: Random): CoinChange {
  if (round % 100 < 50) {
    const added = Array.from({ length: 200 }, (_, n) => 20_000_000 + round * 200 + n);
    filler.push(...added);
    return {
      spends: [],
      creates: added.map((n) => ({ outpoint: outpoint(n), coin: coin(1, random.bytes(1 + random.below(300))) })),
    };
  }
  const spends = Array.from({ length: Math.min(195, filler.length) }, () => filler.splice(random.below(filler.length), 1)[0]!);
  return { spends: spends.map(spend), creates: [] };
}

test("leases revoked under readers never make a wrong answer", async () => {
  const table = newTable(0);
  const sum = 200_000;
  let purse = Array.from({ length: 200 }, (_, n) => n);
  let next = 200;
  publishMarked(table, { spends: [], creates: purse.map((n) => create(n, sum / 200, SUM_SCRIPT)) });
  const crew = new Crew(table);
  for (let n = 0; n < 3; n++) crew.start({ kind: "watch", seed: n, sum });
  await crew.begun();
  for (let round = 0; round < 8_000; round++) {
    const made = Array.from({ length: 20 }, () => next++);
    const change = { spends: purse.slice(0, 20).map(spend), creates: made.map((n) => create(n, sum / 200, SUM_SCRIPT)) };
    publishMarked(table, change);
    purse = [...purse.slice(20), ...made];
    if (round % 50 === 0) await turn();
  }
  const found = await crew.stop<{ snapshots: number; revoked: number; wrong: string[] }>();
  expect(found.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(found.reduce((all, { revoked }) => all + revoked, 0)).toBeGreaterThan(0);
  expect(table.statistics().leasesRevoked).toBeGreaterThan(0);
});

test("10,000 races of four threads for one coin have one winner each", async () => {
  const races = 10_000;
  const table = newTable();
  table.load(
    at,
    Array.from({ length: races }, (_, n) => [outpoint(n), coin(1)] as const),
  );
  const crew = new Crew(table);
  const winners = new Map<number, number>();
  const answered: Promise<number>[] = [];
  for (let w = 0; w < 4; w++) {
    const worker = crew.start({ kind: "race", seed: w, races });
    answered.push(
      new Promise((resolve) => {
        worker.on("message", (message: { race: number; basedOn: number; wins?: number }) => {
          if (message.wins !== undefined) return resolve(message.wins);
          const { race, basedOn } = message;
          const result = table.prepare(at, { spends: [spend(race)], creates: [create(race + 1_000_000 * (w + 1), w)] }, basedOn);
          if ("publish" in result) {
            result.publish();
            expect(winners.has(race)).toBe(false);
            winners.set(race, w);
          }
          worker.postMessage("publish" in result);
        });
      }),
    );
  }
  const wins = await Promise.all(answered);
  expect(wins.reduce((all, won) => all + won, 0)).toBe(races);
  expect([winners.size, table.count, table.version]).toEqual([races, races, races]);
  for (const [race, w] of winners) expect(table.find(outpoint(race + 1_000_000 * (w + 1)))?.value).toBe(w);
  console.log(`races: ${table.statistics().conflicts} refused, won by ${wins.join(", ")}`);
  expect(table.statistics().conflicts).toBeGreaterThan(0);
});

test("a worker that dies with snapshots held keeps nothing for ever", async () => {
  const table = newTable();
  publishMarked(table, { spends: [], creates: [] });
  for (let round = 0; round < 20; round++) {
    const crew = new Crew(table);
    const worker = crew.start({ kind: "grab", seed: round });
    const [{ held }] = (await once(worker, "message")) as [{ held: number }];
    publishMarked(table, { spends: [], creates: [create(round)] });
    expect(table.statistics().leasesHeld).toBe(held);
    await worker.terminate();
    expect(table.statistics().leasesHeld).toBe(0); // Freed when it ended.
    publishMarked(table, { spends: [], creates: [] });
    expect(table.statistics()).toMatchObject({ leasesHeld: 0, records: table.count });
  }
  expect(table.find(outpoint(MARKER + table.version))?.value).toBe(table.version);
});
