import { bytesEqual } from "../encoding/hash.ts";
import { assert } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import { type OutpointKey, outpointKeyAt } from "../primitives/outpoint.ts";

/** Where coins are looked up: the published table, or an overlay upon it. `bytes` holds an outpoint's 36 bytes at `offset`. */
export interface CoinSource {
  find(bytes: Uint8Array, offset?: number): Coin | undefined;
}

/** One outpoint that an overlay touched. */
interface Touched {
  readonly outpoint: Uint8Array;
  /** What the source below has there. */
  readonly before: Coin | undefined;
  now: Coin | undefined;
}

/** What an overlay changes in sum: an outpoint that ends as it began is in neither list, a replaced coin is in both. */
export interface NetChange {
  readonly spends: readonly { readonly key: OutpointKey; readonly outpoint: Uint8Array; readonly coin: Coin }[];
  readonly creates: readonly { readonly outpoint: Uint8Array; readonly coin: Coin }[];
}

/**
 * Coins as they would be after blocks that are not committed: in-block parents, states in the middle of a reorganisation.
 * Overlays stack: a block is tried on one of its own, which its parent absorbs when the block holds. Belongs to whoever made it.
 */
export class CoinOverlay implements CoinSource {
  readonly #source: CoinSource;
  #touched = new Map<OutpointKey, Touched>();

  constructor(source: CoinSource) {
    this.#source = source;
  }

  find(bytes: Uint8Array, offset = 0): Coin | undefined {
    if (this.#touched.size === 0) return this.#source.find(bytes, offset);
    const touched = this.#touched.get(outpointKeyAt(bytes, offset));
    return touched === undefined ? this.#source.find(bytes, offset) : touched.now;
  }

  /** Whether an outpoint was unspent below this overlay, whatever has happened on it. */
  wasThere(bytes: Uint8Array): boolean {
    return this.#source.find(bytes, 0) !== undefined;
  }

  /** Takes the coin away and returns it; undefined when there is none. */
  spend(bytes: Uint8Array, offset: number): Coin | undefined {
    const key = outpointKeyAt(bytes, offset);
    const touched = this.#touched.get(key);
    if (touched !== undefined) {
      const coin = touched.now;
      touched.now = undefined;
      return coin;
    }
    const coin = this.#source.find(bytes, offset);
    if (coin !== undefined) {
      this.#touched.set(key, { outpoint: bytes.subarray(offset, offset + 36), before: coin, now: undefined });
    }
    return coin;
  }

  /**
   * Puts a coin where none is.
   * @param outpoint 36 bytes, kept. The caller knows that the source below has no coin there, unless this overlay spent it.
   */
  add(outpoint: Uint8Array, coin: Coin): void {
    const key = outpointKeyAt(outpoint, 0);
    const touched = this.#touched.get(key);
    assert(touched?.now === undefined, "a coin is made where one is");
    if (touched === undefined) this.#touched.set(key, { outpoint, before: undefined, now: coin });
    else touched.now = coin;
  }

  /** Takes over what `upper`, an overlay upon this one, changed. `upper` is used up. */
  absorb(upper: CoinOverlay): void {
    assert(upper.#source === this, "an overlay absorbs only what lies upon it");
    if (this.#touched.size === 0) {
      this.#touched = upper.#touched;
      return;
    }
    for (const [key, change] of upper.#touched) {
      const touched = this.#touched.get(key);
      if (touched === undefined) this.#touched.set(key, change);
      else touched.now = change.now;
    }
  }

  /** Outpoints touched; bounds what `netChange` returns. */
  get size(): number {
    return this.#touched.size;
  }

  netChange(): NetChange {
    const spends: { key: OutpointKey; outpoint: Uint8Array; coin: Coin }[] = [];
    const creates: { outpoint: Uint8Array; coin: Coin }[] = [];
    for (const [key, { outpoint, before, now }] of this.#touched) {
      if (isSameCoin(before, now)) continue;
      if (before !== undefined) spends.push({ key, outpoint, coin: before });
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
