import { BUCKET_COUNT, END, LINK, NONE, SCRIPT_LINK, UNSPLIT } from "./layout.ts";
import { bucketOf, bucketOrder, parentBucket } from "./order-hash.ts";
import type { SharedWords } from "./shared-words.ts";

/** The table's three pieces of shared memory as one thread sees them. */
export interface TableMemory {
  readonly control: Int32Array;
  readonly records: SharedWords;
  readonly buckets: SharedWords;
}

/** 0: by outpoint, 1: by script. The link and the order of lane 1 follow those of lane 0 in a record, its bucket words likewise. */
export type Lane = 0 | 1;

/**
 * One list of all records in order of their hashes, with buckets as short cuts into it (Shalev and Shavit's split-ordered
 * list, for one writer). A bucket's word is itself a place in the list: it holds the link to what follows. Doubling the
 * buckets moves no record: a new bucket is linked in where its part of the list begins, whenever the writer comes by;
 * until then readers start at its parent and walk further. So the table grows under any number of readers.
 *
 * Links are loaded and stored atomically: who has loaded a link sees the whole record behind it.
 */
export class SplitList {
  readonly #control: Int32Array;
  readonly #records: SharedWords;
  readonly #buckets: SharedWords;
  readonly #lane: Lane;
  readonly #linkAt: number;
  readonly #orderAt: number;

  constructor(memory: TableMemory, lane: Lane) {
    this.#control = memory.control;
    this.#records = memory.records;
    this.#buckets = memory.buckets;
    this.#lane = lane;
    this.#linkAt = lane === 0 ? LINK : SCRIPT_LINK;
    this.#orderAt = this.#linkAt + 1;
  }

  /** The first record of exactly this order, or NONE. */
  seek(order: number): number {
    let bucket = bucketOf(order, Atomics.load(this.#control, BUCKET_COUNT));
    let link = this.#bucketLink(bucket);
    while (link === UNSPLIT && bucket !== 0) {
      bucket = parentBucket(bucket);
      link = this.#bucketLink(bucket);
    }
    for (;;) {
      if (link < 0) {
        const next = ~link;
        if (bucketOrder(next) > order) return NONE;
        link = this.#bucketLink(next);
        continue;
      }
      if (!this.#isReadable(link)) return NONE;
      const found = this.#records.words[link + this.#orderAt]!;
      if (found >= order) return found === order ? link : NONE;
      link = Atomics.load(this.#records.words, link + this.#linkAt);
    }
  }

  /** The record after `record` in the list, or NONE at its end. */
  next(record: number): number {
    return this.#skipBuckets(Atomics.load(this.#records.words, record + this.#linkAt));
  }

  /** The first record of the list, or NONE. */
  first(): number {
    return this.#skipBuckets(this.#bucketLink(0));
  }

  /** The next record of the same order, or NONE: another version of the coin, another coin of the script, or a collision. */
  nextEqual(record: number): number {
    const words = this.#records.words;
    const link = Atomics.load(words, record + this.#linkAt);
    // Buckets stand before the records of their order, never between two of the same.
    if (link < 0 || !this.#isReadable(link)) return NONE;
    return this.#records.words[link + this.#orderAt] === words[record + this.#orderAt] ? link : NONE;
  }

  #skipBuckets(from: number): number {
    let link = from;
    while (link < 0) link = this.#bucketLink(~link);
    return this.#isReadable(link) ? link : NONE;
  }

  #bucketLink(bucket: number): number {
    const at = bucket * 2 + this.#lane;
    if (at >= this.#buckets.words.length) this.#buckets.refresh();
    // Beyond the memory only a reader can come whose lease was revoked, by a word that is no link any more: it ends, and then learns it.
    return at < this.#buckets.words.length ? Atomics.load(this.#buckets.words, at) : END;
  }

  /** False at the end of the list, and for what is no link (see above). Looks for new memory where it must. */
  #isReadable(link: number): boolean {
    if (link < this.#records.words.length - KEEP) return link > 0;
    if (link >= END - KEEP) return false;
    this.#records.refresh();
    return link < this.#records.words.length - KEEP;
  }
}

/** A record is followed by as many words at least: the shortest has more. */
const KEEP = 20;
