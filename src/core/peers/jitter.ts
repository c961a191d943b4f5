import type { Entropy } from "../ports.ts";

/** From 0 to below 1: spreads retries, so that nodes that failed together do not come back together. */
export function jitterFrom(entropy: Entropy): number {
  const [a, b, c, d] = entropy.bytes(4);
  return (a! + b! * 2 ** 8 + c! * 2 ** 16 + d! * 2 ** 24) / 2 ** 32;
}
