import { DIED, FREE, LINK, SCRIPT_BACK } from "./layout.ts";
import type { SharedWords } from "./shared-words.ts";

/** 64 KiB: every chunk holds records of one size, so that a place that came free fits the next one of its size. */
export const CHUNK_WORDS = 16_384;

/**
 * Sizes that places have, in words. 25 and 28 are the common coins (20 and 32 bytes of script) to the word; the others
 * step by an eighth or less up to a raw script of 10,000 bytes (20 + 2,500), so that at most a ninth is waste.
 */
const SIZES = sizes();

function sizes(): readonly number[] {
  const list = [21, 22, 23, 24, 25, 26, 27, 28];
  while (list.at(-1)! < 2520) list.push(Math.min(2520, Math.ceil(list.at(-1)! * 1.125)));
  return list;
}

/** By words needed: the index of the smallest size that holds them. */
const SIZE_INDEX = Uint8Array.from({ length: 2521 }, (_, words) => SIZES.findIndex((size) => size >= words));

const NO_SIZE = 255;

/** Enough to go on from, by chunk; for an image. Readers of the memory need none of it. */
export interface ArenaBooks {
  readonly size: readonly number[];
  readonly free: readonly number[];
  readonly fill: readonly number[];
  readonly used: readonly number[];
}

/**
 * Gives out places for records and takes them back. The writer's own: its books are plain memory, readers know nothing of
 * it. A place in use never moves or changes its size; a chunk that is empty can serve another size.
 */
export class Arena {
  readonly #records: SharedWords;
  /** By chunk: index into SIZES. */
  readonly #size: number[] = [];
  /** By chunk: head of its list of free places (through LINK), 0 at the end. */
  readonly #free: number[] = [];
  /** By chunk: words handed out at least once. */
  readonly #fill: number[] = [];
  /** By chunk: places in use. */
  readonly #used: number[] = [];
  /** By size: chunks that may have room; the last is tried first. A chunk is in at most one such list, and in it at most once. */
  readonly #open: number[][] = SIZES.map(() => []);
  readonly #isOpen: boolean[] = [];
  readonly #empty: number[] = [];
  #wordsUsed = 0;

  constructor(records: SharedWords) {
    this.#records = records;
  }

  /** Words of all places in use. */
  get wordsUsed(): number {
    return this.#wordsUsed;
  }

  get chunkCount(): number {
    return this.#size.length;
  }

  /** Less than half of the chunks' words are in use, and it is worth the while: more than 4 MB. */
  get isSparse(): boolean {
    const chunks = this.#size.length - this.#empty.length;
    return chunks > 64 && this.#wordsUsed * 2 < chunks * CHUNK_WORDS;
  }

  /** A place of at least `words` words. @throws ChainCoreError coins-memory-full */
  allocate(words: number): number {
    const index = SIZE_INDEX[words]!;
    const size = SIZES[index]!;
    const chunk = this.#chunkWithRoom(index);
    this.#wordsUsed += size;
    this.#used[chunk]!++;
    const free = this.#free[chunk]!;
    if (free !== 0) {
      this.#free[chunk] = this.#records.words[free + LINK]!;
      return free;
    }
    const place = chunk * CHUNK_WORDS + this.#fill[chunk]!;
    this.#fill[chunk]! += size;
    return place;
  }

  /** Takes a place back: nobody reads it any more. */
  release(place: number): void {
    const chunk = this.chunkOf(place);
    const index = this.#size[chunk]!;
    this.#records.words[place + SCRIPT_BACK] = FREE;
    this.#wordsUsed -= SIZES[index]!;
    if (--this.#used[chunk]! === 0) {
      this.#retire(chunk, index);
      return;
    }
    // A reader whose lease was revoked may still come by: atomically, so that it sees some link, whichever.
    Atomics.store(this.#records.words, place + DIED, 0);
    Atomics.store(this.#records.words, place + LINK, this.#free[chunk]!);
    this.#free[chunk] = place;
    this.#markOpen(chunk, index);
  }

  chunkOf(place: number): number {
    return Math.floor(place / CHUNK_WORDS);
  }

  /** How many places chunk `chunk` has and how many are in use; `places` is 0 for a chunk that is empty. */
  fillOf(chunk: number): { readonly size: number; readonly used: number; readonly places: number } {
    const size = SIZES[this.#size[chunk]!] ?? 0;
    return { size, used: size === 0 ? 0 : this.#used[chunk]!, places: size === 0 ? 0 : Math.floor(CHUNK_WORDS / size) };
  }

  /** No place of `chunk` is given out until one of its own is taken back. For compaction, which empties it. */
  bar(chunk: number): void {
    if (this.#size[chunk] !== NO_SIZE) this.#close(chunk, this.#size[chunk]!);
  }

  /** Every place of `chunk` that was handed out at least once. */
  *placesOf(chunk: number): Generator<number> {
    const size = SIZES[this.#size[chunk]!];
    if (size === undefined) return;
    const first = chunk === 0 ? size : 0;
    for (let at = first; at < this.#fill[chunk]!; at += size) yield chunk * CHUNK_WORDS + at;
  }

  /** Words of all chunks, used or not. */
  get wordCount(): number {
    return this.#size.length * CHUNK_WORDS;
  }

  books(): ArenaBooks {
    return { size: this.#size, free: this.#free, fill: this.#fill, used: this.#used };
  }

  /** Takes over the books of the records that stand in memory now. For an arena that has given out nothing yet. */
  restore(books: ArenaBooks): void {
    for (const [chunk, index] of books.size.entries()) {
      this.#size.push(index);
      this.#free.push(books.free[chunk]!);
      this.#fill.push(books.fill[chunk]!);
      this.#used.push(books.used[chunk]!);
      this.#isOpen.push(false);
      if (index === NO_SIZE) {
        this.#empty.push(chunk);
        continue;
      }
      this.#wordsUsed += this.#used[chunk]! * SIZES[index]!;
      this.#markOpen(chunk, index);
    }
  }

  #chunkWithRoom(index: number): number {
    const open = this.#open[index]!;
    for (let chunk = open.at(-1); chunk !== undefined; chunk = open.at(-1)) {
      if (this.#free[chunk] !== 0 || this.#fill[chunk]! + SIZES[index]! <= CHUNK_WORDS) return chunk;
      open.pop();
      this.#isOpen[chunk] = false;
    }
    const chunk = this.#empty.pop() ?? this.#addChunk();
    this.#size[chunk] = index;
    this.#free[chunk] = 0;
    this.#used[chunk] = 0;
    // Word 0 of the whole memory means "no record": chunk 0 leaves its first place out.
    this.#fill[chunk] = chunk === 0 ? SIZES[index]! : 0;
    this.#markOpen(chunk, index);
    return chunk;
  }

  #addChunk(): number {
    const chunk = this.#size.length;
    this.#records.ensure((chunk + 1) * CHUNK_WORDS);
    this.#size.push(NO_SIZE);
    this.#free.push(0);
    this.#fill.push(0);
    this.#used.push(0);
    this.#isOpen.push(false);
    return chunk;
  }

  #retire(chunk: number, index: number): void {
    this.#close(chunk, index);
    this.#size[chunk] = NO_SIZE;
    this.#empty.push(chunk);
  }

  #markOpen(chunk: number, index: number): void {
    if (this.#isOpen[chunk]) return;
    this.#isOpen[chunk] = true;
    this.#open[index]!.push(chunk);
  }

  #close(chunk: number, index: number): void {
    if (!this.#isOpen[chunk]) return;
    this.#isOpen[chunk] = false;
    const open = this.#open[index]!;
    open.splice(open.lastIndexOf(chunk), 1);
  }
}
