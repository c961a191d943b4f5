import { bitsToTarget, targetToBits } from "../primitives/target.ts";
import { type HeaderAncestry, MEDIAN_TIME_SPAN } from "./header-ancestry.ts";
import type { NetworkParams } from "./params.ts";

/*
 * Which `bits` a block must carry. Three rules:
 *
 * none                  regtest: always the parent's.
 * period                Bitcoin: every 2,016 blocks the target is scaled by the time that they took, off by one block as
 *                       ever, and limited to a factor of four.
 * relative-exponential  private networks: every block scales its parent's target by 2^((solve time - T) / half-life), the
 *                       solve time of the parent clamped to [-6T, 6T]. It has no memory of an absolute schedule: a network
 *                       that slept for a week goes on at its pace, where absolute ASERT would hand out thousands of blocks.
 */

/** What the rule may look at; a part of NetworkParams, so that tests and tools can vary it. */
export type DifficultyParams = Pick<NetworkParams, "powLimitBits" | "targetSpacingSeconds" | "retarget">;

/** The bits that the block after `parent` must have. The time of that block itself has no say in any of the rules. */
export function nextBits(parent: HeaderAncestry, params: DifficultyParams): number {
  const { retarget } = params;
  if (retarget.kind === "none") return parent.bits;
  if (retarget.kind === "relative-exponential") return nextRelativeBits(parent, params, retarget.halfLifeSeconds);
  if ((parent.height + 1) % retarget.intervalBlocks !== 0) return parent.bits;
  const first = parent.ancestor(parent.height - (retarget.intervalBlocks - 1))!;
  return periodBits(parent.bits, parent.time - first.time, retarget.intervalBlocks * params.targetSpacingSeconds, params);
}

/** Bitcoin's rule: `actual` and `wanted` are the seconds between the first and the last block of the period. */
function periodBits(bits: number, actual: number, wanted: number, params: DifficultyParams): number {
  const clamped = Math.min(Math.max(actual, Math.floor(wanted / 4)), wanted * 4);
  return limitedBits((bitsToTarget(bits).target * BigInt(clamped)) / BigInt(wanted), params);
}

const SOLVE_TIME_SPACINGS_MAX = 6;

function nextRelativeBits(parent: HeaderAncestry, params: DifficultyParams, halfLifeSeconds: number): number {
  const before = parent.height === 0 ? undefined : parent.ancestor(parent.height - 1);
  if (before === undefined) return parent.bits; // The first block has genesis' bits: genesis was not mined against a clock.
  const spacing = params.targetSpacingSeconds;
  const bound = SOLVE_TIME_SPACINGS_MAX * spacing;
  const solveTime = Math.min(latestTime(parent) - latestTime(before), bound);
  return limitedBits(scaleByPowerOfTwo(bitsToTarget(parent.bits).target, solveTime - spacing, halfLifeSeconds), params);
}

/**
 * The latest time of a block and the ten before it. Solve times are taken between these, not between single blocks: a time
 * that is set back would count against its own block and be cut off at the bound for the next, and blocks would get too hard.
 */
function latestTime(block: HeaderAncestry): number {
  let latest: number = block.time;
  for (let height = Math.max(0, block.height - MEDIAN_TIME_SPAN + 1); height < block.height; height++) {
    latest = Math.max(latest, block.ancestor(height)!.time);
  }
  return latest;
}

/**
 * target * 2^(numerator / denominator) in integers only, equal on every machine: the exponent as 16.16 fixed point, its
 * fraction by the cubic of aserti3-2d (its source: the specification of the 2020 Bitcoin Cash upgrade), off by less than 0.013 %.
 */
function scaleByPowerOfTwo(target: bigint, numerator: number, denominator: number): bigint {
  const exponent = Math.floor((numerator * 65536) / denominator);
  const shift = Math.floor(exponent / 65536);
  const fraction = BigInt(exponent - shift * 65536);
  const cubic = 195766423245049n * fraction + 971821376n * fraction ** 2n + 5127n * fraction ** 3n;
  const factor = 65536n + ((cubic + (1n << 47n)) >> 48n);
  const scaled = target * factor;
  return shift >= 0 ? (scaled << BigInt(shift)) >> 16n : scaled >> BigInt(16 - shift);
}

/** No easier than the network's limit, no harder than possible. */
function limitedBits(target: bigint, params: DifficultyParams): number {
  const limit = bitsToTarget(params.powLimitBits).target;
  return targetToBits(target > limit ? limit : target < 1n ? 1n : target);
}
