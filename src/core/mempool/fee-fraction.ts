import type { FeeRate, Sats } from "../primitives/units.ts";

/** A fee and the size that it pays for. The size is any unit, the same within one comparison. */
export interface FeeFraction {
  /** Satoshis. */
  readonly fee: number;
  readonly size: number;
}

/** Positive when `a` pays more per size than `b`, 0 when the same; exact. */
export function compareFeeRates(a: FeeFraction, b: FeeFraction): number {
  const left = a.fee * b.size;
  const right = b.fee * a.size;
  if (Math.abs(left) <= Number.MAX_SAFE_INTEGER && Math.abs(right) <= Number.MAX_SAFE_INTEGER) return left - right;
  const exact = BigInt(a.fee) * BigInt(b.size) - BigInt(b.fee) * BigInt(a.size);
  return exact > 0n ? 1 : exact < 0n ? -1 : 0;
}

/** What a rate asks for so many virtual bytes, rounded up as Core does since 30. */
export function feeFor(rate: FeeRate, vsize: number): Sats {
  return Math.ceil((rate * vsize) / 1000) as Sats;
}

/**
 * Whether every miner is better off with chunks `after` than with `before`: the diagram of fee over size lies nowhere
 * below and somewhere above. Both lists have falling rates; behind its end a diagram goes on level.
 */
export function improvesDiagram(before: readonly FeeFraction[], after: readonly FeeFraction[]): boolean {
  const old = corners(before);
  const young = corners(after);
  let isAbove = false;
  for (const size of [...old, ...young].map((corner) => corner.size)) {
    const order = compareFeesAt(size, young, old);
    if (order < 0) return false;
    if (order > 0) isAbove = true;
  }
  return isAbove;
}

interface Corner {
  readonly size: bigint;
  readonly fee: bigint;
}

function corners(chunks: readonly FeeFraction[]): readonly Corner[] {
  const list: Corner[] = [{ size: 0n, fee: 0n }];
  for (const chunk of chunks) {
    const last = list.at(-1)!;
    list.push({ size: last.size + BigInt(chunk.size), fee: last.fee + BigInt(chunk.fee) });
  }
  return list;
}

/** The sign of a(size) - b(size). */
function compareFeesAt(size: bigint, a: readonly Corner[], b: readonly Corner[]): number {
  const [feeA, overA] = feeAt(size, a);
  const [feeB, overB] = feeAt(size, b);
  const difference = feeA * overB - feeB * overA;
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

/** The height of a diagram at `size` as numerator and denominator. */
function feeAt(size: bigint, diagram: readonly Corner[]): readonly [bigint, bigint] {
  const next = diagram.findIndex((corner) => corner.size >= size);
  if (next < 0) return [diagram.at(-1)!.fee, 1n];
  const right = diagram[next]!;
  if (right.size === size) return [right.fee, 1n];
  const left = diagram[next - 1]!;
  const width = right.size - left.size;
  return [left.fee * width + (right.fee - left.fee) * (size - left.size), width];
}
