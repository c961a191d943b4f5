import { sha256d } from "./hash.ts";
import { sha256dPairs } from "./sha256-lanes.ts";

export interface MerkleResult {
  /** 32 bytes, internal order; zeros for no leaves. */
  readonly root: Uint8Array;
  /**
   * Two equal neighbours stand on some level: another list of leaves with repeated entries has the same root
   * (CVE-2012-2459), so the body may be a mutation of a good block and its hash must not be condemned.
   */
  readonly mutated: boolean;
}

/** Bitcoin's merkle root; an odd level repeats its last entry. `leaves` is 32 bytes a leaf, internal order. */
export function merkleRoot(leaves: Uint8Array): MerkleResult {
  let level = Buffer.from(leaves); // A copy: levels are folded in place.
  let count = leaves.length / 32;
  let mutated = false;
  if (count === 0) return { root: new Uint8Array(32), mutated };
  while (count > 1) {
    for (let i = 0; i + 1 < count; i += 2) {
      if (level.compare(level, 32 * i, 32 * i + 32, 32 * i + 32, 32 * i + 64) === 0) mutated = true;
    }
    count = foldLevel(level, count);
    level = level.subarray(0, 32 * count);
  }
  return { root: new Uint8Array(level.subarray(0, 32)), mutated };
}

/** Replaces `count` entries by their parents, in place; returns how many parents. */
function foldLevel(level: Buffer, count: number): number {
  const pairs = count >>> 1;
  const last = level.subarray(32 * (count - 1), 32 * count);
  const unpaired = count % 2 === 1 ? sha256d(Buffer.concat([last, last])) : undefined;
  level.set(sha256dPairs(level, pairs));
  if (unpaired) level.set(unpaired, 32 * pairs);
  return (count + 1) >>> 1;
}

/** The siblings on the way from leaf `index` to the root, lowest first; 32 bytes each. Used to rehash a coinbase cheaply. */
export function merkleBranch(leaves: Uint8Array, index: number): readonly Uint8Array[] {
  const branch: Uint8Array[] = [];
  const level = Buffer.from(leaves);
  let at = index;
  for (let count = leaves.length / 32; count > 1; at >>>= 1) {
    const sibling = Math.min(at ^ 1, count - 1);
    branch.push(new Uint8Array(level.subarray(32 * sibling, 32 * sibling + 32)));
    count = foldLevel(level, count);
  }
  return branch;
}

/** The root over a leaf at `index` with the siblings that merkleBranch gave. */
export function merkleRootFromBranch(leaf: Uint8Array, branch: readonly Uint8Array[], index: number): Uint8Array {
  let hash = leaf;
  branch.forEach((sibling, depth) => {
    hash = sha256d(Buffer.concat((index >>> depth) & 1 ? [sibling, hash] : [hash, sibling]));
  });
  return hash;
}
