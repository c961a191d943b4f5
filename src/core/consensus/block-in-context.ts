import { bytesEqual, sha256d } from "../encoding/hash.ts";
import { merkleRoot } from "../encoding/merkle.ts";
import type { Block } from "../primitives/block.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { encodeHeight } from "./coinbase-height.ts";
import type { HeaderAncestry } from "./header-ancestry.ts";
import { BLOCK_WEIGHT_MAX } from "./limits.ts";
import { isFinalTx } from "./lock-time.ts";
import type { NetworkParams } from "./params.ts";
import { type Invalid, invalid, mutated } from "./verdict.ts";

/** Rules of a block's body that need its place in the chain, but no coins, in Core's order (ContextualCheckBlock). */
export function checkBlockInContext(block: Block, parent: HeaderAncestry, params: NetworkParams): Invalid | undefined {
  const height = parent.height + 1;
  return (
    checkFinal(block, height, parent, params) ??
    checkCoinbaseHeight(block, height, params) ??
    checkWitness(block, height >= params.activation.segwit) ??
    (block.weight > BLOCK_WEIGHT_MAX ? invalid("bad-blk-weight", "ContextualCheckBlock : weight limit failed") : undefined)
  );
}

function checkFinal(block: Block, height: number, parent: HeaderAncestry, params: NetworkParams): Invalid | undefined {
  const cutoff = height >= params.activation.csv ? parent.medianTimePast : block.header.time;
  const isFinal = block.transactions.every((tx) => isFinalTx(tx, height, cutoff));
  return isFinal ? undefined : invalid("bad-txns-nonfinal", "non-final transaction");
}

function checkCoinbaseHeight(block: Block, height: number, params: NetworkParams): Invalid | undefined {
  if (height < params.activation.bip34) return undefined;
  const wanted = encodeHeight(height);
  const script = block.transactions[0]!.scriptSig(0);
  return bytesEqual(script.subarray(0, wanted.length), wanted)
    ? undefined
    : invalid("bad-cb-height", "block height mismatch in coinbase");
}

/** OP_RETURN, a push of 36 bytes, aa21a9ed, then 32 bytes of commitment (BIP141). */
const COMMITMENT_PREFIX = Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed);
const COMMITMENT_LENGTH_MIN = 38;

/** The last output of a coinbase that commits to the witnesses; undefined without one. */
export function findWitnessCommitment(coinbase: Transaction): number | undefined {
  for (let i = coinbase.outputCount - 1; i >= 0; i--) {
    const script = coinbase.outputScript(i);
    if (script.length >= COMMITMENT_LENGTH_MIN && bytesEqual(script.subarray(0, 6), COMMITMENT_PREFIX)) return i;
  }
  return undefined;
}

/** What the commitment must hold: the hash of the witness tree's root and the coinbase's reserved value (32 bytes). */
export function witnessCommitmentHash(wtxidLeaves: Uint8Array, reservedValue: Uint8Array): Uint8Array {
  return sha256d(Buffer.concat([merkleRoot(wtxidLeaves).root, reservedValue]));
}

/** The output script that commits to `hash`, as miners write it. */
export function witnessCommitmentScript(hash: Uint8Array): Uint8Array {
  return Buffer.concat([COMMITMENT_PREFIX, hash]);
}

/** BIP141: witnesses are committed to, or there are none. Failing it says nothing about the block's hash. */
function checkWitness(block: Block, isActive: boolean): Invalid | undefined {
  const coinbase = block.transactions[0]!;
  const position = isActive ? findWitnessCommitment(coinbase) : undefined;
  if (position === undefined) {
    return block.transactions.some((tx) => tx.hasWitness)
      ? mutated("unexpected-witness", "CheckWitnessMalleation : unexpected witness data found")
      : undefined;
  }
  const [reserved, ...more] = coinbase.witness(0);
  if (reserved?.length !== 32 || more.length > 0) {
    return mutated("bad-witness-nonce-size", "CheckWitnessMalleation : invalid witness reserved value size");
  }
  const committed = coinbase.outputScript(position).subarray(6, COMMITMENT_LENGTH_MIN);
  return bytesEqual(witnessCommitmentHash(block.wtxidLeaves(), reserved), committed)
    ? undefined
    : mutated("bad-witness-merkle-match", "CheckWitnessMalleation : witness merkle commitment mismatch");
}
