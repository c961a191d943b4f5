import { bytesEqual, sha256d } from "./hash.ts";
import { DATA_OFFSET } from "./sha256-emit.ts";
import { messagesModule, pairsModule } from "./sha256-modules.ts";
import { compileWasm, instantiateWasm, type WasmKernel } from "./wasm-runtime.ts";

/**
 * sha256d of many inputs, four at a time, by generated WebAssembly: about four times node:crypto, whose cost is in the call.
 * A kernel is generated when first wanted (some 20 ms of CPU) and compared with node:crypto; where that fails, or WebAssembly SIMD is
 * missing, node:crypto does the work and `lanesAvailable()` says so.
 */

const LANES = 4;
const PAGE = 65536;

/** undefined: not tried yet. */
type Lazy = { readonly kernel: WasmKernel | undefined } | undefined;
let pairsKernel: Lazy;
let messagesKernel: Lazy;

function instantiate(name: string, bytes: Uint8Array<ArrayBuffer>): WasmKernel | undefined {
  try {
    return instantiateWasm(compileWasm(bytes), name);
  } catch {
    return undefined; // No SIMD128, or WebAssembly is switched off.
  }
}

/** The kernel's memory with room for `end` bytes. */
function roomFor(kernel: WasmKernel, end: number): Uint8Array {
  const missing = end - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE));
  return new Uint8Array(kernel.memory.buffer);
}

function pairsBy(kernel: WasmKernel, nodes: Uint8Array, count: number): Uint8Array {
  const groups = Math.ceil(count / LANES);
  const memory = roomFor(kernel, DATA_OFFSET + groups * LANES * 64);
  memory.set(nodes.subarray(0, 64 * count), DATA_OFFSET);
  kernel.run(DATA_OFFSET, DATA_OFFSET, groups);
  return memory.slice(DATA_OFFSET, DATA_OFFSET + 32 * count);
}

function messagesBy(kernel: WasmKernel, messages: readonly Uint8Array[], blocks: number): Uint8Array {
  const stride = 64 * blocks;
  const memory = roomFor(kernel, DATA_OFFSET + 32 * LANES + LANES * stride);
  const view = new DataView(memory.buffer);
  messages.forEach((message, lane) => {
    const from = DATA_OFFSET + 32 * LANES + lane * stride;
    memory.set(message, from);
    memory.fill(0, from + message.length, from + stride);
    memory[from + message.length] = 0x80;
    view.setUint32(from + stride - 8, Math.floor(message.length / 0x20000000));
    view.setUint32(from + stride - 4, message.length * 8);
  });
  kernel.run(DATA_OFFSET + 32 * LANES, stride, blocks, DATA_OFFSET);
  return memory.slice(DATA_OFFSET, DATA_OFFSET + 32 * messages.length);
}

function testBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 151 + 7) & 255);
}

function checkedPairs(): WasmKernel | undefined {
  const kernel = instantiate("pairs", pairsModule());
  const nodes = testBytes(64 * 5);
  return kernel && bytesEqual(pairsBy(kernel, nodes, 5), pairsByCrypto(nodes, 5)) ? kernel : undefined;
}

function checkedMessages(): WasmKernel | undefined {
  const kernel = instantiate("messages", messagesModule());
  const samples = [119, 117, 70, 100].map(testBytes);
  return kernel && bytesEqual(messagesBy(kernel, samples, 2), Buffer.concat(samples.map(sha256d))) ? kernel : undefined;
}

function pairsByCrypto(nodes: Uint8Array, count: number): Uint8Array {
  const hashes = new Uint8Array(32 * count);
  for (let index = 0; index < count; index++) hashes.set(sha256d(nodes.subarray(64 * index, 64 * index + 64)), 32 * index);
  return hashes;
}

/** Fewer hashes than this are not worth a kernel. */
const WORTH_IT = 8;

/** Whether the generated kernels run here and agree with node:crypto. Generates them if they are not yet there. */
export function lanesAvailable(): boolean {
  pairsKernel ??= { kernel: checkedPairs() };
  messagesKernel ??= { kernel: checkedMessages() };
  return pairsKernel.kernel !== undefined && messagesKernel.kernel !== undefined;
}

/** sha256d of each of `count` 64-byte nodes (a merkle level's pairs), 32 bytes each, in a new array. */
export function sha256dPairs(nodes: Uint8Array, count: number): Uint8Array {
  if (count < WORTH_IT) return pairsByCrypto(nodes, count);
  pairsKernel ??= { kernel: checkedPairs() };
  return pairsKernel.kernel ? pairsBy(pairsKernel.kernel, nodes, count) : pairsByCrypto(nodes, count);
}

/** sha256d of each message: 32 bytes each, in order, in a new array. Messages of about equal length gain most. */
export function sha256dMessages(messages: readonly Uint8Array[]): Uint8Array {
  if (messages.length >= WORTH_IT) messagesKernel ??= { kernel: checkedMessages() };
  const kernel = messages.length >= WORTH_IT ? messagesKernel?.kernel : undefined;
  const hashes = new Uint8Array(32 * messages.length);
  for (const [blocks, indexes] of byBlocks(messages)) {
    for (let first = 0; first < indexes.length; first += LANES) {
      const group = indexes.slice(first, first + LANES);
      const inputs = group.map((index) => messages[index]!);
      const results = kernel ? messagesBy(kernel, inputs, blocks) : Buffer.concat(inputs.map(sha256d));
      for (const [at, index] of group.entries()) hashes.set(results.subarray(32 * at, 32 * at + 32), 32 * index);
    }
  }
  return hashes;
}

/** Message indexes by how many 64-byte blocks they fill with their padding: one bit and a length of 64 bits. */
function byBlocks(messages: readonly Uint8Array[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  messages.forEach((message, index) => {
    const blocks = Math.floor((message.length + 8) / 64) + 1;
    const group = groups.get(blocks);
    if (group) group.push(index);
    else groups.set(blocks, [index]);
  });
  return groups;
}
