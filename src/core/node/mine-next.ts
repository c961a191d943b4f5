import { submitBlockResult } from "../chain/outcome.ts";
import { ChainCoreError } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import type { SubmitResult } from "../mining/job-cycle.ts";
import type { Block } from "../primitives/block.ts";
import { acceptBlock } from "./accept-block.ts";
import type { NodeParts } from "./parts.ts";

/*
 * The path to the next block: the pool's best transactions on its tip, MEMPOOL held -> one template for all who ask
 * (shared-template) -> a miner (mining/) -> accept-block, like anybody's block.
 */

/** Hands a mined block in. Never throws for a block that is refused. */
export async function submitMined(at: Root, node: NodeParts, block: Block): Promise<SubmitResult> {
  const reason = submitBlockResult(await acceptBlock(at, node, block));
  return reason === null ? { accepted: true } : { accepted: false, reason };
}

/**
 * The same, for whoever must have it on the chain. False when a peer's block has taken its place meanwhile.
 * @throws ChainCoreError "block-not-accepted"
 */
export async function connectMined(at: Root, node: NodeParts, block: Block): Promise<boolean> {
  const { accepted, reason } = await submitMined(at, node, block);
  if (accepted) return true;
  if (reason === "inconclusive") return false;
  throw blockNotAccepted(reason);
}

export function blockNotAccepted(reason: string | undefined): ChainCoreError {
  return new ChainCoreError("block-not-accepted", `ProcessNewBlock, block not accepted: ${reason}`);
}
