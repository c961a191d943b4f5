/** Reproducible pseudo-random numbers (SplitMix32), for tests that print their seed. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** Pseudo-random byte arrays of any length. */
export function seededBytes(seed: number): (length: number) => Uint8Array {
  const next = seededNumbers(seed);
  return (length) => Uint8Array.from({ length }, () => next() & 255);
}
