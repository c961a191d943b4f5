import type { FeeRate } from "../primitives/units.ts";

/**
 * What this node asks of transactions beyond consensus. Two nodes with different policies agree on every block.
 * DEFAULT_POLICY has Bitcoin Core 31.1's values.
 */
export interface Policy {
  /** Core's -acceptnonstdtxn turned round: false lets odd forms in; scripts keep the standard flags, fees their floor. */
  readonly requireStandard: boolean;
  /** Fee rate below which a transaction is not relayed. */
  readonly minRelayFeeRate: FeeRate;
  /** What a replacement pays on top for its own relay, and the step by which a full pool raises its floor. */
  readonly incrementalFeeRate: FeeRate;
  /** An output is dust when spending it at this rate would cost more than it holds. */
  readonly dustFeeRate: FeeRate;
  /** Bytes of OP_RETURN scripts in one transaction; 0 refuses them. */
  readonly dataCarrierBytesMax: number;
  readonly permitBareMultisig: boolean;
  /** A signature operation counts at least as so much weight. */
  readonly weightPerSigop: number;
  /** Transactions that hang together, unconfirmed. */
  readonly clusterCountMax: number;
  /** Their weight (sigop-adjusted): 101 kvB. */
  readonly clusterWeightMax: number;
  /** Clusters that one replacement may touch. */
  readonly replacedClustersMax: number;
  /** Memory of the pool, as usageOf in entry.ts counts it. */
  readonly poolBytesMax: number;
  readonly expirySeconds: number;
  /** Chunks that pay less stay out of templates. */
  readonly blockMinFeeRate: FeeRate;
}

export const DEFAULT_POLICY: Policy = {
  requireStandard: true,
  minRelayFeeRate: 100 as FeeRate,
  incrementalFeeRate: 100 as FeeRate,
  dustFeeRate: 3000 as FeeRate,
  dataCarrierBytesMax: 100_000,
  permitBareMultisig: true,
  weightPerSigop: 20,
  clusterCountMax: 64,
  clusterWeightMax: 404_000,
  replacedClustersMax: 100,
  poolBytesMax: 300_000_000,
  expirySeconds: 336 * 3600,
  blockMinFeeRate: 1 as FeeRate,
};

/** Weight of one standard transaction. */
export const STANDARD_WEIGHT_MAX = 400_000;
/** Bytes without witnesses: one more than the 64 that could pass for an inner node of a merkle tree (CVE-2017-12842). */
export const STRIPPED_BYTES_MIN = 65;
/** A fifth of a block's. */
export const STANDARD_SIGOP_COST_MAX = 16_000;
