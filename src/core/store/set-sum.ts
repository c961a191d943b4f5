/** What one record adds to the sum of its table: two 32-bit words. */
export interface Fingerprint {
  readonly low: number;
  readonly high: number;
}

/**
 * The sum of a table's records: equal sets give equal sums in any order, and a change costs what changed.
 * It finds lost, doubled and changed records (chance 2^-64 to miss a random fault); it is no proof against somebody who
 * forges records, which coins/set-hash.ts is for.
 */
export class SetSum {
  count: number;
  low: number;
  high: number;

  constructor(count = 0, low = 0, high = 0) {
    this.count = count;
    this.low = low;
    this.high = high;
  }

  add(record: Fingerprint): void {
    this.count++;
    this.low = (this.low + record.low) >>> 0;
    this.high = (this.high + record.high) >>> 0;
  }

  remove(record: Fingerprint): void {
    this.count--;
    this.low = (this.low - record.low) >>> 0;
    this.high = (this.high - record.high) >>> 0;
  }

  copy(): SetSum {
    return new SetSum(this.count, this.low, this.high);
  }

  equals(other: SetSum): boolean {
    return this.count === other.count && this.low === other.low && this.high === other.high;
  }
}

/** @param checksum of the whole record; @param keyWord any four bytes of its key that differ between records. */
export function fingerprint(checksum: number, keyWord: number): Fingerprint {
  return { low: mix(checksum), high: mix(Math.imul(checksum, 0x9e3779b1) ^ keyWord) };
}

/** The finaliser of MurmurHash3: every bit of the input reaches every bit of the result. */
function mix(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
