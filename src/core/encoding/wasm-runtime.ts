/** WebAssembly as far as the kernels use it: TypeScript has its types only together with a browser's. */

/** A compiled module; may be sent to a worker thread, which then need not compile it. */
export type WasmModule = object;

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** By pages of 65,536 bytes; `buffer` is another object afterwards. */
  grow(pages: number): number;
}

export interface WasmKernel {
  readonly run: (...args: number[]) => number;
  readonly memory: WasmMemory;
}

interface WasmRuntime {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: Record<string, unknown> };
}

function runtime(): WasmRuntime {
  return (globalThis as unknown as { WebAssembly: WasmRuntime }).WebAssembly;
}

/** @throws where WebAssembly or an instruction used is missing. */
export function compileWasm(bytes: Uint8Array<ArrayBuffer>): WasmModule {
  return new (runtime().Module)(bytes);
}

/** An instance with a memory of its own; `exported` is the function's name in the module. */
export function instantiateWasm(module: WasmModule, exported: string): WasmKernel {
  const { exports } = new (runtime().Instance)(module);
  return { run: exports[exported] as WasmKernel["run"], memory: exports["memory"] as WasmMemory };
}
