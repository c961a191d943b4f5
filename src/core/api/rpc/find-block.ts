import type { BlockHash } from "../../primitives/units.ts";
import type { BlockPlace } from "../format/block-json.ts";
import type { BlockView, ChainReader } from "../ports.ts";
import { asHash, asInteger } from "./args.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** @throws RpcError -5 */
export function getBlockView(chain: ChainReader, hash: BlockHash): BlockView {
  const block = chain.find(hash);
  if (block === undefined) throw new RpcError(RPC.UNKNOWN_ADDRESS_OR_KEY, "Block not found");
  return block;
}

/** @throws RpcError -5 for an unknown block, -8 for one that is not on the best chain */
export function getActiveBlock(chain: ChainReader, hash: BlockHash): BlockView {
  const block = getBlockView(chain, hash);
  if (!isActive(chain, block)) throw new RpcError(RPC.INVALID_PARAMETER, "Block is not in main chain");
  return block;
}

/** A block named by its hash, or by its height on the best chain. @throws RpcError -5, -8 */
export function blockByHashOrHeight(chain: ChainReader, value: unknown): BlockView {
  if (typeof value !== "number") return getBlockView(chain, asHash(value, "hash_or_height") as BlockHash);
  const height = asInteger(value);
  if (height < 0) throw new RpcError(RPC.INVALID_PARAMETER, `Target block height ${height} is negative`);
  const block = chain.atHeight(height);
  if (block !== undefined) return block;
  throw new RpcError(RPC.INVALID_PARAMETER, `Target block height ${height} after current tip ${chain.tip.height}`);
}

export function isActive(chain: ChainReader, block: BlockView): boolean {
  return chain.atHeight(block.height)?.hash === block.hash;
}

/** Blocks on top, its own included; -1 off the best chain. */
export function confirmations(chain: ChainReader, block: BlockView): number {
  return isActive(chain, block) ? chain.tip.height - block.height + 1 : -1;
}

export function placeOf(chain: ChainReader, block: BlockView): BlockPlace {
  return {
    header: block.header,
    height: block.height,
    confirmations: confirmations(chain, block),
    medianTimePast: block.medianTimePast,
    chainwork: block.chainwork,
    transactionCount: block.transactionCount,
    next: isActive(chain, block) ? chain.atHeight(block.height + 1)?.hash : undefined,
  };
}
