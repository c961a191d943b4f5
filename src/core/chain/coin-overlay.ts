import { KeyMap } from "../coins/key-map.ts";
import { bytesEqual } from "../encoding/hash.ts";
import { assert } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";

/** Where coins are looked up: the published table, or an overlay upon it. `bytes` holds an outpoint's 36 bytes at `offset`. */
export interface CoinSource {
  find(bytes: Uint8Array, offset?: number): Coin | undefined;
}

/** What an overlay changes in sum: an outpoint that ends as it began is in neither list, a replaced coin is in both. */
export interface NetChange {
  readonly spends: readonly { readonly key: Uint8Array; readonly outpoint: Uint8Array; readonly coin: Coin }[];
  readonly creates: readonly { readonly outpoint: Uint8Array; readonly coin: Coin }[];
}

/**
 * Coins as they would be after blocks that are not committed: in-block parents, states in the middle of a reorganisation.
 * Overlays stack: a block is tried on one of its own, which its parent absorbs when the block holds. Belongs to whoever made it.
 */
export class CoinOverlay implements CoinSource {
  readonly #source: CoinSource;
  /** The outpoints that this overlay touched. */
  #touched = new KeyMap(OUTPOINT_LENGTH);
  /** By the number of an outpoint: what the source below has there, and what is there now. */
  #before: (Coin | undefined)[] = [];
  #now: (Coin | undefined)[] = [];

  constructor(source: CoinSource) {
    this.#source = source;
  }

  find(bytes: Uint8Array, offset = 0): Coin | undefined {
    const entry = this.#touched.size === 0 ? -1 : this.#touched.find(bytes, offset);
    return entry < 0 ? this.#source.find(bytes, offset) : this.#now[entry];
  }

  /** Whether an outpoint was unspent below this overlay, whatever has happened on it. */
  wasThere(bytes: Uint8Array): boolean {
    return this.#source.find(bytes, 0) !== undefined;
  }

  /** Takes the coin away and returns it; undefined when there is none. */
  spend(bytes: Uint8Array, offset: number): Coin | undefined {
    const entry = this.#touched.find(bytes, offset);
    if (entry >= 0) {
      const coin = this.#now[entry];
      this.#now[entry] = undefined;
      return coin;
    }
    const coin = this.#source.find(bytes, offset);
    if (coin !== undefined) this.#touch(this.#touched.findOrAdd(bytes, offset), coin, undefined);
    return coin;
  }

  /**
   * Puts a coin where none is.
   * @param bytes the outpoint's 36 stand at `offset`; they are copied. The caller knows that the source below has no coin there,
   * unless this overlay spent it.
   */
  add(bytes: Uint8Array, coin: Coin, offset = 0): void {
    const { size } = this.#touched;
    const entry = this.#touched.findOrAdd(bytes, offset);
    if (entry === size) {
      this.#touch(entry, undefined, coin);
      return;
    }
    assert(this.#now[entry] === undefined, "a coin is made where one is");
    this.#now[entry] = coin;
  }

  #touch(entry: number, before: Coin | undefined, now: Coin | undefined): void {
    this.#before[entry] = before;
    this.#now[entry] = now;
  }

  /** Takes over what `upper`, an overlay upon this one, changed. `upper` is used up. */
  absorb(upper: CoinOverlay): void {
    assert(upper.#source === this, "an overlay absorbs only what lies upon it");
    if (this.#touched.size === 0) {
      this.#touched = upper.#touched;
      this.#before = upper.#before;
      this.#now = upper.#now;
      return;
    }
    for (let above = 0; above < upper.#touched.size; above++) {
      const { size } = this.#touched;
      const entry = this.#touched.findOrAdd(upper.#touched.key(above), 0);
      if (entry === size) this.#touch(entry, upper.#before[above], upper.#now[above]);
      else this.#now[entry] = upper.#now[above];
    }
  }

  /** Outpoints touched; bounds what `netChange` returns. */
  get size(): number {
    return this.#touched.size;
  }

  netChange(): NetChange {
    const spends: { key: Uint8Array; outpoint: Uint8Array; coin: Coin }[] = [];
    const creates: { outpoint: Uint8Array; coin: Coin }[] = [];
    for (let entry = 0; entry < this.#touched.size; entry++) {
      const before = this.#before[entry];
      const now = this.#now[entry];
      if (isSameCoin(before, now)) continue;
      const outpoint = this.#touched.key(entry);
      if (before !== undefined) spends.push({ key: outpoint, outpoint, coin: before });
      if (now !== undefined) creates.push({ outpoint, coin: now });
    }
    return { spends, creates };
  }
}

function isSameCoin(a: Coin | undefined, b: Coin | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.value === b.value && a.height === b.height && a.isCoinbase === b.isCoinbase && bytesEqual(a.script, b.script);
}
