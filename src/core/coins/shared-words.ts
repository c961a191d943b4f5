import { ChainCoreError } from "../errors.ts";

/** A shared WebAssembly memory. TypeScript has its types only together with a browser's. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  /** By pages of 65,536 bytes; `buffer` is another, longer object afterwards, on every thread. */
  grow(pages: number): number;
}

interface WasmRuntime {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
}

const PAGE_BYTES = 65_536;
const PAGE_WORDS = PAGE_BYTES / 4;
/** 4 GiB: the bound of a 32-bit WebAssembly memory, and records of about 40 million coins. */
const PAGES_MAX = 65_536;
export const SHARED_BYTES_MAX = PAGES_MAX * PAGE_BYTES;

/**
 * 32-bit words in shared memory that can grow while other threads read them. A shared WebAssembly memory grows in place,
 * so that an old view stays right for what it covers, and any thread makes a longer view for itself without a message.
 * (A growable SharedArrayBuffer is 5 to 14 times slower to index; separate buffers would have to be sent to every reader.)
 */
export class SharedWords {
  /** Reaches to the end of the memory as this thread last saw it. */
  words: Int32Array;
  /** The same memory by bytes, for copies of scripts and outpoints. */
  bytes: Uint8Array;
  readonly memory: SharedMemory;
  /** The writer's bound; readers never ask for more. */
  readonly #pagesMax: number;

  constructor(memory: SharedMemory, pagesMax = 0) {
    this.memory = memory;
    this.#pagesMax = pagesMax;
    this.words = new Int32Array(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
  }

  /** One page at first. `bytesMax` is reserved as addresses, not as memory. */
  static create(bytesMax: number): SharedWords {
    const maximum = Math.min(PAGES_MAX, Math.max(1, Math.floor(bytesMax / PAGE_BYTES)));
    const { Memory } = (globalThis as unknown as { WebAssembly: WasmRuntime }).WebAssembly;
    return new SharedWords(new Memory({ initial: 1, maximum, shared: true }), maximum);
  }

  /**
   * Makes at least `words` words usable; new ones are 0. Only the thread that writes calls it, before it publishes a link there.
   * @throws ChainCoreError coins-memory-full
   */
  ensure(words: number): void {
    if (words <= this.words.length) return;
    const pages = this.words.length / PAGE_WORDS;
    const needed = Math.ceil(words / PAGE_WORDS);
    // An eighth more each time, so that growth is rare; 1 MB at least.
    const wanted = Math.min(this.#pagesMax, Math.max(needed, pages + Math.max(16, pages >>> 3)));
    if (needed > this.#pagesMax || !this.#grow(wanted - pages)) {
      throw new ChainCoreError("coins-memory-full", "The coin table cannot grow: its shared memory is used up.", {
        detail: { bytes: words * 4, bytesMax: this.#pagesMax * PAGE_BYTES },
      });
    }
    this.refresh();
  }

  /** Sees what the writer has added since. Cheap, but not for every access: call it when an offset lies beyond `words`. */
  refresh(): void {
    const { buffer } = this.memory;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  #grow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }
}
