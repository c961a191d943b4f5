/**
 * Keyed hashes of outpoints and scripts, as places in the split-ordered lists. HalfSipHash with one round a word and two
 * at the end: the key is secret, so nobody can choose txids or scripts that meet in one bucket.
 * An order is a signed 32-bit number: the bits of the hash reversed, odd for records (buckets are even), top bit flipped.
 */

const TOP = 0x8000_0000 | 0;

/** The order of a record with this outpoint; `words` holds its nine words from `at`. Two txid words and vout are enough. */
export function outpointOrder(words: Int32Array, at: number, seed0: number, seed1: number): number {
  return recordOrder(threeWordHash(words[at]!, words[at + 1]!, words[at + 8]!, seed0, seed1));
}

const scratch = new Int32Array(3);

/** The keyed hash of three words. */
export function threeWordHash(a: number, b: number, c: number, seed0: number, seed1: number): number {
  scratch[0] = a;
  scratch[1] = b;
  scratch[2] = c;
  return sipWords(scratch, 0, 3, seed0, seed1);
}

/** The order of a record with this script: its SCRIPT word and the payload behind it, `count` words together. */
export function scriptOrder(words: Int32Array, at: number, count: number, seed0: number, seed1: number): number {
  return recordOrder(sipWords(words, at, count, seed0, seed1));
}

function recordOrder(hash: number): number {
  return (hash | 1) ^ TOP;
}

/** Where bucket `bucket` stands in the lists: before every record that belongs to it. */
export function bucketOrder(bucket: number): number {
  return reverse(bucket) ^ TOP;
}

/** The bucket of an order among `count` buckets (a power of two). */
export function bucketOf(order: number, count: number): number {
  return reverse(order ^ TOP) & (count - 1);
}

/** The bucket from which `bucket` was split: without its highest bit. */
export function parentBucket(bucket: number): number {
  return bucket & ~(1 << (31 - Math.clz32(bucket)));
}

function reverse(value: number): number {
  let bits = value;
  bits = ((bits >>> 1) & 0x5555_5555) | ((bits & 0x5555_5555) << 1);
  bits = ((bits >>> 2) & 0x3333_3333) | ((bits & 0x3333_3333) << 2);
  bits = ((bits >>> 4) & 0x0f0f_0f0f) | ((bits & 0x0f0f_0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff_00ff) | ((bits & 0x00ff_00ff) << 8);
  return (bits >>> 16) | (bits << 16);
}

/** HalfSipHash-1-2 over whole words: the 32-bit form of Aumasson and Bernstein's SipHash, with fewer rounds. */
function sipWords(words: Int32Array, at: number, count: number, seed0: number, seed1: number): number {
  let v0 = seed0;
  let v1 = seed1;
  let v2 = 0x6c79_6765 ^ seed0;
  let v3 = 0x7465_6462 ^ seed1;
  // One round for each word and for the length, two to finish.
  for (let i = 0; i < count + 3; i++) {
    const word = i < count ? words[at + i]! : i === count ? count << 26 : 0;
    v3 ^= word;
    if (i === count + 1) v2 ^= 0xff;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
