import { createHash } from "node:crypto";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { height, sats } from "../../src/core/primitives/units.ts";

/** Stand-ins for hashes, outpoints, coins and bodies: different numbers give different ones, the same number the same. */
export function hashOf(n: number): Uint8Array {
  return new Uint8Array(createHash("sha256").update(`sample ${n}`).digest());
}

export function outpoint(n: number, vout: number): Uint8Array {
  const bytes = Buffer.alloc(36);
  bytes.set(hashOf(1_000_000 + n));
  bytes.writeUInt32LE(vout, 32);
  return new Uint8Array(bytes);
}

export function coin(n: number): Coin {
  return { value: sats(1000 + n), script: hashOf(n).slice(0, 22 + (n % 3)), height: height(n), isCoinbase: n % 2 === 0 };
}

export function body(n: number): Uint8Array {
  return new Uint8Array(Buffer.concat([hashOf(n), hashOf(n + 1), hashOf(n + 2), hashOf(n + 3).subarray(n % 30)]));
}
