import type { BlockEntry } from "../../chain/block-entry.ts";
import type { Header } from "../../primitives/header.ts";
import type { BlockHash } from "../../primitives/units.ts";
import type { PeerChain } from "../ports.ts";

/** So many hashes one block apart, then steps that double. */
const DENSE_STEPS = 10;

/** Hashes from `entry` down to genesis, from which another node finds the last block that it shares; O(log height). */
export function locatorOf(entry: BlockEntry): readonly BlockHash[] {
  const hashes: BlockHash[] = [];
  let step = 1;
  for (let height: number = entry.height; height > 0; height -= step) {
    hashes.push(entry.ancestor(height)!.hash);
    if (hashes.length >= DENSE_STEPS) step *= 2;
  }
  hashes.push(entry.ancestor(0)!.hash);
  return hashes;
}

/** Headers of the best chain behind the first hash of `locator` that is on it, or behind genesis. */
export function headersAfter(chain: PeerChain, locator: readonly BlockHash[], max: number): readonly Header[] {
  let height = 0;
  for (const hash of locator) {
    const entry = chain.find(hash);
    if (entry === undefined || chain.atHeight(entry.height) !== entry) continue;
    height = entry.height;
    break;
  }
  const headers: Header[] = [];
  for (let next = height + 1; headers.length < max; next++) {
    const entry = chain.atHeight(next);
    if (entry === undefined) break;
    headers.push(entry.header);
  }
  return headers;
}
