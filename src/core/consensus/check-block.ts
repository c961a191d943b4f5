import { bytesEqual } from "../encoding/hash.ts";
import { merkleRoot } from "../encoding/merkle.ts";
import type { Block } from "../primitives/block.ts";
import { WITNESS_SCALE } from "../primitives/units.ts";
import { checkProofOfWork } from "./check-header.ts";
import { checkTransaction } from "./check-transaction.ts";
import { BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX } from "./limits.ts";
import type { NetworkParams } from "./params.ts";
import { legacySigopCount } from "./sigops.ts";
import { type Invalid, invalid, mutated } from "./verdict.ts";

export interface BlockCheckOptions {
  /** A template or proposal has neither: false skips the proof of work. */
  readonly proofOfWork?: boolean;
  readonly merkleRoot?: boolean;
}

/** Rules that a block can be held against alone, in Core's order (CheckBlock). */
export function checkBlock(block: Block, params: NetworkParams, options: BlockCheckOptions = {}): Invalid | undefined {
  return (
    (options.proofOfWork === false ? undefined : checkProofOfWork(block.header, params)) ??
    (options.merkleRoot === false ? undefined : checkMerkleRoot(block)) ??
    checkShape(block) ??
    checkTransactions(block) ??
    checkLegacySigops(block)
  );
}

function checkMerkleRoot(block: Block): Invalid | undefined {
  const { root, mutated: isMutated } = merkleRoot(block.txidLeaves());
  if (!bytesEqual(root, block.header.merkleRootBytes)) return mutated("bad-txnmrklroot", "hashMerkleRoot mismatch");
  return isMutated ? mutated("bad-txns-duplicate", "duplicate transaction") : undefined;
}

/** Size limits and the place of the coinbase. */
function checkShape(block: Block): Invalid | undefined {
  const { transactions } = block;
  const count = transactions.length;
  if (count === 0 || count * WITNESS_SCALE > BLOCK_WEIGHT_MAX || block.strippedSize * WITNESS_SCALE > BLOCK_WEIGHT_MAX) {
    return invalid("bad-blk-length", "size limits failed");
  }
  if (!transactions[0]!.isCoinbase) return invalid("bad-cb-missing", "first tx is not coinbase");
  const second = transactions.findIndex((tx, index) => index > 0 && tx.isCoinbase);
  return second > 0 ? invalid("bad-cb-multiple", "more than one coinbase") : undefined;
}

function checkTransactions(block: Block): Invalid | undefined {
  for (const tx of block.transactions) {
    const verdict = checkTransaction(tx);
    if (verdict) return invalid(verdict.code, `Transaction check failed (tx hash ${tx.txid}) ${verdict.detail}`);
  }
  return undefined;
}

/** A lower bound: operations in redeem scripts and witnesses are counted when the coins are known. */
function checkLegacySigops(block: Block): Invalid | undefined {
  let count = 0;
  for (const tx of block.transactions) count += legacySigopCount(tx);
  return count * WITNESS_SCALE > BLOCK_SIGOP_COST_MAX ? invalid("bad-blk-sigops", "out-of-bounds SigOpCount") : undefined;
}
