import { createRequire } from "node:module";

/** The variants in native/kernel.c: for AVX-512, for AVX2, for the SHA instructions, and on other processors than x86-64 for vectors of four. */
export const NATIVE_KERNELS = ["native-avx512", "native-avx2", "native-sha-ni", "native-generic"] as const;
export type NativeKernelName = (typeof NATIVE_KERNELS)[number];

interface NativeAddon {
  readonly variants: readonly { readonly name: string; readonly lanes: number }[];
  scan(variant: number, words: Uint32Array, start: number, count: number, limit: number): number;
}

export interface NativeKernel {
  readonly lanes: number;
  /** As sha256-modules.ts describes it; `words` are the header's first nineteen. */
  scan(words: Uint32Array, start: number, count: number, limit: number): number;
}

/** Where `npm run build:native` leaves it, seen from src and from dist. */
const PLACES = ["./native/build/Release/mining.node", "../../../src/core/mining/native/build/Release/mining.node"];

let loaded: { readonly addon: NativeAddon | undefined } | undefined;

function load(): NativeAddon | undefined {
  const require = createRequire(import.meta.url);
  for (const place of PLACES) {
    try {
      return require(place) as NativeAddon;
    } catch {
      // Not built, or built for another machine: WebAssembly does the work.
    }
  }
  return undefined;
}

function addon(): NativeAddon | undefined {
  loaded ??= { addon: load() };
  return loaded.addon;
}

/** What was built and this CPU can run; usually nothing. */
export function nativeKernelNames(): NativeKernelName[] {
  const built = addon()?.variants.map(({ name }) => name) ?? [];
  return NATIVE_KERNELS.filter((name) => built.includes(name));
}

export function nativeKernel(name: NativeKernelName): NativeKernel | undefined {
  const native = addon();
  const variant = native?.variants.findIndex((each) => each.name === name) ?? -1;
  if (!native || variant < 0) return undefined;
  const { lanes } = native.variants[variant]!;
  return { lanes, scan: (words, start, count, limit) => native.scan(variant, words, start, count, limit) };
}
