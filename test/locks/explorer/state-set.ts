/** A set of 53-bit keys in flat memory: millions of states, a few bytes each. */
export class StateSet {
  #slots = new Float64Array(1 << 16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** True if the key is new. Key 0 stands for "empty" and is never given. */
  add(key: number): boolean {
    const mask = this.#slots.length - 1;
    let at = (key ^ (key / 0x100000000)) & mask;
    for (let seen = this.#slots[at]!; seen !== 0; seen = this.#slots[at]!) {
      if (seen === key) return false;
      at = (at + 1) & mask;
    }
    this.#slots[at] = key;
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Float64Array(old.length * 2);
    this.#size = 0;
    for (const key of old) if (key !== 0) this.add(key);
  }
}

/** Two independent 32-bit hashes of a stream of integers. */
export class Hash {
  a = 0x2545f491;
  b = 0x9e3779b9 | 0;

  add(value: number): void {
    this.a = Math.imul(this.a ^ value, 0x85ebca6b);
    this.a ^= this.a >>> 15;
    this.b = Math.imul(this.b + value + 0x165667b1, 0xc2b2ae35);
    this.b ^= this.b >>> 13;
  }

  reset(): void {
    this.a = 0x2545f491;
    this.b = 0x9e3779b9 | 0;
  }

  /** A nonzero key below 2^53. */
  key(): number {
    return (this.a >>> 0) * 0x200000 + ((this.b >>> 11) & 0x1fffff) + 1;
  }
}

/** A word at a place, as a number to be combined by exclusive or. */
export function mix(at: number, value: number, seed: number): number {
  let hash = Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(value ^ seed, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return hash ^ (hash >>> 15);
}
