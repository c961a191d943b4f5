import type { CoinEntry } from "../../../src/core/coins/coin-view.ts";
import type { Coin } from "../../../src/core/primitives/coin.ts";
import { outpointKeyAt } from "../../../src/core/primitives/outpoint.ts";
import { height, sats } from "../../../src/core/primitives/units.ts";
import type { Random } from "./random.ts";

/** An outpoint that no other number has; spread over all words, as txids are. */
export function outpoint(n: number): Uint8Array {
  const bytes = new Uint8Array(36);
  const words = new DataView(bytes.buffer);
  for (let i = 0; i < 8; i++) words.setUint32(i * 4, Math.imul(n + i, 0x9e37_79b1) >>> 0, true);
  words.setUint32(28, n, true);
  words.setUint32(32, n % 7, true);
  return bytes;
}

export function coin(value: number, script: Uint8Array = scriptOf(value % 10), at = 1, isCoinbase = false): Coin {
  return { value: sats(value), script, height: height(at), isCoinbase };
}

/** One script for each number, of all kinds that the table stores differently. */
export function scriptOf(n: number): Uint8Array {
  const hash = (length: number): number[] => Array.from({ length }, (_, i) => (n * 31 + i * 7) & 0xff);
  const mark = [n & 0xff, (n >>> 8) & 0xff];
  const kinds = [
    () => [0x76, 0xa9, 20, ...mark, ...hash(18), 0x88, 0xac],
    () => [0xa9, 20, ...mark, ...hash(18), 0x87],
    () => [0, 20, ...mark, ...hash(18)],
    () => [0, 32, ...mark, ...hash(30)],
    () => [0x51, 32, ...mark, ...hash(30)],
    () => [33, 2, ...mark, ...hash(30), 0xac],
    () => [33, 3, ...mark, ...hash(30), 0xac],
    () => [...mark, ...hash(n % 400)],
  ];
  return Uint8Array.from(kinds[n % kinds.length]!());
}

export function randomCoin(random: Random, at: number): Coin {
  return coin(random.below(5_000_000_000), scriptOf(random.below(40)), at, random.below(20) === 0);
}

/** One text for a coin: equal texts are equal coins. */
export function coinText({ value, script, height: at, isCoinbase }: Coin): string {
  return `${value}/${at}/${isCoinbase}/${Buffer.from(script).toString("hex")}`;
}

/** Entries as sorted text, to compare sets of them. */
export function entriesText(entries: Iterable<CoinEntry>): string[] {
  return [...entries]
    .map(([bytes, found]) => `${Buffer.from(outpointKeyAt(bytes, 0), "latin1").toString("hex")} ${coinText(found)}`)
    .sort();
}
