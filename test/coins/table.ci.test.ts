import { expect, test } from "vitest";
import { CoinTable } from "../../src/core/coins/table.ts";
import { height, sats } from "../../src/core/primitives/units.ts";
import { at } from "./conformance.ts";

/** P2WPKH of its own for each number. */
function script(n: number): Uint8Array {
  const bytes = new Uint8Array(22);
  bytes.set([0, 20, n, n >>> 8, n >>> 16]);
  return bytes;
}

function outpoint(n: number): Uint8Array {
  const bytes = new Uint8Array(36);
  bytes.set([n, n >>> 8, n >>> 16]);
  return bytes;
}

// 31 bits of hash and 250,000 coins: some 14 pairs meet in each list; in one run of a million none does.
test("coins and scripts whose hashes are equal are told apart", () => {
  const count = 250_000;
  const table = CoinTable.create({ clock: { monotonicMs: () => 0 } });
  const entries = (function* () {
    for (let n = 0; n < count; n++) {
      yield [outpoint(n), { value: sats(n), script: script(n), height: height(1), isCoinbase: false }] as const;
    }
  })();
  table.load(at, entries);
  using snapshot = table.snapshot();
  let wrong = 0;
  for (let n = 0; n < count; n++) {
    if (snapshot.find(outpoint(n))?.value !== n || snapshot.balanceOf(script(n)) !== n) wrong++;
    if (snapshot.has(outpoint(n + count)) || snapshot.balanceOf(script(n + count)) !== 0) wrong++;
  }
  expect(wrong).toBe(0);
});
