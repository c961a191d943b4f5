import { GraphEmitter, loadLanes, storeLanes } from "./sha256-emit.ts";
import { compress, Graph, type GraphNode, hashOfHash, initialState, type Operation, padding } from "./sha256-graph.ts";
import { byteSwapped, FunctionWriter, get, I32, i32, i32Const, i32x4, set, tee, V128, v128, writeModule } from "./wasm-writer.ts";

/** The generated kernels. Each is a module of its own, so that a node that only checks merkle roots does not compile the miner's. */

const LANES = 4;

/**
 * `scan(start, count, limit): i32`: tries `count` nonces from `start` (a multiple of 4; they wrap at 2^32) on the header whose first
 * 76 bytes the caller has laid at address 0 as nineteen 32-bit numbers (big-endian words, so already swapped). Returns how far from
 * `start` the first four nonces are among which one has a hash whose most significant 32 bits are at most `limit`; -1 if none.
 * Only that word of the hash is computed: the caller confirms with the whole.
 */
export function scanModule(): Uint8Array<ArrayBuffer> {
  const { g, top } = scanGraph();
  const f = new FunctionWriter(3);
  const [start, count, limit] = [0, 1, 2];
  const done = f.local(I32);
  const nonces = f.local(V128);
  const limits = f.local(V128);
  const emitter = new GraphEmitter(f, g.needed([top]), [top]);
  emitter.prelude((index) => [...i32Const(0), ...i32.load(4 * index)]);
  f.put(get(limit), i32x4.splat, set(limits));
  f.put(get(start), i32x4.splat, v128.const([0, 1, 2, 3]), i32x4.add, set(nonces));
  f.doWhile(() => {
    emitter.lanes(() => byteSwapped(nonces));
    f.put(byteSwapped(emitter.outputLocal(top)), get(limits), i32x4.lessOrEqualUnsigned, v128.anyTrue);
    f.returnIf(get(done));
    f.put(get(nonces), v128.const([LANES, LANES, LANES, LANES]), i32x4.add, set(nonces));
  }, [...get(done), ...i32Const(LANES), ...i32.add, ...tee(done), ...get(count), ...i32.ltUnsigned]);
  f.put(i32Const(-1));
  return writeModule("scan", f, true);
}

function scanGraph(): { readonly g: Graph; readonly top: GraphNode } {
  const g = new Graph();
  const header = g.inputs("job", 19);
  const nonce = g.input("lane", 0);
  const midstate = compress(g, initialState(g), header.slice(0, 16));
  const first = compress(g, midstate, [...header.slice(16), nonce, ...padding(g, 4, 80)]);
  return { g, top: hashOfHash(g, first)[7]! }; // A hash is read as a little-endian number: its last word counts most.
}

/** How often each operation stands in `scan` for a group of nonces: what a bound on its speed is reckoned from. */
export function scanOperations(): ReadonlyMap<Operation, number> {
  const { g, top } = scanGraph();
  const counts = new Map<Operation, number>();
  for (const { time, op } of g.needed([top])) {
    if (time === "lane" && op !== "const" && op !== "input") counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  return counts;
}

/**
 * `pairs(from, to, groups)`: sha256d of each 64-byte node from address `from`, 32 bytes each to `to`, in groups of four nodes.
 * `to` may equal `from`: a group is read before it is written, and results take half the room.
 */
export function pairsModule(): Uint8Array<ArrayBuffer> {
  const g = new Graph();
  const whole = compress(g, initialState(g), g.inputs("lane", 16));
  const outputs = hashOfHash(g, compress(g, whole, [...padding(g, 0, 64)]));

  const f = new FunctionWriter(3);
  const [from, to, groups] = [0, 1, 2];
  const scratch = f.local(V128);
  const others = [f.local(I32), f.local(I32), f.local(I32)];
  const emitter = new GraphEmitter(f, g.needed(outputs), outputs);
  emitter.prelude(() => []);
  f.doWhile(() => {
    for (const [index, pointer] of others.entries()) f.put(get(from), i32Const(64 * (index + 1)), i32.add, set(pointer));
    emitter.lanes((index) => loadLanes(scratch, [from, ...others], index));
    for (const [index, output] of outputs.entries()) f.put(storeLanes(emitter.outputLocal(output), to, index));
    f.put(get(from), i32Const(64 * LANES), i32.add, set(from), get(to), i32Const(32 * LANES), i32.add, set(to));
  }, [...get(groups), ...i32Const(-1), ...i32.add, ...tee(groups)]);
  return writeModule("pairs", f, false);
}

/**
 * `messages(from, stride, blocks, to)`: sha256d of four messages of `blocks` 64-byte blocks, padded by the caller, `stride` bytes
 * apart from address `from`; 32 bytes each to `to`.
 */
export function messagesModule(): Uint8Array<ArrayBuffer> {
  const block = new Graph();
  const state = compress(block, block.inputs("lane", 8, 16), block.inputs("lane", 16));
  const second = new Graph();
  const outputs = hashOfHash(second, second.inputs("lane", 8));

  const f = new FunctionWriter(4);
  const [from, stride, blocks, to] = [0, 1, 2, 3];
  const scratch = f.local(V128);
  const pointers = [from, f.local(I32), f.local(I32), f.local(I32)];
  const held = state.map(() => f.local(V128));
  for (const [index, pointer] of pointers.slice(1).entries()) f.put(get(pointers[index]!), get(stride), i32.add, set(pointer));
  for (const [index, word] of initialState(block).entries()) f.put(i32Const(word.n), i32x4.splat, set(held[index]!));

  const absorb = new GraphEmitter(f, block.needed(state), state);
  absorb.prelude(() => []);
  f.doWhile(() => {
    absorb.lanes((index) => (index < 16 ? loadLanes(scratch, pointers, index) : get(held[index - 16]!)));
    for (const [index, word] of state.entries()) f.put(get(absorb.outputLocal(word)), set(held[index]!));
    for (const pointer of pointers) f.put(get(pointer), i32Const(64), i32.add, set(pointer));
  }, [...get(blocks), ...i32Const(-1), ...i32.add, ...tee(blocks)]);
  const finish = new GraphEmitter(f, second.needed(outputs), outputs);
  finish.prelude(() => []);
  finish.lanes((index) => get(held[index]!));
  for (const [index, output] of outputs.entries()) f.put(storeLanes(finish.outputLocal(output), to, index));
  return writeModule("messages", f, false);
}
