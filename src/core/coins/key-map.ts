import { randomFillSync } from "node:crypto";
import { threeWordHash } from "./order-hash.ts";

const ENTRIES_MIN = 16;
/** Nobody can choose keys that meet in one slot. */
const SEED = randomFillSync(new Int32Array(2));

/**
 * Numbers keys (hashes, outpoints: all of one length) 0, 1, 2, ... in the order in which they are added; what belongs to them
 * stands in arrays of the caller's own. Open addressing over words: a Map would need each key as text, which costs three times as
 * much as the look-up itself. First two words and last word of a key choose its slot.
 */
export class KeyMap {
  readonly #keyWords: number;
  #size = 0;
  /** `keyWords` an entry. */
  #keys: Int32Array<ArrayBuffer>;
  /** Entry + 1 by slot, 0 where none is; at most half of them are taken. */
  #slots = new Int32Array(2 * ENTRIES_MIN);
  /** The key that is looked for. */
  readonly #wanted: Int32Array;

  /** @param keyLength bytes of a key: whole words, three at least. */
  constructor(keyLength: number) {
    this.#keyWords = keyLength / 4;
    this.#keys = new Int32Array(ENTRIES_MIN * this.#keyWords);
    this.#wanted = new Int32Array(this.#keyWords);
  }

  get size(): number {
    return this.#size;
  }

  /** The number of the key that stands in `bytes` at `offset`; -1 when it was not added. */
  find(bytes: Uint8Array, offset: number): number {
    return this.#slots[this.#seek(bytes, offset)]! - 1;
  }

  /** The number of that key, a new one if it is not here; tell by `size`. */
  findOrAdd(bytes: Uint8Array, offset: number): number {
    const slot = this.#seek(bytes, offset);
    const known = this.#slots[slot]!;
    if (known !== 0) return known - 1;
    const entry = this.#size++;
    this.#slots[slot] = entry + 1;
    this.#keys.set(this.#wanted, entry * this.#keyWords);
    if (this.#size * this.#keyWords === this.#keys.length) this.#grow();
    return entry;
  }

  /** Its bytes, a view. */
  key(entry: number): Uint8Array {
    const length = this.#keyWords * 4;
    return new Uint8Array(this.#keys.buffer, entry * length, length);
  }

  /** Forgets all keys and keeps the memory. */
  clear(): void {
    this.#size = 0;
    this.#slots.fill(0);
  }

  /** The slot that holds the key, or the empty one where it belongs. */
  #seek(bytes: Uint8Array, offset: number): number {
    const wanted = this.#wanted;
    for (let i = 0, at = offset; i < this.#keyWords; i++, at += 4) {
      wanted[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    }
    const mask = this.#slots.length - 1;
    for (let slot = this.#slotOf(wanted, 0, mask); ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0 || this.#isWanted((entry - 1) * this.#keyWords)) return slot;
    }
  }

  #isWanted(at: number): boolean {
    for (let i = 0; i < this.#keyWords; i++) if (this.#keys[at + i] !== this.#wanted[i]) return false;
    return true;
  }

  #grow(): void {
    const keys = new Int32Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Int32Array(2 * this.#slots.length);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = this.#slotOf(keys, entry * this.#keyWords, mask);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }

  #slotOf(words: Int32Array, at: number, mask: number): number {
    return threeWordHash(words[at]!, words[at + 1]!, words[at + this.#keyWords - 1]!, SEED[0]!, SEED[1]!) & mask;
  }
}
