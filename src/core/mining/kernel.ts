import { sha256d } from "../encoding/hash.ts";
import { instantiateWasm, type WasmKernel, type WasmModule } from "../encoding/wasm-runtime.ts";
import { assert } from "../errors.ts";
import { HEADER_LENGTH } from "../primitives/header.ts";
import { hashMeetsTarget } from "../primitives/target.ts";

/** Which code hashes. "wasm-simd" is generated at start; "node-crypto" is what is left where WebAssembly has no SIMD. */
export type KernelName = "wasm-simd" | "node-crypto";

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

class WasmScanner implements NonceScanner {
  readonly kernel = "wasm-simd";
  readonly #scan: WasmKernel["run"];
  readonly #words: Uint32Array;
  readonly #header = new Uint8Array(HEADER_LENGTH);
  readonly #view = new DataView(this.#header.buffer);

  constructor(module: WasmModule) {
    const { run, memory } = instantiateWasm(module, "scan");
    this.#scan = run;
    this.#words = new Uint32Array(memory.buffer, 0, 19);
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
      const offset = this.#scan(at | 0, end - at, limit);
      if (offset < 0) return undefined;
      const group = at + offset;
      const last = Math.min(group + LANES, end);
      for (let nonce = group; nonce < last; nonce++) {
        if (this.#meets(nonce, target)) return nonce;
      }
      at = group + LANES; // The most significant word was small enough, the whole hash was not.
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

/** A scanner for the calling thread. @param module as the parent sent it, in a worker */
export function createScanner(module: KernelModule, kernel: KernelName = module ? "wasm-simd" : "node-crypto"): NonceScanner {
  if (kernel === "node-crypto") return new CryptoScanner();
  assert(module !== undefined, "the WebAssembly kernel is not available");
  return new WasmScanner(module);
}
