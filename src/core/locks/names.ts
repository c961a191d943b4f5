import { HEADER, type Layout, NAME_BYTES_MAX, NAME_WORDS } from "./layout.ts";

/*
 * Names of locks, sites and strands, in the shared buffer, so that one thread can show what the strands of another do. Names are
 * only ever added, by whoever needs one that is not there yet; two threads may add the same at once, so compare texts, not ids. When the table is full, new
 * names read as OTHER: labels have to be short and static.
 */

const OTHER = "(other)";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Names {
  readonly #layout: Layout;
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];
  #learned = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** The id of a text; 0 if the table is full. Cost: one map look-up after the first time. */
  idOf(text: string): number {
    const known = this.#ids.get(text) ?? this.#learn(text);
    if (known !== undefined) return known;
    const { words, capacity, names } = this.#layout;
    if (Atomics.load(words, HEADER.NAMES_USED) >= capacity.names - 1) return 0;
    const id = Atomics.add(words, HEADER.NAMES_USED, 1) + 1;
    if (id >= capacity.names) return 0;
    const bytes = new Uint8Array(NAME_BYTES_MAX);
    const { written } = encoder.encodeInto(text, bytes);
    const at = names + id * NAME_WORDS;
    new Uint8Array(words.buffer, (at + 1) * 4, NAME_BYTES_MAX).set(bytes);
    Atomics.store(words, at, written + 1);
    this.#ids.set(text, id);
    return id;
  }

  /** Reads what other threads have added since, and looks again. */
  #learn(text: string): number | undefined {
    const { words, capacity, names } = this.#layout;
    const used = Math.min(capacity.names - 1, Atomics.load(words, HEADER.NAMES_USED));
    for (let id = this.#learned + 1; id <= used; id++) {
      // Still being written: everything from here on is read again next time.
      if (Atomics.load(words, names + id * NAME_WORDS) === 0) continue;
      const found = this.textOf(id);
      if (!this.#ids.has(found)) this.#ids.set(found, id);
      if (id === this.#learned + 1) this.#learned = id;
    }
    return this.#ids.get(text);
  }

  textOf(id: number): string {
    const known = this.#texts[id];
    if (known !== undefined) return known;
    const { words, capacity, names } = this.#layout;
    const at = names + id * NAME_WORDS;
    const length = id <= 0 || id >= capacity.names ? 0 : Atomics.load(words, at) - 1;
    if (length < 0 || id <= 0) return OTHER;
    // A view of shared memory cannot be decoded: copy first.
    const text = decoder.decode(new Uint8Array(words.buffer, (at + 1) * 4, length).slice());
    this.#texts[id] = text;
    return text;
  }
}
