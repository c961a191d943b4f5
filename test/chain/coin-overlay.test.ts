import { expect, test } from "vitest";
import { CoinOverlay } from "../../src/core/chain/coin-overlay.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import { height } from "../../src/core/primitives/units.ts";
import { coin, outpoint } from "../store/samples.ts";

/** A table with the coins 1, 2 and 3. */
function table() {
  const coins = new Map<string, Coin>([1, 2, 3].map((n) => [outpointKeyAt(outpoint(n, 0), 0), coin(n)]));
  return { find: (bytes: Uint8Array, offset = 0) => coins.get(outpointKeyAt(bytes, offset)) };
}

const at = (n: number) => outpoint(n, 0);

test("spends and creates come out as net effect", () => {
  const overlay = new CoinOverlay(table());
  expect(overlay.spend(at(1), 0)).toEqual(coin(1));
  expect(overlay.spend(at(1), 0)).toBeUndefined();
  expect(overlay.spend(at(9), 0)).toBeUndefined();
  overlay.add(at(4), coin(4));
  overlay.add(at(5), coin(5));
  expect(overlay.spend(at(5), 0)).toEqual(coin(5)); // Made and spent within: in neither list.
  const { spends, creates } = overlay.netChange();
  expect(spends.map(({ coin }) => coin)).toEqual([coin(1)]);
  expect(creates.map(({ coin }) => coin)).toEqual([coin(4)]);
});

test("a coin that comes back as it was is no change; one made again at another height is both", () => {
  const overlay = new CoinOverlay(table());
  overlay.spend(at(1), 0);
  overlay.add(at(1), { ...coin(1), script: coin(1).script.slice() });
  expect(overlay.netChange()).toEqual({ spends: [], creates: [] });
  overlay.spend(at(2), 0);
  overlay.add(at(2), { ...coin(2), height: height(77) });
  const { spends, creates } = overlay.netChange();
  expect([spends.length, creates.length, creates[0]!.coin.height]).toEqual([1, 1, 77]);
});

test("what lies upon an overlay changes it only when absorbed", () => {
  const lower = new CoinOverlay(table());
  lower.spend(at(1), 0);
  const dropped = new CoinOverlay(lower);
  dropped.spend(at(2), 0);
  dropped.add(at(6), coin(6));
  expect([lower.find(at(2)), lower.find(at(6))]).toEqual([coin(2), undefined]);
  const kept = new CoinOverlay(lower);
  expect(kept.find(at(1))).toBeUndefined();
  kept.add(at(1), coin(1));
  kept.spend(at(3), 0);
  expect(kept.wasThere(at(3))).toBe(true);
  lower.absorb(kept);
  expect(lower.netChange().spends.map(({ coin }) => coin)).toEqual([coin(3)]);
});

test("an outpoint is found in the middle of a buffer", () => {
  const overlay = new CoinOverlay(table());
  const bytes = Buffer.concat([Buffer.alloc(5), at(2), Buffer.alloc(3)]);
  expect(overlay.find(bytes, 5)).toEqual(coin(2));
  expect(overlay.spend(bytes, 5)).toEqual(coin(2));
  expect(overlay.find(bytes, 5)).toBeUndefined();
});

test("an overlay agrees with a plain map, whatever is spent, made and absorbed", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = numbers(seed);
    const below = table();
    const overlay = new CoinOverlay(below);
    const plain = new Map([1, 2, 3].map((n) => [n, coin(n)]));
    let upper = new CoinOverlay(overlay);
    for (let step = 0; step < 400; step++) {
      const n = 1 + random(200); // More than two doublings of the index.
      const top = plain.get(n);
      expect(upper.find(at(n)), `seed ${seed}, step ${step}`).toEqual(top);
      if (top !== undefined) {
        expect(upper.spend(at(n), 0)).toEqual(top);
        plain.delete(n);
      } else {
        const made = { ...coin(n), height: height(1 + random(3)) };
        upper.add(Buffer.concat([Buffer.alloc(3), at(n)]), made, 3);
        plain.set(n, made);
      }
      if (random(40) > 0) continue;
      overlay.absorb(upper);
      upper = new CoinOverlay(overlay);
    }
    overlay.absorb(upper);
    const result = new Map([1, 2, 3].map((n) => [outpointKeyAt(at(n), 0), coin(n)]));
    const { spends, creates } = overlay.netChange();
    for (const { outpoint, coin } of spends) {
      expect(result.get(outpointKeyAt(outpoint, 0))).toEqual(coin);
      result.delete(outpointKeyAt(outpoint, 0));
    }
    for (const { outpoint, coin } of creates) result.set(outpointKeyAt(outpoint, 0), coin);
    expect(result).toEqual(new Map([...plain].map(([n, coin]) => [outpointKeyAt(at(n), 0), coin])));
  }
});

/** Below a bound, the same for a seed (mulberry32). */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) % bound;
  };
}
