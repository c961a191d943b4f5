import { ChainCoreError } from "../core/client/index.ts";

const SATS_PER_COIN = 100_000_000n;
/** All coins that there can ever be. */
const SATS_MAX = 21_000_000n * SATS_PER_COIN;

/**
 * Satoshis of what a user typed: coins with up to eight decimals (`1.5`), or satoshis (`150000000sat`).
 * @throws ChainCoreError usage
 */
export function parseAmount(text: string): number {
  const sats = /^(\d{1,16})sats?$/.exec(text);
  if (sats) return inRange(BigInt(sats[1]!), text);
  const coins = /^(\d{1,8})(?:\.(\d+))?$/.exec(text);
  if (!coins) throw badAmount(text, "write coins as 1.5 or satoshis as 150000000sat");
  const [, whole = "0", decimals = ""] = coins;
  if (decimals.length > 8) throw badAmount(text, `it has ${decimals.length} decimals, a coin has 8`);
  return inRange(BigInt(whole) * SATS_PER_COIN + BigInt(decimals.padEnd(8, "0")), text);
}

/** Coins with as many decimals as needed, at least two: `1.50`, `0.00000001`, `-0.10`. */
export function formatAmount(sats: number): string {
  const digits = String(Math.abs(sats)).padStart(9, "0");
  const decimals = digits.slice(-8).replace(/0+$/, "").padEnd(2, "0");
  return `${sats < 0 ? "-" : ""}${digits.slice(0, -8)}.${decimals}`;
}

function inRange(sats: bigint, text: string): number {
  if (sats === 0n) throw badAmount(text, "it is nothing");
  if (sats > SATS_MAX) throw badAmount(text, "there are 21000000 coins");
  return Number(sats);
}

function badAmount(text: string, why: string): ChainCoreError {
  return new ChainCoreError("usage", `${JSON.stringify(text.slice(0, 40))} is no amount: ${why}`, { detail: { text } });
}
