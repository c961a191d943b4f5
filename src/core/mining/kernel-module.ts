import { createHash } from "node:crypto";
import { scanModule } from "../encoding/sha256-modules.ts";
import { compileWasm, type WasmModule } from "../encoding/wasm-runtime.ts";
import { HEADER_LENGTH } from "../primitives/header.ts";
import { createScanner, type KernelModule, LANES } from "./kernel.ts";

const NONCE_OFFSET = 76;

/** Finds in every lane the nonce of Bitcoin's first block, hashed here by node:crypto's other interface. */
function isSound(module: WasmModule): boolean {
  const genesis = new Uint8Array(HEADER_LENGTH);
  genesis.set([1, 0, 0, 0]);
  genesis.set(Buffer.from("3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a", "hex"), 36);
  genesis.set(Buffer.from("29ab5f49ffff001d1dac2b7c", "hex"), 68);
  const once = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  const target = BigInt(`0x${once(once(genesis)).reverse().toString("hex")}`);
  const nonce = new DataView(genesis.buffer).getUint32(NONCE_OFFSET, true);
  const scanner = createScanner(module);
  scanner.setHeader(genesis);
  return Array.from({ length: LANES }).every((_, lane) => {
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
    return isSound(module) ? module : undefined;
  } catch {
    return undefined;
  }
}
