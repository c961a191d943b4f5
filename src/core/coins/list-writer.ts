import { BUCKET_COUNT, END, LINK, ORDER, SCRIPT_BACK, SCRIPT_LINK, UNSPLIT } from "./layout.ts";
import { bucketOf, bucketOrder, parentBucket } from "./order-hash.ts";
import type { SharedWords } from "./shared-words.ts";
import type { Lane, TableMemory } from "./split-list.ts";

/** The writer's side of a SplitList: insert, unlink, replace, and split buckets. One thread only; readers go on meanwhile. */
export class ListWriter {
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
    this.#orderAt = lane === 0 ? ORDER : SCRIPT_LINK + 1;
    if (this.#buckets.words[lane] === UNSPLIT) this.#setLink(~0, END);
  }

  /** Links a record whose words are all written. Before its equals, so that the newest version of a coin is met first. */
  insert(record: number): void {
    const words = this.#records.words;
    const order = words[record + this.#orderAt]!;
    const before = this.#lastBefore(order);
    const next = this.#link(before);
    Atomics.store(words, record + this.#linkAt, next);
    if (this.#lane === 1) {
      words[record + SCRIPT_BACK] = before;
      this.#setBack(next, record);
    }
    this.#setLink(before, record);
  }

  /** Takes a record out of the list. Its own link stays, for readers that stand on it. */
  unlink(record: number): void {
    const before = this.#before(record);
    const next = this.#link(record);
    this.#setLink(before, next);
    if (this.#lane === 1) this.#setBack(next, before);
  }

  /** Puts `copy`, equal in all but its links, in the place of `record`. */
  replace(record: number, copy: number): void {
    const before = this.#before(record);
    const next = this.#link(record);
    Atomics.store(this.#records.words, copy + this.#linkAt, next);
    if (this.#lane === 1) {
      this.#records.words[copy + SCRIPT_BACK] = before;
      this.#setBack(next, copy);
    }
    this.#setLink(before, copy);
  }

  /** Links bucket `bucket` in where its part of the list begins; its parents first. Nothing if that was done. */
  split(bucket: number): void {
    if (this.#link(~bucket) !== UNSPLIT) return;
    const parent = parentBucket(bucket);
    this.split(parent);
    const before = this.#walk(~parent, bucketOrder(bucket));
    const next = this.#link(before);
    this.#setLink(~bucket, next);
    if (this.#lane === 1) this.#setBack(next, ~bucket);
    this.#setLink(before, ~bucket);
  }

  /** The link of the place after which a record of `order` belongs. */
  #lastBefore(order: number): number {
    const bucket = bucketOf(order, this.#control[BUCKET_COUNT]!);
    this.split(bucket);
    return this.#walk(~bucket, order);
  }

  #before(record: number): number {
    if (this.#lane === 1) return this.#records.words[record + SCRIPT_BACK]!;
    let at = this.#lastBefore(this.#records.words[record + this.#orderAt]!);
    for (let next = this.#link(at); next !== record; next = this.#link(at)) at = next;
    return at;
  }

  /** From `start` to the last place whose order is below `order`. */
  #walk(start: number, order: number): number {
    let at = start;
    for (;;) {
      const next = this.#link(at);
      if (next === END) return at;
      if ((next < 0 ? bucketOrder(~next) : this.#records.words[next + this.#orderAt]!) >= order) return at;
      at = next;
    }
  }

  /** Plain loads: this thread alone writes links. */
  #link(at: number): number {
    return at < 0 ? this.#buckets.words[~at * 2 + this.#lane]! : this.#records.words[at + this.#linkAt]!;
  }

  #setLink(at: number, link: number): void {
    if (at < 0) Atomics.store(this.#buckets.words, ~at * 2 + this.#lane, link);
    else Atomics.store(this.#records.words, at + this.#linkAt, link);
  }

  /** Buckets are never taken out, so that they need no way back. */
  #setBack(link: number, back: number): void {
    if (link > 0 && link !== END) this.#records.words[link + SCRIPT_BACK] = back;
  }
}
