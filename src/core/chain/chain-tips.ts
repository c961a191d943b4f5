import type { BlockHash, Height } from "../primitives/units.ts";
import type { BlockNode } from "./block-entry.ts";
import type { BlockTree } from "./block-tree.ts";
import { forkOf } from "./fork.ts";

/** The end of a branch, as `getchaintips` tells it. */
export interface ChainTip {
  readonly hash: BlockHash;
  readonly height: Height;
  /** Blocks from the active chain up to it; 0 for the active tip. */
  readonly branchLength: number;
  readonly status: ChainTipStatus;
}

/**
 * active: the tip; invalid: it or a block before it is; headers-only: bodies are missing; valid-headers: stored, never connected;
 * valid-fork: connected once, left behind since.
 */
export type ChainTipStatus = "active" | "invalid" | "headers-only" | "valid-headers" | "valid-fork";

/** Every block without a child off the active chain, and the active tip; highest first. O(blocks). */
export function chainTips(tree: BlockTree, activeTip: BlockNode): readonly ChainTip[] {
  const branches = [...tree.nodes()].filter((node) => activeTip.ancestor(node.height) !== node);
  const parents = new Set(branches.map((node) => node.prev));
  const ends = branches.filter((node) => !parents.has(node));
  return [activeTip, ...ends].map((node) => tipOf(node, activeTip)).sort(byHeightThenHash);
}

function tipOf(node: BlockNode, activeTip: BlockNode): ChainTip {
  const branchLength = node.height - forkOf(node, activeTip).height;
  return { hash: node.hash, height: node.height, branchLength, status: statusOf(node, activeTip) };
}

function statusOf(node: BlockNode, activeTip: BlockNode): ChainTipStatus {
  if (node === activeTip) return "active";
  if (node.isInvalid) return "invalid";
  if (!node.isComplete) return "headers-only";
  return node.status === "valid" ? "valid-fork" : "valid-headers";
}

function byHeightThenHash(a: ChainTip, b: ChainTip): number {
  return b.height - a.height || (a.hash < b.hash ? -1 : 1);
}
