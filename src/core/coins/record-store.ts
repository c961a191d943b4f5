import type { Coin } from "../primitives/coin.ts";
import { Arena, type ArenaBooks } from "./arena.ts";
import type { CoinView } from "./coin-view.ts";
import {
  BORN,
  BUCKET_COUNT,
  CODE,
  DIED,
  KEY,
  KEY_WORDS,
  NEVER,
  NONE,
  ORDER,
  PAYLOAD,
  RETIRED,
  SCRIPT,
  SCRIPT_BACK,
  SCRIPT_ORDER,
  VALUE_HIGH,
  VALUE_LOW,
} from "./layout.ts";
import { ListWriter } from "./list-writer.ts";
import { scriptWords, scriptWordsAt, writeScript } from "./script-words.ts";

/** Buckets that every insertion splits ahead, so that a doubling is paid for before the next one comes. */
const SPLITS_A_STEP = 2;

/**
 * Makes, links, moves and frees records: the writer's hands. Knows nothing of commits.
 * A record's life: EMPTY (a place of the arena) -> LIVE (linked into both lists) -> RETIRED (unlinked, perhaps still read) -> EMPTY.
 */
export class RecordStore {
  readonly view: CoinView;
  readonly arena: Arena;
  readonly #byOutpoint: ListWriter;
  readonly #byScript: ListWriter;
  #linked = 0;
  #splitNext = 1;

  constructor(view: CoinView) {
    this.view = view;
    this.arena = new Arena(view.memory.records);
    this.#byOutpoint = new ListWriter(view.memory, 0);
    this.#byScript = new ListWriter(view.memory, 1);
  }

  /** Records in the lists: coins, and versions that some snapshot may still see. */
  get linkedCount(): number {
    return this.#linked;
  }

  /** A new coin, born in commit `born`. @throws ChainCoreError coins-memory-full; then nothing has changed */
  insert(outpoint: Uint8Array, coin: Coin, born: number): number {
    this.#growBuckets();
    const count = scriptWords(coin.script);
    const record = this.arena.allocate(SCRIPT + count);
    const words = this.view.memory.records.words;
    for (let i = 0, at = 0; i < KEY_WORDS; i++, at += 4) {
      words[record + KEY + i] = outpoint[at]! | (outpoint[at + 1]! << 8) | (outpoint[at + 2]! << 16) | (outpoint[at + 3]! << 24);
    }
    words[record + BORN] = born;
    words[record + CODE] = coin.height * 2 + (coin.isCoinbase ? 1 : 0);
    words[record + VALUE_LOW] = coin.value;
    words[record + VALUE_HIGH] = Math.floor(coin.value / 0x1_0000_0000);
    writeScript(words, record, coin.script);
    words[record + ORDER] = this.view.orderOf(record);
    words[record + SCRIPT_ORDER] = this.view.scriptOrderOf(record, count);
    Atomics.store(words, record + DIED, NEVER);
    this.#byOutpoint.insert(record);
    this.#byScript.insert(record);
    this.#linked++;
    return record;
  }

  /** Takes a record out of both lists. Free it (`release`) once no reader can stand on it. */
  unlink(record: number): void {
    this.#byOutpoint.unlink(record);
    this.#byScript.unlink(record);
    this.view.memory.records.words[record + SCRIPT_BACK] = RETIRED;
    this.#linked--;
  }

  release(record: number): void {
    this.arena.release(record);
  }

  /** Moves a linked record to another place; the old one is retired. Readers that stand on it go on from there. */
  move(record: number): number {
    const size = SCRIPT + scriptWordsAt(this.view.memory.records.words, record);
    const copy = this.arena.allocate(size);
    const words = this.view.memory.records.words;
    words.copyWithin(copy, record, record + Math.max(size, PAYLOAD));
    this.#byOutpoint.replace(record, copy);
    this.#byScript.replace(record, copy);
    words[record + SCRIPT_BACK] = RETIRED;
    return copy;
  }

  /** The unspent record of the outpoint that stands in `bytes` at `offset`, published or of the open commit; or NONE. */
  findUnspent(bytes: Uint8Array, offset: number): number {
    let record = this.view.seekOutpoint(bytes, offset);
    while (record !== NONE && !(this.diedOf(record) === NEVER && this.view.hasKey(record)))
      record = this.view.byOutpoint.nextEqual(record);
    return record;
  }

  /** Whether another unspent record has the outpoint of `record`, just inserted: it stands before its equals, so this costs no search. */
  hasTwin(record: number): boolean {
    const words = this.view.memory.records.words;
    for (let other = record; ; ) {
      other = this.view.byOutpoint.nextEqual(other);
      if (other === NONE) return false;
      if (words[other + DIED] !== NEVER) continue;
      let same = 0;
      while (same < KEY_WORDS && words[other + KEY + same] === words[record + KEY + same]) same++;
      if (same === KEY_WORDS) return true;
    }
  }

  /** Whether the coin of this outpoint came or went in a commit after `version` other than `commit`. */
  isTouchedSince(bytes: Uint8Array, version: number, commit: number): boolean {
    const words = this.view.memory.records.words;
    for (let record = this.view.seekOutpoint(bytes, 0); record !== NONE; record = this.view.byOutpoint.nextEqual(record)) {
      if (!this.view.hasKey(record)) continue;
      const died = this.diedOf(record);
      if (words[record + BORN]! > version || (died > version && died < commit)) return true;
    }
    return false;
  }

  diedOf(record: number): number {
    return this.view.memory.records.words[record + DIED]!;
  }

  bornOf(record: number): number {
    return this.view.memory.records.words[record + BORN]!;
  }

  /** Makes room for `coins` more at once: before a bulk load. */
  reserve(coins: number): void {
    while (this.#bucketCount() < this.#linked + coins) this.#doubleBuckets();
  }

  /** All buckets below it are split. */
  get splitNext(): number {
    return this.#splitNext;
  }

  /** Goes on from the records and buckets that stand in memory now (an image's). */
  restore(books: ArenaBooks, linked: number, splitNext: number): void {
    this.arena.restore(books);
    this.#linked = linked;
    this.#splitNext = splitNext;
  }

  /** One bucket a coin: doubles when they are as many, and splits a few of the new ones at every insertion. */
  #growBuckets(): void {
    if (this.#linked >= this.#bucketCount()) this.#doubleBuckets();
    for (let i = 0; i < SPLITS_A_STEP && this.#splitNext < this.#bucketCount(); i++) {
      this.#byOutpoint.split(this.#splitNext);
      this.#byScript.split(this.#splitNext++);
    }
  }

  #doubleBuckets(): void {
    const count = this.#bucketCount() * 2;
    this.view.memory.buckets.ensure(count * 2);
    Atomics.store(this.view.memory.control, BUCKET_COUNT, count);
  }

  #bucketCount(): number {
    return this.view.memory.control[BUCKET_COUNT]!;
  }
}
