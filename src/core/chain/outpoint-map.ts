import { randomFillSync } from "node:crypto";
import { outpointOrder } from "../coins/order-hash.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";

const KEY_WORDS = OUTPOINT_LENGTH / 4;
const ENTRIES_MIN = 16;
/** Nobody can choose outpoints that meet in one slot. */
const SEED = randomFillSync(new Int32Array(2));

/**
 * Numbers outpoints 0, 1, 2, ... in the order in which they are added; what belongs to them stands in arrays of the caller's own.
 * Open addressing over words: a Map would need each outpoint as text, which costs three times as much as the look-up itself.
 */
export class OutpointMap {
  #size = 0;
  /** Nine words an entry. */
  #keys = new Int32Array(ENTRIES_MIN * KEY_WORDS);
  /** Entry + 1 by slot, 0 where none is; at most half of them are taken. */
  #slots = new Int32Array(2 * ENTRIES_MIN);
  /** The outpoint that is looked for. */
  readonly #wanted = new Int32Array(KEY_WORDS);

  get size(): number {
    return this.#size;
  }

  /** The number of the outpoint whose 36 bytes stand at `offset`; -1 when it was not added. */
  find(bytes: Uint8Array, offset: number): number {
    return this.#slots[this.#seek(bytes, offset)]! - 1;
  }

  /** The number of that outpoint, a new one if it is not here; tell by `size`. */
  findOrAdd(bytes: Uint8Array, offset: number): number {
    const slot = this.#seek(bytes, offset);
    const known = this.#slots[slot]!;
    if (known !== 0) return known - 1;
    const entry = this.#size++;
    this.#slots[slot] = entry + 1;
    this.#keys.set(this.#wanted, entry * KEY_WORDS);
    if (this.#size * KEY_WORDS === this.#keys.length) this.#grow();
    return entry;
  }

  /** Its 36 bytes, a view. */
  outpoint(entry: number): Uint8Array {
    return new Uint8Array(this.#keys.buffer, entry * OUTPOINT_LENGTH, OUTPOINT_LENGTH);
  }

  /** The slot that holds the outpoint, or the empty one where it belongs. */
  #seek(bytes: Uint8Array, offset: number): number {
    const wanted = this.#wanted;
    for (let i = 0, at = offset; i < KEY_WORDS; i++, at += 4) {
      wanted[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    }
    const mask = this.#slots.length - 1;
    for (let slot = slotOf(wanted, 0, mask); ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0 || this.#isWanted((entry - 1) * KEY_WORDS)) return slot;
    }
  }

  #isWanted(at: number): boolean {
    for (let i = 0; i < KEY_WORDS; i++) if (this.#keys[at + i] !== this.#wanted[i]) return false;
    return true;
  }

  #grow(): void {
    const keys = new Int32Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Int32Array(2 * this.#slots.length);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = slotOf(keys, entry * KEY_WORDS, mask);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}

function slotOf(words: Int32Array, at: number, mask: number): number {
  // An order is odd whatever the hash: its lowest bit says nothing.
  return (outpointOrder(words, at, SEED[0]!, SEED[1]!) >>> 1) & mask;
}
