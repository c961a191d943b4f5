import { checkBlockInContext } from "../consensus/block-in-context.ts";
import { type BlockCheckOptions, checkBlock } from "../consensus/check-block.ts";
import { checkHeaderInContext } from "../consensus/check-header.ts";
import { type Invalid, invalid, isInvalid } from "../consensus/verdict.ts";
import type { Block } from "../primitives/block.ts";
import type { ScriptVerifier } from "../verify/verifier.ts";
import type { ChainState } from "./chain-state.ts";
import { CoinOverlay } from "./coin-overlay.ts";
import { connectBlock } from "./connect-block.ts";

export interface CandidateCheck extends BlockCheckOptions {
  readonly verifier: ScriptVerifier;
  /** What its time is held against. */
  readonly nowSeconds: number;
}

/** Holds a block against every rule, as if it were to connect on the tip. BLOCKCHAIN is held, so that the tip stays. */
export async function checkOnTip(block: Block, state: ChainState, options: CandidateCheck): Promise<Invalid | undefined> {
  const { params, coins, tipNode } = state;
  if (block.header.prevHash !== tipNode.hash) return invalid("inconclusive-not-best-prevblk");
  const verdict =
    checkBlock(block, params, options) ??
    checkHeaderInContext(block.header, tipNode, params, options.nowSeconds) ??
    checkBlockInContext(block, tipNode, params);
  if (verdict !== undefined) return verdict;
  const result = await connectBlock(block, tipNode, new CoinOverlay(coins), { params, verifier: options.verifier });
  return isInvalid(result) ? result : undefined;
}
