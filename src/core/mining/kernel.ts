import { sha256d } from "../encoding/hash.ts";
import { instantiateWasm, type WasmModule } from "../encoding/wasm-runtime.ts";
import { assert } from "../errors.ts";
import { HEADER_LENGTH } from "../primitives/header.ts";
import { hashMeetsTarget } from "../primitives/target.ts";
import { type NativeKernelName, nativeKernel } from "./native-kernel.ts";

/**
 * Which code hashes. "wasm-simd" is generated at start; "node-crypto" is what is left where WebAssembly has no SIMD; the native ones are
 * there when they were built (npm run build:native), as far as the CPU has what they use.
 */
export type KernelName = "wasm-simd" | "node-crypto" | NativeKernelName;

/** Tries nonces on one header after another. One thread uses it; a thread makes its own. */
export interface NonceScanner {
  readonly kernel: KernelName;
  /** The next scans try nonces on these 80 bytes; their own nonce does not matter. */
  setHeader(header: Uint8Array): void;
  /** The first of the `count` nonces from `start` on (they do not wrap) whose header hash is at most `target`. */
  find(start: number, count: number, target: bigint): number | undefined;
}

/** From kernel-module.ts: compiled once in a process and handed to its worker threads. undefined: WebAssembly SIMD is missing or gives wrong hashes here. */
export type KernelModule = WasmModule | undefined;

/** Nonces that the generated kernel tries at once. */
export const LANES = 4;
const NONCE_OFFSET = 76;

/** As sha256-modules.ts describes `scan`; `start` as a signed or unsigned number of 32 bits. */
type Scan = (start: number, count: number, limit: number) => number;

/** What a kernel that tries several nonces at once finds, confirmed with the whole hash. */
class LaneScanner implements NonceScanner {
  readonly kernel: KernelName;
  readonly #lanes: number;
  readonly #scan: Scan;
  /** The header's first nineteen words, where the kernel reads them. */
  readonly #words: Uint32Array;
  readonly #header = new Uint8Array(HEADER_LENGTH);
  readonly #view = new DataView(this.#header.buffer);

  constructor(kernel: KernelName, lanes: number, words: Uint32Array, scan: Scan) {
    this.kernel = kernel;
    this.#lanes = lanes;
    this.#words = words;
    this.#scan = scan;
  }

  setHeader(header: Uint8Array): void {
    this.#header.set(header);
    for (let word = 0; word < 19; word++) this.#words[word] = this.#view.getUint32(4 * word, false);
  }

  find(start: number, count: number, target: bigint): number | undefined {
    const limit = Number(target >> 224n);
    const end = start + count;
    for (let at = start; at < end; ) {
      // The kernel rounds a count up to whole groups; what it finds beyond the end is not ours.
      const offset = this.#scan(at, end - at, limit);
      if (offset < 0) return undefined;
      const group = at + offset;
      const last = Math.min(group + this.#lanes, end);
      for (let nonce = group; nonce < last; nonce++) {
        if (this.#meets(nonce, target)) return nonce;
      }
      at = group + this.#lanes; // The most significant word was small enough, the whole hash was not.
    }
    return undefined;
  }

  #meets(nonce: number, target: bigint): boolean {
    this.#view.setUint32(NONCE_OFFSET, nonce, true);
    return hashMeetsTarget(sha256d(this.#header), target);
  }
}

/** The same by node:crypto, a dozen times slower; it also judges the other in tests. */
class CryptoScanner implements NonceScanner {
  readonly kernel = "node-crypto";
  readonly #header = new Uint8Array(HEADER_LENGTH);
  readonly #view = new DataView(this.#header.buffer);

  setHeader(header: Uint8Array): void {
    this.#header.set(header);
  }

  find(start: number, count: number, target: bigint): number | undefined {
    for (let nonce = start; nonce < start + count; nonce++) {
      this.#view.setUint32(NONCE_OFFSET, nonce, true);
      if (hashMeetsTarget(sha256d(this.#header), target)) return nonce;
    }
    return undefined;
  }
}

/** A scanner for the calling thread. @param module as the parent sent it, in a worker; native kernels do without */
export function createScanner(module: KernelModule, kernel: KernelName = module ? "wasm-simd" : "node-crypto"): NonceScanner {
  switch (kernel) {
    case "node-crypto":
      return new CryptoScanner();
    case "wasm-simd": {
      assert(module !== undefined, "the WebAssembly kernel is not available");
      const { run, memory } = instantiateWasm(module, "scan");
      return new LaneScanner(kernel, LANES, new Uint32Array(memory.buffer, 0, 19), run);
    }
    default: {
      const words = new Uint32Array(19);
      const native = nativeKernel(kernel);
      assert(native !== undefined, `the kernel ${kernel} is not available`);
      return new LaneScanner(kernel, native.lanes, words, (start, count, limit) => native.scan(words, start, count, limit));
    }
  }
}
