import { Flag, type ScriptFlags } from "../../src/core/script/flags.ts";

/** Every flag alone. */
export const EACH_FLAG: readonly ScriptFlags[] = Object.values(Flag);
export const ALL_FLAGS: ScriptFlags = EACH_FLAG.reduce((all, flag) => all | flag, 0);

/** Without the flags whose condition is not among them: CLEANSTACK wants WITNESS, which wants P2SH. */
export function trimFlags(flags: ScriptFlags): ScriptFlags {
  let trimmed = flags;
  if ((trimmed & Flag.P2SH) === 0) trimmed &= ~Flag.WITNESS;
  if ((trimmed & Flag.WITNESS) === 0) trimmed &= ~Flag.CLEANSTACK;
  return trimmed;
}

/** With the conditions of those that are among them. */
export function fillFlags(flags: ScriptFlags): ScriptFlags {
  let filled = flags;
  if ((filled & Flag.CLEANSTACK) !== 0) filled |= Flag.WITNESS;
  if ((filled & Flag.WITNESS) !== 0) filled |= Flag.P2SH;
  return filled;
}

/** A small generator with a seed of its own (mulberry32): tests print the seed, so that a failure can be run again. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * below);
  };
}
