import { expect, test } from "vitest";
import { CoinTable } from "../../src/core/coins/table.ts";
import { height, sats } from "../../src/core/primitives/units.ts";

const at = {};
const clock = { monotonicMs: () => 0 };

function outpoint(n: number): Uint8Array {
  const bytes = new Uint8Array(36);
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}

function coin(value: number) {
  return { value: sats(value), script: new Uint8Array([0x51]), height: height(1), isCoinbase: false };
}

test("a snapshot keeps its coins while commits go on", () => {
  const table = CoinTable.create({ clock });
  table.load(at, [[outpoint(1), coin(5)]]);
  using before = table.snapshot();
  const commit = table.prepare(at, { spends: [{ key: outpoint(1) }], creates: [{ outpoint: outpoint(2), coin: coin(6) }] });
  if (!("publish" in commit)) throw new Error("conflict");
  expect(table.find(outpoint(1))?.value).toBe(5);
  commit.publish();
  using after = table.snapshot();
  expect([before.find(outpoint(1))?.value, before.find(outpoint(2))]).toEqual([5, undefined]);
  expect([after.find(outpoint(1)), after.find(outpoint(2))?.value]).toEqual([undefined, 6]);
});
