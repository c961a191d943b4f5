import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CoinTable } from "../../src/core/coins/table.ts";
import { at, create, publish, spend } from "./conformance.ts";
import { coin, entriesText, outpoint, scriptOf } from "./support/coins.ts";
import { History } from "./support/history.ts";
import { Random } from "./support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "chaincore-image-"));
afterAll(() => rmSync(folder, { recursive: true }));
const clock = { monotonicMs: () => 0 };
let files = 0;

/** A closed table with some past, its image, and what was in it. */
async function saved(tag: string): Promise<{ path: string; version: number; coins: string[] }> {
  const table = CoinTable.create({ clock });
  const history = new History(new Random(7));
  for (let n = 0; n < 60; n++) publish(table, n % 9 === 8 ? history.reorganise(3, 10, 20) : history.connect(10, 40));
  publish(table, { spends: [], creates: [create(9_000_000, 1, new Uint8Array(10_000).fill(3))] });
  table.snapshot(); // Held to the end: what it kept is not in the image.
  publish(table, history.connect(20, 1));
  using snapshot = table.snapshot();
  const coins = entriesText(snapshot.coins());
  table.close(at);
  const path = join(folder, `coins-${files++}.image`);
  await table.saveImage(at, path, tag);
  return { path, version: table.version, coins };
}

test("a table goes on from its image as if it had never ended", async () => {
  const { path, version, coins } = await saved("tip");
  const table = (await CoinTable.openImage(path, { version, tag: "tip" }, { clock }))!;
  using snapshot = table.snapshot();
  expect([table.version, table.count, entriesText(snapshot.coins())]).toEqual([version, coins.length, coins]);
  expect(table.statistics().records).toBe(coins.length);
  const entries = [...snapshot.coins()];
  for (const [bytes, one] of entries) {
    expect(table.find(bytes)).toEqual(one);
    expect(snapshot.coinsOf(one.script)).toContainEqual([bytes, one]);
  }
  const change = {
    spends: entries.map(([key]) => ({ key })),
    creates: Array.from({ length: 3_000 }, (_, n) => create(n + 1e6, n)),
  };
  expect(publish(table, change)).toBe(version + 1);
  expect([table.count, table.balanceOf(scriptOf(3))]).toEqual([3_000, sumOfThrees(3_000)]);
  publish(table, { spends: [spend(1e6)], creates: [{ outpoint: outpoint(1), coin: coin(1) }] });
  expect(table.count).toBe(3_000);
});

/** Coins of value n have script n % 10. */
function sumOfThrees(count: number): number {
  let sum = 0;
  for (let n = 3; n < count; n += 10) sum += n;
  return sum;
}

test("an image is used once, and only for its own commit and tag", async () => {
  for (const wrong of [{ tag: "other" }, { version: 1 }, {}]) {
    const { path, version } = await saved("tip");
    const opened = await CoinTable.openImage(path, { version, tag: "tip", ...wrong }, { clock });
    expect(opened === undefined).toBe(Object.keys(wrong).length > 0);
    expect(await CoinTable.openImage(path, { version, tag: "tip" }, { clock })).toBeUndefined();
  }
  expect(readdirSync(folder)).toEqual([]);
});

test("a flipped bit or a missing end anywhere makes it no image", async () => {
  const { path, version } = await saved("tip");
  const whole = readFileSync(path);
  const random = new Random();
  console.log(`image seed ${random.seed}`);
  for (let round = 0; round < 40; round++) {
    const damaged = Buffer.from(whole);
    // The header, the digest, and anywhere between.
    const at = [random.below(400), whole.length - 1 - random.below(32), random.below(whole.length)][round % 3]!;
    damaged[at]! ^= 1 << random.below(8);
    writeFileSync(path, damaged);
    expect(await CoinTable.openImage(path, { version, tag: "tip" }, { clock })).toBeUndefined();
  }
  for (const length of [0, 3, 100, whole.length >> 1, whole.length - 1]) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    expect(await CoinTable.openImage(path, { version, tag: "tip" }, { clock })).toBeUndefined();
  }
  writeFileSync(path, whole);
  expect(await CoinTable.openImage(path, { version, tag: "tip" }, { clock })).toBeDefined();
});

test("nobody but the owner reads an image: it holds the key of the hash", async () => {
  const { path } = await saved("tip");
  if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o600);
});
