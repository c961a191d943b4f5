import type { BlockNode } from "./block-entry.ts";

/** The last block that two branches share. Every block descends from genesis, so there is one. */
export function forkOf(a: BlockNode, b: BlockNode): BlockNode {
  const height = Math.min(a.height, b.height);
  let left = a.ancestor(height)!;
  let right = b.ancestor(height)!;
  while (left !== right) {
    left = left.prev!;
    right = right.prev!;
  }
  return left;
}

/** The blocks above `below` up to `top`, lowest first. @param below an ancestor of `top`, or `top` itself. */
export function pathUp(below: BlockNode, top: BlockNode): readonly BlockNode[] {
  const path: BlockNode[] = [];
  for (let at = top; at !== below; at = at.prev!) path.push(at);
  return path.reverse();
}
