import { createHash } from "node:crypto";
import { scanModule } from "../encoding/sha256-modules.ts";
import { compileWasm } from "../encoding/wasm-runtime.ts";
import { ChainCoreError } from "../errors.ts";
import { HEADER_LENGTH } from "../primitives/header.ts";
import { createScanner, type KernelModule, type KernelName, type NonceScanner } from "./kernel.ts";
import { nativeKernelNames } from "./native-kernel.ts";

const NONCE_OFFSET = 76;
/** No kernel tries more nonces at once. */
const LANES_MAX = 16;

/** Finds in every lane the nonce of Bitcoin's first block, hashed here by node:crypto's other interface. */
function isSound(scanner: NonceScanner): boolean {
  const genesis = new Uint8Array(HEADER_LENGTH);
  genesis.set([1, 0, 0, 0]);
  genesis.set(Buffer.from("3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a", "hex"), 36);
  genesis.set(Buffer.from("29ab5f49ffff001d1dac2b7c", "hex"), 68);
  const once = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  const target = BigInt(`0x${once(once(genesis)).reverse().toString("hex")}`);
  const nonce = new DataView(genesis.buffer).getUint32(NONCE_OFFSET, true);
  scanner.setHeader(genesis);
  return Array.from({ length: LANES_MAX }).every((_, lane) => {
    return scanner.find(nonce - lane, 64, target) === nonce && scanner.find(nonce - lane, 64, target - 1n) === undefined;
  });
}

let compiled: { readonly module: KernelModule } | undefined;

/** The mining kernel, generated and tested when first asked for (some 40 ms of CPU). */
export function kernelModule(): KernelModule {
  compiled ??= { module: compileKernel() };
  return compiled.module;
}

function compileKernel(): KernelModule {
  try {
    const module = compileWasm(scanModule());
    return isSound(createScanner(module)) ? module : undefined;
  } catch {
    return undefined;
  }
}

/** Nonces of a timing, under a millisecond for any kernel: the quickest of ten was not interrupted, and ran code that V8 has optimised. */
const TIMED_NONCES = 4_096;
const TIMINGS = 10;

let best: KernelName | undefined;

/** The kernels that run here and hash rightly, the slowest last. */
export function kernelNames(): KernelName[] {
  const native = nativeKernelNames().filter((name) => isSound(createScanner(undefined, name)));
  return [...native, ...(kernelModule() ? (["wasm-simd"] as const) : []), "node-crypto"];
}

/** @throws ChainCoreError "no-such-kernel" where `name` was not built, or the CPU lacks what it uses */
export function checkKernel(name: KernelName): void {
  const here = kernelNames();
  if (here.includes(name)) return;
  const hint = name.startsWith("native-") ? "; in a checkout `npm run build:native` builds more" : "";
  throw new ChainCoreError("no-such-kernel", `the kernel ${name} does not run here; there are ${here.join(", ")}${hint}`);
}

/** The fastest kernel here; timed for some 20 ms where there is a choice, when first asked for. */
export function bestKernel(): KernelName {
  best ??= fastest(kernelNames().filter((name) => name !== "node-crypto"));
  return best;
}

function fastest(names: readonly KernelName[]): KernelName {
  if (names.length <= 1) return names[0] ?? "node-crypto";
  const timed = names.map((name) => ({ name, scanner: createScanner(kernelModule(), name), ms: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < TIMINGS; round++) {
    for (const each of timed) each.ms = Math.min(each.ms, timing(each.scanner));
  }
  return timed.reduce((a, b) => (b.ms < a.ms ? b : a)).name;
}

function timing(scanner: NonceScanner): number {
  scanner.setHeader(new Uint8Array(HEADER_LENGTH));
  const started = performance.now();
  scanner.find(0, TIMED_NONCES, 0n);
  return performance.now() - started;
}
