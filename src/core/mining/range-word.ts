/**
 * A range of work in 64 bits, so that one atomic step can move it: job number (32), first unit (24), tag (8).
 * The tag is the last claimer in the head, the state in a worker's claim, the owner in a re-issued range.
 */
export type RangeWord = bigint;

/** Units of a job: 2^24, with units of 2^14 nonces 64 extranonces, or 76 minutes at 60 MH/s. Then the job is published anew. */
export const UNITS_MAX = 0xffffff;

export function rangeWord(job: number, unit: number, tag: number): RangeWord {
  return (BigInt(job >>> 0) << 32n) | BigInt(unit * 256 + tag);
}

export function jobOf(word: RangeWord): number {
  return Number(BigInt.asUintN(64, word) >> 32n);
}

export function unitOf(word: RangeWord): number {
  return Number(word & 0xffffff00n) / 256;
}

export function tagOf(word: RangeWord): number {
  return Number(word & 0xffn);
}
