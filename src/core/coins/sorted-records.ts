import { KEY } from "./layout.ts";
import type { CoinSnapshot } from "./snapshot.ts";

/**
 * The records of all coins of a snapshot by raw txid bytes, then by vout as a number. Spreads them by the first two
 * bytes, then sorts each small group. Memory: 8 bytes a coin; time: some 1.5 us a coin before the first one comes.
 */
export function* sortedRecords(snapshot: CoinSnapshot): Generator<number> {
  const all = gather(snapshot);
  const ends = new Int32Array(65_537);
  for (const record of all) ends[groupOf(snapshot, record) + 1]!++;
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
  const starts = ends.slice();
  const grouped = new Int32Array(all.length);
  for (const record of all) grouped[starts[groupOf(snapshot, record)]!++] = record;
  for (let group = 0; group < 65_536; group++) {
    yield* grouped.subarray(ends[group], ends[group + 1]).sort((a, b) => compare(snapshot, a, b));
  }
}

function gather(snapshot: CoinSnapshot): Int32Array {
  let all = new Int32Array(1_024);
  let count = 0;
  for (const record of snapshot.records()) {
    if (count === all.length) {
      const longer = new Int32Array(count * 2);
      longer.set(all);
      all = longer;
    }
    all[count++] = record;
  }
  return all.subarray(0, count);
}

/** The first two bytes of the txid, the first one first. */
function groupOf(snapshot: CoinSnapshot, record: number): number {
  const word = snapshot.view.memory.records.words[record + KEY]!;
  return ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
}

function compare(snapshot: CoinSnapshot, a: number, b: number): number {
  const words = snapshot.view.memory.records.words;
  for (let i = KEY; i < KEY + 8; i++) {
    const [x, y] = [words[a + i]!, words[b + i]!];
    if (x !== y) return bigEndian(x) - bigEndian(y);
  }
  return (words[a + KEY + 8]! >>> 0) - (words[b + KEY + 8]! >>> 0);
}

function bigEndian(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
