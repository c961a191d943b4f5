/** Hashes expected until one is at most `target`. */
export function workOfTarget(target: bigint): bigint {
  return 2n ** 256n / (target + 1n);
}

/** Bitcoin's difficulty 1: the target of its first block. */
export const DIFFICULTY_1_TARGET = 0xffffn << 208n;

/** How many times harder than Bitcoin's first block; far below 1 on development networks. */
export function difficultyOf(target: bigint): number {
  return Number((DIFFICULTY_1_TARGET << 64n) / (target === 0n ? 1n : target)) / 2 ** 64;
}
