import { threadId } from "node:worker_threads";
import { expect, test } from "vitest";
import { SnapshotRevokedError } from "../../src/core/coins/leases.ts";
import { CoinReader } from "../../src/core/coins/reader.ts";
import type { CoinSnapshot } from "../../src/core/coins/snapshot.ts";
import { CoinTable, type CoinTableOptions } from "../../src/core/coins/table.ts";
import { outpointAt } from "../../src/core/primitives/outpoint.ts";
import { at, create, publish, spend } from "./conformance.ts";
import { coin, entriesText, outpoint, scriptOf } from "./support/coins.ts";
import { Random } from "./support/random.ts";

/** A table whose time stands still until it is moved. */
function tableWithTime(options: Partial<CoinTableOptions> = {}): { table: CoinTable; time: { ms: number } } {
  const time = { ms: 0 };
  return { table: CoinTable.create({ clock: { monotonicMs: () => time.ms }, ...options }), time };
}

/** Commits that touch nothing anybody looks at. */
function age(table: CoinTable, commits: number, from = 1_000_000): void {
  for (let n = from; n < from + commits; n++)
    publish(table, { spends: n === from ? [] : [spend(n - 1)], creates: [create(n, 1)] });
}

const key = (n: number): string => {
  const { txid, vout } = outpointAt(outpoint(n), 0);
  return `${txid}:${vout}`;
};

test("spent versions are freed as soon as no snapshot sees them, and their memory serves again", () => {
  const { table } = tableWithTime();
  const snapshot = table.snapshot();
  age(table, 100);
  expect(table.statistics()).toMatchObject({ coins: 1, records: 100, reclaimed: 0 });
  snapshot[Symbol.dispose]();
  age(table, 1, 2_000_000);
  expect(table.statistics()).toMatchObject({ coins: 2, records: 2, reclaimed: 99, leasesHeld: 0 });
  const { bytesReserved } = table.statistics();
  age(table, 20_000, 3_000_000);
  expect(table.statistics().bytesReserved).toBe(bytesReserved);
});

test("reclaiming goes in bounded parts", () => {
  const { table } = tableWithTime();
  publish(table, { spends: [], creates: Array.from({ length: 300 }, (_, n) => create(n)) });
  const snapshot = table.snapshot();
  publish(table, { spends: Array.from({ length: 300 }, (_, n) => spend(n)), creates: [] });
  snapshot[Symbol.dispose]();
  expect(table.reclaim(at, 100)).toBe(true);
  expect(table.statistics().records).toBe(200);
  expect(table.reclaim(at, 100)).toBe(true);
  expect(table.reclaim(at, 100)).toBe(false);
  expect(table.statistics()).toMatchObject({ records: 0, reclaimed: 300 });
});

test("a place is not used again while a reader that was there at the unlinking has not left", () => {
  const { table } = tableWithTime();
  publish(table, { spends: [], creates: [create(1, 1)] });
  publish(table, { spends: [spend(1)], creates: [] }); // Unlinked and freed at once: nobody reads.
  publish(table, { spends: [], creates: [create(2, 1)] });
  using late = table.snapshot(); // Does not see coin 1 and coin 3, but may stand on their records.
  publish(table, { spends: [], creates: [create(3, 1)] });
  publish(table, { spends: [spend(3)], creates: [] });
  expect(table.statistics().reclaimed).toBe(1);
  expect(late.has(outpoint(2))).toBe(true);
});

test("a snapshot over age is revoked with the way out, and only once it stands behind the newest version", () => {
  const { table, time } = tableWithTime({ leaseMs: 100 });
  publish(table, { spends: [], creates: [create(1)] });
  using snapshot = table.snapshot();
  for (time.ms = 0; time.ms <= 1_000; time.ms += 500) table.reclaim(at);
  expect(snapshot.has(outpoint(1))).toBe(true); // Of the newest version: keeps nothing from anybody.
  time.ms = 1_000;
  age(table, 1);
  time.ms = 1_100;
  age(table, 1, 2_000_000);
  expect(snapshot.isRevoked).toBe(false);
  time.ms = 1_101;
  age(table, 1, 3_000_000);
  expect(() => snapshot.find(outpoint(1))).toThrow(SnapshotRevokedError);
  expect(() => [...snapshot.coins()]).toThrow(/revoked.*Take a new one and try again/);
  expect(() => snapshot.balanceOf(scriptOf(1))).toThrow(SnapshotRevokedError);
  using again = table.snapshot();
  expect(again.has(outpoint(1))).toBe(true);
  expect(table.statistics().leasesRevoked).toBe(1);
});

test("a walk over all coins may ask for more time than others", () => {
  const { table, time } = tableWithTime({ leaseMs: 100 });
  using walk = table.snapshot({ leaseMs: 10_000 });
  using other = table.snapshot();
  age(table, 1);
  time.ms = 5_000;
  age(table, 1, 2_000_000);
  expect([walk.isRevoked, other.isRevoked]).toEqual([false, true]);
});

test("a snapshot disposed twice gives back one share, and answers no more", () => {
  const { table } = tableWithTime();
  const [first, second] = [table.snapshot(), table.snapshot()];
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(second.has(outpoint(1))).toBe(false);
  expect(() => first.has(outpoint(1))).toThrow(/after it was disposed/);
  second[Symbol.dispose]();
  expect(table.statistics().leasesHeld).toBe(0);
});

test("a second named snapshot of one version is the same object, of another version another", () => {
  const { table } = tableWithTime();
  const first = table.createSnapshot();
  expect(table.createSnapshot()).toBe(first);
  expect(table.createSnapshot("fork")).toBe(first);
  age(table, 1);
  expect(table.createSnapshot()).not.toBe(first);
  expect(table.findSnapshot("fork")).toBe(first);
  expect(table.snapshotNames()).toEqual(["version-0", "fork", "version-1"]);
});

test("maxSnapshots is kept: the oldest named snapshot is revoked by one more", () => {
  const { table } = tableWithTime({ maxSnapshots: 3 });
  const made = Array.from({ length: 5 }, (_, n) => {
    age(table, 1, 1_000_000 * (n + 1));
    return table.createSnapshot(`s${n}`);
  });
  expect(table.snapshotNames()).toEqual(["s2", "s3", "s4"]);
  expect(made.map((snapshot) => snapshot.isRevoked)).toEqual([true, true, false, false, false]);
  expect(() => made[0]!.has(outpoint(1))).toThrow(SnapshotRevokedError);
  expect(() => made[1]!.has(outpoint(1))).toThrow(/3 newer named snapshots pushed it out/);
  expect(table.statistics().leasesHeld).toBe(3);
});

test("five named snapshots are kept by default", () => {
  const { table } = tableWithTime();
  for (let n = 0; n < 9; n++) {
    age(table, 1, 1_000_000 * (n + 1));
    table.createSnapshot();
  }
  expect(table.snapshotNames()).toEqual(["version-5", "version-6", "version-7", "version-8", "version-9"]);
});

test("named snapshots that nobody disposes use up nothing", () => {
  const { table } = tableWithTime({ leases: 8 });
  for (let n = 0; n < 100; n++) {
    age(table, 1, 1_000_000 * (n + 1));
    table.createSnapshot();
  }
  expect(table.createSnapshot().has(outpoint(1))).toBe(false);
  expect(table.statistics().leasesHeld).toBe(5);
});

test("a dropped or disposed name is gone and frees its version; a snapshot with two names outlives the first", () => {
  const { table } = tableWithTime();
  const snapshot = table.createSnapshot("a");
  table.createSnapshot("b");
  expect([table.dropSnapshot("a"), table.dropSnapshot("a")]).toEqual([true, false]);
  expect(snapshot.has(outpoint(1))).toBe(false);
  snapshot[Symbol.dispose]();
  expect(table.snapshotNames()).toEqual([]);
  expect(table.statistics().leasesHeld).toBe(0);
});

test("a name can move to a newer version", () => {
  const { table } = tableWithTime();
  const first = table.createSnapshot("latest");
  age(table, 1);
  const second = table.createSnapshot("latest");
  expect([first.version, second.version]).toEqual([0, 1]);
  expect(() => first.has(outpoint(1))).toThrow();
  expect(table.statistics().leasesHeld).toBe(1);
});

test("open snapshots are bounded, with an error that says so", () => {
  const { table } = tableWithTime({ leases: 2 });
  const reader = CoinReader.attach(table.handle());
  using _first = reader.snapshot();
  const second = reader.snapshot();
  expect(() => reader.snapshot()).toThrow(/All 2 snapshots of the coin table are in use/);
  second[Symbol.dispose]();
  using _third = reader.snapshot();
});

test("a reader joins a version that another holds, and is told when it is gone", () => {
  const { table } = tableWithTime();
  const reader = CoinReader.attach(table.handle());
  publish(table, { spends: [], creates: [create(1)] });
  const held = table.snapshot();
  publish(table, { spends: [spend(1)], creates: [] });
  using joined = reader.snapshotAt(held.version);
  held[Symbol.dispose]();
  age(table, 1);
  expect(joined.has(outpoint(1))).toBe(true);
  joined[Symbol.dispose]();
  age(table, 1, 2_000_000);
  expect(() => reader.snapshotAt(held.version)).toThrow(SnapshotRevokedError);
  expect(() => reader.snapshotAt(99)).toThrow(SnapshotRevokedError);
  expect(table.statistics().leasesHeld).toBe(0);
});

test("the snapshots of an ended thread are freed", () => {
  const { table } = tableWithTime();
  const reader = CoinReader.attach(table.handle());
  const [left, right] = [reader.snapshot(), reader.snapshot()];
  expect([left.version, right.version]).toEqual([0, 0]);
  expect([table.reapThread(threadId + 1), table.reapThread(threadId)]).toEqual([0, 2]);
  expect(table.statistics().leasesHeld).toBe(0);
});

test("an attached reader sees what is added in new memory", () => {
  const { table } = tableWithTime();
  const reader = CoinReader.attach(table.handle());
  using early = reader.snapshot();
  const many = Array.from({ length: 40_000 }, (_, n) => create(n));
  publish(table, { spends: [], creates: many });
  using late = reader.snapshot();
  expect(many.every(({ outpoint: bytes }) => late.has(bytes))).toBe(true);
  expect(many.some(({ outpoint: bytes }) => early.has(bytes))).toBe(false);
  expect([...late.coins()].length).toBe(40_000);
});

test("a handle of something else is refused", () => {
  const { table } = tableWithTime();
  expect(() => CoinReader.attach({ ...table.handle(), control: new SharedArrayBuffer(64) })).toThrow(/no coin table/);
});

test("a closed table answers nobody", () => {
  const { table } = tableWithTime();
  const reader = CoinReader.attach(table.handle());
  const snapshot = reader.snapshot();
  table.close(at);
  expect(() => snapshot.has(outpoint(1))).toThrow(/the coin table was closed/);
  expect(() => reader.snapshot()).toThrow(/closed/);
  expect(() => reader.snapshotAt(0)).toThrow(/closed/);
  expect(() => table.prepare(at, { spends: [], creates: [] })).toThrow(/closed/);
});

test("coins are loaded at the version that the disk has", () => {
  const { table } = tableWithTime({ version: 41 });
  expect(
    table.load(
      at,
      [1, 2].map((n) => [outpoint(n), coin(n)] as const),
    ),
  ).toBe(2);
  expect(table.load(at, [[outpoint(3), coin(3)]])).toBe(1);
  expect(publish(table, { spends: [spend(1)], creates: [] })).toBe(42);
  expect([table.count, table.find(outpoint(1)), table.find(outpoint(2))?.value]).toEqual([2, undefined, 2]);
  expect(() => table.load(at, [])).toThrow(/before the first commit/);
});

test("a coin that is loaded twice is noticed", () => {
  const { table } = tableWithTime({ version: 1 });
  const take = table.loader(at, 100);
  for (let n = 0; n < 100; n++) take(outpoint(n), coin(n));
  expect([table.count, table.find(outpoint(77))?.value]).toEqual([100, 77]);
  expect(() => take(outpoint(77), coin(1))).toThrow(/loaded twice/);
});

test("records beyond the memory allowed are refused whole", () => {
  const { table } = tableWithTime({ recordBytesMax: 2 ** 17 });
  publish(table, { spends: [], creates: [create(1, 1, scriptOf(2))] });
  const creates = Array.from({ length: 2_000 }, (_, n) => create(n + 10, n, scriptOf(2)));
  expect(() => table.prepare(at, { spends: [spend(1)], creates })).toThrow(/cannot grow/);
  expect([table.count, table.statistics().records, table.find(outpoint(1))?.value]).toEqual([1, 1, 1]);
  publish(table, { spends: [spend(1)], creates: creates.slice(0, 500) });
  expect(table.count).toBe(500);
});

test("compaction gathers what a large spend left scattered, and every snapshot stays as it was", () => {
  const { table } = tableWithTime();
  const script = scriptOf(2);
  const numbers = Array.from({ length: 20_000 }, (_, n) => n);
  publish(table, { spends: [], creates: numbers.map((n) => create(n, n, n % 2 === 0 ? script : scriptOf(3))) });
  publish(table, { spends: numbers.filter((n) => n % 10 !== 0).map(spend), creates: [] });
  using snapshot = table.snapshot();
  const before = entriesText(snapshot.coins());
  const walk = snapshot.coins();
  const seen = [walk.next().value!, walk.next().value!];
  const { bytesUsed } = table.statistics();
  expect(table.compact(at)).toBeGreaterThan(500);
  for (const entry of walk) seen.push(entry);
  expect(entriesText(seen)).toEqual(before);
  expect(entriesText(snapshot.coins())).toEqual(before);
  expect(snapshot.balanceOf(script)).toBe(numbers.filter((n) => n % 10 === 0).reduce((sum, n) => sum + n, 0));
  snapshot[Symbol.dispose]();
  table.reclaim(at);
  expect(table.statistics().bytesUsed).toBe(bytesUsed);
  const { bytesReserved } = table.statistics();
  publish(table, { spends: [], creates: numbers.slice(0, 15_000).map((n) => create(n + 100_000, 1, scriptOf(3))) });
  expect(table.statistics().bytesReserved).toBe(bytesReserved); // Another size of script lives where the first one's coins were.
  expect(table.compact(at)).toBe(0);
});

test("commits gather sparse memory by themselves, little by little", () => {
  const { table } = tableWithTime();
  const numbers = Array.from({ length: 60_000 }, (_, n) => n);
  publish(table, { spends: [], creates: numbers.map((n) => create(n, n, scriptOf(2))) });
  publish(table, { spends: numbers.filter((n) => n % 10 !== 0).map(spend), creates: [] });
  age(table, 32 * 6);
  const others = Array.from({ length: 15_000 }, (_, n) => create(n + 100_000, n, scriptOf(3)));
  const { bytesReserved } = table.statistics();
  publish(table, { spends: [], creates: others });
  expect(table.statistics().bytesReserved).toBe(bytesReserved);
  expect(table.balanceOf(scriptOf(2))).toBe(numbers.filter((n) => n % 10 === 0).reduce((sum, n) => sum + n, 0));
});

test("compaction leaves alone what an open snapshot saw come or go, so that differences stay right", () => {
  const { table } = tableWithTime();
  const script = scriptOf(2);
  const numbers = Array.from({ length: 20_000 }, (_, n) => n);
  // The sparsest memory is what the table fills next: there the changes below get their places, and from there coins are moved first.
  const kept = numbers.filter((n) => n % 10 < (n < 18_500 ? 4 : 1));
  publish(table, { spends: [], creates: numbers.map((n) => create(n, n, script)) });
  publish(table, { spends: numbers.filter((n) => !kept.includes(n)).map(spend), creates: [] });
  using from = table.snapshot();
  const spent = kept.filter((n) => n % 100 === 0);
  const made = Array.from({ length: 50 }, (_, n) => n + 30_000);
  publish(table, { spends: spent.map(spend), creates: made.map((n) => create(n, n, script)) });
  const text = (to: CoinSnapshot): string[][] => {
    const { created, spent: gone } = table.diff(from, to);
    return [created, gone].map((entries) => entriesText(entries));
  };
  using to = table.snapshot();
  const before = text(to);
  expect(before.map((lines) => lines.length)).toEqual([50, spent.length]);
  expect(table.compact(at)).toBeGreaterThan(100);
  expect(text(to)).toEqual(before);
  publish(table, { spends: made.map(spend), creates: [] });
  using end = table.snapshot();
  expect(text(end)).toEqual([[], before[1]]);
  for (const snapshot of [from, to, end]) snapshot[Symbol.dispose]();
  table.reclaim(at);
  expect(table.statistics()).toMatchObject({ coins: kept.length - spent.length, records: kept.length - spent.length });
});

test("a script with many coins keeps its list whole while they come and go and their memory serves again", () => {
  const { table } = tableWithTime();
  const random = new Random();
  console.log(`churn seed ${random.seed}`);
  const scripts = [2, 10, 18].map(scriptOf);
  const coins = new Map<number, { readonly value: number; readonly script: Uint8Array }>();
  for (let round = 0, next = 0; round < 300; round++) {
    const spent = [...coins.keys()].filter(() => random.below(3) === 0);
    const made = Array.from({ length: 20 }, () => ({ n: next++, value: random.below(1_000), script: random.pick(scripts) }));
    publish(table, { spends: spent.map(spend), creates: made.map(({ n, value, script }) => create(n, value, script)) });
    for (const n of spent) coins.delete(n);
    for (const { n, ...rest } of made) coins.set(n, rest);
    for (const script of scripts) {
      const expected = [...coins.values()].filter((one) => one.script === script).reduce((sum, { value }) => sum + value, 0);
      expect(table.balanceOf(script)).toBe(expected);
    }
  }
});

test("atomicUpdate adds, replaces and removes in one version", () => {
  const { table } = tableWithTime();
  expect(table.atomicUpdate(at, { [key(1)]: coin(10), [key(2)]: coin(20) })).toBe(true);
  expect(table.atomicUpdate(at, { [key(1)]: null, [key(2)]: coin(21), [key(3)]: coin(30) })).toBe(true);
  expect([1, 2, 3].map((n) => table.find(outpoint(n))?.value)).toEqual([undefined, 21, 30]);
  expect([table.version, table.count]).toEqual([2, 2]);
});

test("atomicUpdate of an absent coin is false, changes nothing and is counted", () => {
  const { table } = tableWithTime();
  table.atomicUpdate(at, { [key(1)]: coin(10) });
  expect(table.atomicUpdate(at, { [key(1)]: null, [key(2)]: null, [key(3)]: coin(3) })).toBe(false);
  expect([table.find(outpoint(1))?.value, table.find(outpoint(3)), table.version]).toEqual([10, undefined, 1]);
  expect(table.statistics()).toMatchObject({ commits: 1, conflicts: 1, aborts: 1 });
});

test("atomicUpdate based on an older version loses against who was first", () => {
  const { table } = tableWithTime();
  table.atomicUpdate(at, { [key(1)]: coin(10), [key(2)]: coin(20) });
  using base = table.snapshot();
  expect(table.atomicUpdate(at, { [key(1)]: coin(11) }, base.version)).toBe(true);
  expect(table.atomicUpdate(at, { [key(1)]: coin(12) }, base.version)).toBe(false);
  expect(table.atomicUpdate(at, { [key(2)]: null, [key(4)]: coin(40) }, base.version)).toBe(true);
  base[Symbol.dispose]();
  age(table, 1);
  // Nobody holds that version any more: whether coin 5 came and went since cannot be told, so the update has to try again.
  expect(table.atomicUpdate(at, { [key(5)]: coin(50) }, base.version)).toBe(false);
  expect(table.atomicUpdate(at, { [key(5)]: coin(50) })).toBe(true);
  expect(table.statistics().conflicts).toBe(2);
});

test("a key that names no coin is an error, not a conflict", () => {
  const { table } = tableWithTime();
  for (const bad of ["", "ab:0", `${"0".repeat(64)}`, `${"0".repeat(64)}:4294967296`, `${"G".repeat(64)}:0`]) {
    expect(() => table.atomicUpdate(at, { [bad]: null })).toThrow(/"txid:vout"/);
  }
});
