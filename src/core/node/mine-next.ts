import { submitBlockResult } from "../chain/outcome.ts";
import { BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX } from "../consensus/limits.ts";
import { isFinalTx } from "../consensus/lock-time.ts";
import { ChainCoreError } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import type { SubmitResult } from "../mining/job-cycle.ts";
import { type BlockTemplate, buildTemplate, RESERVED_SIGOP_COST, RESERVED_WEIGHT } from "../mining/template.ts";
import type { Block } from "../primitives/block.ts";
import { acceptBlock } from "./accept-block.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";

/*
 * The path to the next block: the pool's best transactions on the tip, both held still -> a template -> a miner
 * (mining/) -> accept-block, like anybody's block.
 */

/** What a block on the present tip should hold. Tip and pool agree: both locks are held while it is chosen. */
export function nextTemplate(at: Root, node: NodeParts): Promise<BlockTemplate> {
  const { chain, mempool, params, clock } = node;
  return node.chainLock.withRead(
    at,
    (at) =>
      node.mempoolLock.withRead(
        at,
        () => {
          const parent = chain.find(chain.tip.hash)!;
          const { entries } = mempool.select({
            weight: BLOCK_WEIGHT_MAX - RESERVED_WEIGHT,
            sigopCost: BLOCK_SIGOP_COST_MAX - RESERVED_SIGOP_COST,
            minFeeRate: mempool.policy.blockMinFeeRate,
            isFinal: ({ tx }) => isFinalTx(tx, parent.height + 1, parent.medianTimePast),
          });
          return buildTemplate({ parent, params, entries, nowSeconds: nowSeconds(clock) });
        },
        { site: "choose transactions" },
      ),
    { site: "block template" },
  );
}

/** Hands a mined block in. Never throws for a block that is refused. */
export async function submitMined(at: Root, node: NodeParts, block: Block): Promise<SubmitResult> {
  const reason = submitBlockResult(await acceptBlock(at, node, block));
  return reason === null ? { accepted: true } : { accepted: false, reason };
}

/** The same, for whoever must have it on the chain. @throws ChainCoreError "block-not-accepted" */
export async function connectMined(at: Root, node: NodeParts, block: Block): Promise<void> {
  const { accepted, reason } = await submitMined(at, node, block);
  if (!accepted) throw new ChainCoreError("block-not-accepted", `ProcessNewBlock, block not accepted: ${reason}`);
}
