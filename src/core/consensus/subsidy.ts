import { COIN, type Sats } from "../primitives/units.ts";
import type { NetworkParams } from "./params.ts";

/** What the first block pays, before any halving. */
export const FIRST_SUBSIDY = 50 * COIN;

/** New money that a block of this height may create, without fees. */
export function subsidy(height: number, params: Pick<NetworkParams, "halvingInterval" | "firstSubsidy">): Sats {
  const halvings = Math.floor(height / params.halvingInterval);
  if (halvings >= 64) return 0 as Sats;
  return Math.floor(params.firstSubsidy / 2 ** halvings) as Sats;
}

/** All money that a chain with these rules can ever create; exact, also above 2^53. */
export function totalSupply(params: Pick<NetworkParams, "halvingInterval" | "firstSubsidy">): bigint {
  let total = 0n;
  for (let amount = BigInt(params.firstSubsidy); amount > 0n; amount >>= 1n) total += amount * BigInt(params.halvingInterval);
  return total;
}
