import { ChainCoreError } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import { outpointBytes } from "../primitives/outpoint.ts";
import { findTxid } from "../primitives/units.ts";
import type { CoinChange } from "./changes.ts";

/** By "txid:vout" (the txid as users see it): the coin that shall be there, or null for none. */
export type CoinUpdates = Readonly<Record<string, Coin | null>>;

/** `updates` as the net change of a commit. `has` tells whether an outpoint is unspent now: its coin is then replaced. */
export function changeOf(updates: CoinUpdates, has: (outpoint: Uint8Array) => boolean): CoinChange {
  const spends: { key: Uint8Array }[] = [];
  const creates: { outpoint: Uint8Array; coin: Coin }[] = [];
  for (const [key, coin] of Object.entries(updates)) {
    const outpoint = parseKey(key);
    if (coin === null || has(outpoint)) spends.push({ key: outpoint });
    if (coin !== null) creates.push({ outpoint, coin });
  }
  return { spends, creates };
}

function parseKey(key: string): Uint8Array {
  const [, text, vout] = /^([^:]*):(\d{1,10})$/.exec(key) ?? [];
  const txid = findTxid(text ?? "");
  if (txid === undefined || Number(vout) > 0xffff_ffff) {
    throw new ChainCoreError("bad-outpoint", `A coin is named by "txid:vout", 64 hex digits and a number, not by "${key}".`);
  }
  return outpointBytes(txid, Number(vout));
}
