import { describe, expect, test } from "vitest";
import type { CoinChange, CoinDiff, CommitConflict, PreparedCommit } from "../../src/core/coins/changes.ts";
import type { CoinEntry } from "../../src/core/coins/coin-view.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import { coin, coinText, entriesText, outpoint, scriptOf } from "./support/coins.ts";
import { History } from "./support/history.ts";
import { MapCoins } from "./support/map-coins.ts";
import { Random } from "./support/random.ts";

export interface StoreSnapshot extends Disposable {
  readonly version: number;
  find(bytes: Uint8Array, offset?: number): Coin | undefined;
  has(bytes: Uint8Array, offset?: number): boolean;
  coins(): Iterable<CoinEntry>;
  coinsOf(script: Uint8Array): CoinEntry[];
  balanceOf(script: Uint8Array): number;
}

/** What any keeper of coins must offer to stand behind chain/. */
export interface CoinStore<S extends StoreSnapshot = StoreSnapshot> {
  readonly version: number;
  readonly count: number;
  load(at: never, entries: Iterable<CoinEntry>): number;
  snapshot(): S;
  prepare(at: never, change: CoinChange, basedOn?: number): PreparedCommit | CommitConflict;
  diff(from: S, to: S): CoinDiff;
}

/** Tests run without locks: one thread, nobody else. */
export const at = {} as never;

export function publish(store: CoinStore, change: CoinChange, basedOn?: number): number {
  const result = store.prepare(at, change, basedOn);
  if ("conflict" in result) throw new Error(`unexpected conflict: ${Buffer.from(result.conflict, "latin1").toString("hex")}`);
  return result.publish();
}

export const spend = (n: number): { key: Uint8Array } => ({ key: outpoint(n) });
export const create = (n: number, value = n, script = scriptOf(value % 10)): CoinChange["creates"][number] => ({
  outpoint: outpoint(n),
  coin: coin(value, script),
});

/** Runs the promises of coins/ against one implementation. `make` gives an empty store of version 0. */
export function conformance<S extends StoreSnapshot>(name: string, make: () => CoinStore<S>): void {
  describe(`${name} keeps the promises of a coin set`, () => {
    versions(make);
    conflicts(make);
    aborts(make);
    addresses(make);
    differences(make);
    oracle(make);
  });
}

function versions<S extends StoreSnapshot>(make: () => CoinStore<S>): void {
  test("an empty set has no coin and no balance", () => {
    const store = make();
    using snapshot = store.snapshot();
    expect(snapshot.find(outpoint(1))).toBeUndefined();
    expect([...snapshot.coins()]).toEqual([]);
    expect(snapshot.balanceOf(scriptOf(1))).toBe(0);
    expect(store.count).toBe(0);
  });

  test("every kind and length of script comes back as it was", () => {
    const store = make();
    const scripts = [...Array.from({ length: 40 }, (_, n) => scriptOf(n)), new Uint8Array(0), new Uint8Array(10_000).fill(7)];
    for (let length = 1; length < 80; length++) scripts.push(new Uint8Array(length).fill(length));
    publish(store, { spends: [], creates: scripts.map((script, n) => create(n, n, script)) });
    using snapshot = store.snapshot();
    for (const [n, script] of scripts.entries()) {
      expect(snapshot.find(outpoint(n))?.script).toEqual(script);
      expect(snapshot.coinsOf(script).map(([bytes]) => bytes)).toContainEqual(outpoint(n));
    }
  });

  test("amounts, heights and the coinbase mark keep their whole range", () => {
    const store = make();
    const coins = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 21e14, Number.MAX_SAFE_INTEGER].map((value, n) =>
      coin(value, scriptOf(n), [0, 1, 2 ** 30, 2 ** 31 - 1][n % 4], n % 2 === 0),
    );
    publish(store, { spends: [], creates: coins.map((made, n) => ({ outpoint: outpoint(n), coin: made })) });
    using snapshot = store.snapshot();
    for (const [n, made] of coins.entries()) expect(coinText(snapshot.find(outpoint(n))!)).toBe(coinText(made));
  });

  test("a version is raised by one with each commit and never by a refusal", () => {
    const store = make();
    expect(publish(store, { spends: [], creates: [create(1)] })).toBe(1);
    store.prepare(at, { spends: [spend(9)], creates: [] });
    expect(publish(store, { spends: [spend(1)], creates: [] })).toBe(2);
    expect(store.version).toBe(2);
  });

  test("a coin that comes back is found again, and each version keeps its own", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1, 10)] });
    using first = store.snapshot();
    publish(store, { spends: [spend(1)], creates: [] });
    using second = store.snapshot();
    publish(store, { spends: [], creates: [create(1, 10)] });
    using third = store.snapshot();
    publish(store, { spends: [spend(1)], creates: [create(1, 11)] });
    using fourth = store.snapshot();
    expect([first, second, third, fourth].map((s) => s.find(outpoint(1))?.value)).toEqual([10, undefined, 10, 11]);
  });

  test("an outpoint is found at any offset of its bytes", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1)] });
    const padded = new Uint8Array(50);
    padded.set(outpoint(1), 13);
    using snapshot = store.snapshot();
    expect(snapshot.has(padded, 13)).toBe(true);
    expect(snapshot.has(padded, 12)).toBe(false);
  });

  test("a coin belongs to the set: the caller may change its bytes afterwards", () => {
    const store = make();
    const mine = create(1, 5, new Uint8Array([1, 2, 3]));
    const bytes = mine.outpoint.slice();
    publish(store, { spends: [], creates: [mine] });
    mine.outpoint.fill(0);
    mine.coin.script.fill(9);
    using snapshot = store.snapshot();
    expect(snapshot.find(bytes)?.script).toEqual(new Uint8Array([1, 2, 3]));
  });
}

function conflicts<S extends StoreSnapshot>(make: () => CoinStore<S>): void {
  const refused = (store: CoinStore<S>, change: CoinChange, key: number, basedOn?: number): void => {
    using before = store.snapshot();
    const text = entriesText(before.coins());
    expect(store.prepare(at, change, basedOn)).toEqual({ conflict: outpointKeyAt(outpoint(key), 0) });
    using after = store.snapshot();
    expect(after.version).toBe(before.version);
    expect(entriesText(after.coins())).toEqual(text);
  };

  test("an absent coin cannot be spent, and nothing else of the change happens", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1), create(2)] });
    refused(store, { spends: [spend(1), spend(3)], creates: [create(4)] }, 3);
    publish(store, { spends: [spend(1), spend(2)], creates: [create(4)] });
  });

  test("a coin cannot be spent twice, nor twice in one change", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1)] });
    refused(store, { spends: [spend(1), spend(1)], creates: [] }, 1);
    publish(store, { spends: [spend(1)], creates: [] });
    refused(store, { spends: [spend(1)], creates: [] }, 1);
  });

  test("a coin that is there cannot be made again, nor twice in one change", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1)] });
    refused(store, { spends: [], creates: [create(2), create(1)] }, 1);
    refused(store, { spends: [], creates: [create(2), create(2)] }, 2);
    publish(store, { spends: [], creates: [create(2)] });
  });

  test("first committer wins: an update based on an older version is refused if a coin of it came or went since", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1), create(2), create(3)] });
    using base = store.snapshot();
    publish(store, { spends: [spend(1)], creates: [create(4)] });
    publish(store, { spends: [], creates: [create(1)] }); // Spent and restored in between: a conflict all the same.
    publish(store, { spends: [spend(4)], creates: [] }); // Came and went.
    refused(store, { spends: [spend(1)], creates: [] }, 1, base.version);
    refused(store, { spends: [spend(2)], creates: [create(4)] }, 4, base.version);
    publish(store, { spends: [spend(2)], creates: [create(5)] }, base.version);
    publish(store, { spends: [spend(1)], creates: [create(4)] });
  });
}

function aborts<S extends StoreSnapshot>(make: () => CoinStore<S>): void {
  const change: CoinChange = { spends: [spend(1)], creates: [create(2)] };
  const prepare = (store: CoinStore<S>): PreparedCommit => {
    const result = store.prepare(at, change);
    if ("conflict" in result) throw new Error("unexpected conflict");
    return result;
  };

  test("a prepared commit shows nowhere before it is published, and all at once then", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1)] });
    const commit = prepare(store);
    using during = store.snapshot();
    expect([during.version, during.has(outpoint(1)), during.has(outpoint(2))]).toEqual([1, true, false]);
    expect(commit.publish()).toBe(2);
    expect([during.has(outpoint(1)), during.has(outpoint(2))]).toEqual([true, false]);
    using after = store.snapshot();
    expect([after.version, after.has(outpoint(1)), after.has(outpoint(2))]).toEqual([2, false, true]);
  });

  test("an aborted commit never shows, also not when the next one takes its number", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1)] });
    using before = store.snapshot();
    for (let i = 0; i < 5; i++) prepare(store).abort();
    publish(store, { spends: [], creates: [create(3)] });
    using after = store.snapshot();
    expect([before, after].map((s) => [s.has(outpoint(1)), s.has(outpoint(2)), s.has(outpoint(3))])).toEqual([
      [true, false, false],
      [true, false, true],
    ]);
    expect([...after.coinsOf(create(2).coin.script)]).toEqual([]);
    expect(store.count).toBe(2);
    prepare(store).publish();
    expect(store.count).toBe(2);
  });

  test("one commit is open at a time", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1)] });
    const commit = prepare(store);
    expect(() => store.prepare(at, { spends: [], creates: [create(9)] })).toThrow();
    commit.abort();
    publish(store, { spends: [], creates: [create(9)] });
  });
}

function addresses<S extends StoreSnapshot>(make: () => CoinStore<S>): void {
  test("coins and balance of a script are those of the version, by any script's exact bytes", () => {
    const store = make();
    const mine = scriptOf(2);
    publish(store, { spends: [], creates: [create(1, 10, mine), create(2, 20, mine), create(3, 40, scriptOf(3))] });
    using before = store.snapshot();
    publish(store, { spends: [spend(1)], creates: [create(4, 80, mine)] });
    using after = store.snapshot();
    expect([before.balanceOf(mine), after.balanceOf(mine)]).toEqual([30, 100]);
    expect(entriesText(after.coinsOf(mine))).toEqual(
      entriesText([2, 4].map((n) => [outpoint(n), coin(n * (n === 2 ? 10 : 20), mine)])),
    );
    expect(after.balanceOf(mine.slice(0, -1))).toBe(0);
  });

  test("a popular script keeps all its coins apart", () => {
    const store = make();
    const popular = scriptOf(2);
    const numbers = Array.from({ length: 2_000 }, (_, n) => n);
    publish(store, { spends: [], creates: numbers.map((n) => create(n, 1, popular)) });
    publish(store, { spends: numbers.filter((n) => n % 3 !== 0).map(spend), creates: [] });
    using snapshot = store.snapshot();
    expect(snapshot.balanceOf(popular)).toBe(667);
  });
}

function differences<S extends StoreSnapshot>(make: () => CoinStore<S>): void {
  test("a difference names what came and what went, as net effect", () => {
    const store = make();
    publish(store, { spends: [], creates: [create(1), create(2), create(3)] });
    using from = store.snapshot();
    publish(store, { spends: [spend(1), spend(2)], creates: [create(4), create(5)] });
    publish(store, { spends: [spend(5)], creates: [create(2)] });
    using to = store.snapshot();
    const { created, spent } = store.diff(from, to);
    expect(entriesText(created)).toEqual(entriesText([[outpoint(4), create(4).coin]]));
    expect(entriesText(spent)).toEqual(entriesText([[outpoint(1), create(1).coin]]));
    expect(store.diff(to, to)).toEqual({ created: [], spent: [] });
  });
}

function oracle<S extends StoreSnapshot>(make: () => CoinStore<S>): void {
  test("random blocks, aborts and reorganisations agree with plain maps in every version that is held", () => {
    const random = new Random();
    console.log(`conformance seed ${random.seed}`);
    const [store, maps, history] = [make(), new MapCoins(), new History(random)];
    const held: S[] = [];
    for (let round = 0; round < 120; round++) {
      const change = random.below(5) === 0 ? history.reorganise(1 + random.below(6), 6, 6) : history.connect(12, 14);
      if (random.below(4) === 0) abort(store, change);
      expect(publish(store, change)).toBe(publish(maps, change));
      expect(store.count).toBe(maps.count);
      if (random.below(3) === 0) held.push(store.snapshot());
      if (held.length > 12) held.splice(random.below(held.length), 1)[0]![Symbol.dispose]();
      for (const snapshot of held) agree(snapshot, maps, random);
    }
    for (const snapshot of held) {
      expect(entriesText(snapshot.coins())).toEqual(entriesText(maps.at(snapshot.version).coins()));
      const last = held.at(-1)!;
      const [mine, theirs] = [store.diff(snapshot, last), maps.diff(maps.at(snapshot.version), maps.at(last.version))];
      if (snapshot.version <= last.version) {
        expect([entriesText(mine.created), entriesText(mine.spent)]).toEqual([
          entriesText(theirs.created),
          entriesText(theirs.spent),
        ]);
      }
      snapshot[Symbol.dispose]();
    }
  });
}

function abort(store: CoinStore, change: CoinChange): void {
  const result = store.prepare(at, change);
  if ("conflict" in result) throw new Error("unexpected conflict");
  result.abort();
}

/** Some coins that are there, some that may not be, and one script. */
function agree(snapshot: StoreSnapshot, maps: MapCoins, random: Random): void {
  const expected = maps.at(snapshot.version);
  for (let i = 0; i < 8; i++) {
    const bytes = outpoint(random.below(1_500));
    const [mine, theirs] = [snapshot.find(bytes), expected.find(bytes)];
    expect(mine && coinText(mine)).toBe(theirs && coinText(theirs));
  }
  const script = scriptOf(random.below(40));
  expect(snapshot.balanceOf(script)).toBe(expected.balanceOf(script));
  expect(entriesText(snapshot.coinsOf(script))).toEqual(entriesText(expected.coinsOf(script)));
}
