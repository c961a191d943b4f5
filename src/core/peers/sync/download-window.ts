import type { BlockEntry } from "../../chain/block-entry.ts";

/** Blocks that are asked for ahead of the last one that has been connected, as Bitcoin Core does. */
export const WINDOW_BLOCKS = 1_024;

/** The highest ancestor of `target`, or itself, whose body and all before are stored; O(log² height). */
export function lastComplete(target: BlockEntry): BlockEntry {
  let low = 0;
  let high: number = target.height;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (target.ancestor(middle)!.isComplete) low = middle;
    else high = middle - 1;
  }
  return target.ancestor(low)!;
}

/** The blocks above `base` on the way to `target`, lowest first, at most a window of them. */
export function windowAbove(base: BlockEntry, target: BlockEntry): readonly BlockEntry[] {
  const entries: BlockEntry[] = [];
  const top = target.ancestor(Math.min(base.height + WINDOW_BLOCKS, target.height))!;
  for (let at: BlockEntry = top; at !== base; at = at.prev!) entries.push(at);
  return entries.reverse();
}
