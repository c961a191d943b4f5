import { expect } from "vitest";
import type { Chain } from "../../src/core/chain/chain.ts";
import type { CoinSnapshot } from "../../src/core/coins/snapshot.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { type OutpointKey, outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import { MemoryChain } from "../support/memory-chain.ts";

export const coinText = (coin: Coin) =>
  `${coin.value} ${coin.height} ${coin.isCoinbase} ${Buffer.from(coin.script).toString("hex")}`;

/** All coins of the published version, as comparable text. */
export function coinsOf(chain: Chain): Map<OutpointKey, string> {
  using snapshot = chain.coins.snapshot();
  return textOf(snapshot);
}

/** The same of any version. */
export function textOf(snapshot: CoinSnapshot): Map<OutpointKey, string> {
  return new Map([...snapshot.coins()].map(([outpoint, coin]) => [outpointKeyAt(outpoint, 0), coinText(coin)]));
}

export function oracleCoins(oracle: MemoryChain): Map<OutpointKey, string> {
  return new Map([...oracle.coins].map(([key, coin]) => [key, coinText(coin)]));
}

/** The coins that a replay of the active chain leaves, on a plain map. */
export async function replayed(chain: Chain): Promise<Map<OutpointKey, string>> {
  const oracle = new MemoryChain(chain.params);
  oracle.nowSeconds = 2_000_000_000;
  for (let height = 1; height <= chain.tip.height; height++) {
    const block = await chain.readBlock(chain.atHeight(height)!.hash);
    expect(oracle.submit(block!.raw)).toBeNull();
  }
  expect(oracle.tip.hash).toBe(chain.tip.hash);
  return oracleCoins(oracle);
}
