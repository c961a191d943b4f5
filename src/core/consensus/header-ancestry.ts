import type { BlockHash, Height, UnixSeconds } from "../primitives/units.ts";

/** What rules may ask about a block that already stands in the tree; chain's block tree implements it. */
export interface HeaderAncestry {
  readonly height: Height;
  readonly hash: BlockHash;
  readonly time: UnixSeconds;
  readonly bits: number;
  /** BIP113: the median of the times of this block and the ten before it. */
  readonly medianTimePast: number;
  /** The block of that height on this block's own branch, itself included; undefined above it. */
  ancestor(height: number): HeaderAncestry | undefined;
}

/** Blocks whose times make up a median. */
export const MEDIAN_TIME_SPAN = 11;

/** The middle one of up to eleven times, in any order; for an even number the later of the two in the middle, as in Core. */
export function medianTime(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >>> 1]!;
}
