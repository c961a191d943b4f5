import { assert } from "../errors.ts";
import type { GraphNode } from "./sha256-graph.ts";
import { byteSwapped, type Code, type FunctionWriter, get, I32, i32, i32Const, i32x4, set, V128, v128 } from "./wasm-writer.ts";

/**
 * Turns a SHA-256 graph into WebAssembly: job nodes into scalar code that runs once per call, lane nodes into SIMD code for a loop.
 *
 * A value lives in a local from its definition to its last reader, then the local is taken again: V8 allocates registers better so.
 * What the loop needs of const and job values is laid in memory by the prelude and read back with load32_splat: x86 has sixteen vector
 * registers and folds such a load into the operation that uses it, while 200 constants held in locals would be spilled anyway.
 */

/** Byte offset of the table of shared values; below it are the inputs of the caller. */
const SHARED_VALUES = 128;
/** Where a kernel's own data may begin: above the table of any graph here (at most about 250 values of 4 bytes). */
export const DATA_OFFSET = 4096;

/** Where the value of an input comes from: code that leaves it on the stack. */
export type InputCode = (index: number) => Code;

class LocalPool {
  readonly #writer: FunctionWriter;
  readonly #type: typeof I32 | typeof V128;
  readonly #free: number[] = [];

  constructor(writer: FunctionWriter, type: typeof I32 | typeof V128) {
    this.#writer = writer;
    this.#type = type;
  }

  take(): number {
    return this.#free.pop() ?? this.#writer.local(this.#type);
  }

  give(local: number): void {
    this.#free.push(local);
  }
}

export class GraphEmitter {
  readonly #writer: FunctionWriter;
  readonly #order: readonly GraphNode[];
  /** The last reader of each node; outputs are read after all. */
  readonly #lastReader = new Map<GraphNode, GraphNode>();
  readonly #outputs: ReadonlySet<GraphNode>;
  readonly #local = new Map<GraphNode, number>();
  readonly #address = new Map<GraphNode, number>();

  /** @param order every node that is needed, arguments before their readers (Graph.needed) */
  constructor(writer: FunctionWriter, order: readonly GraphNode[], outputs: readonly GraphNode[]) {
    this.#writer = writer;
    this.#order = order;
    this.#outputs = new Set(outputs);
    for (const node of order) for (const arg of node.args) this.#lastReader.set(arg, node);
    for (const node of order.filter(({ time }) => time === "lane")) {
      for (const arg of node.args) {
        if (arg.time !== "lane" && !this.#address.has(arg)) this.#address.set(arg, SHARED_VALUES + 4 * this.#address.size);
      }
    }
    assert(SHARED_VALUES + 4 * this.#address.size <= DATA_OFFSET, "the table of shared values is too long");
  }

  /** Computes job values and stores what the loop reads. */
  prelude(input: InputCode): void {
    const pool = new LocalPool(this.#writer, I32);
    for (const node of this.#order) {
      if (node.time === "job") {
        this.#writer.put(this.#scalarCode(node, input));
        this.#define(node, pool);
      }
      const address = this.#address.get(node);
      if (address !== undefined) this.#writer.put(i32Const(0), this.#scalar(node), i32.store(address));
    }
  }

  /** Computes lane values, four at a time; outputs stay in locals. */
  lanes(input: InputCode): void {
    const pool = new LocalPool(this.#writer, V128);
    for (const node of this.#order) {
      if (node.time !== "lane") continue;
      this.#writer.put(this.#vectorCode(node, input));
      this.#define(node, pool);
    }
  }

  /** The local that holds a lane output. */
  outputLocal(node: GraphNode): number {
    const local = this.#local.get(node);
    assert(local !== undefined && this.#outputs.has(node), "not an output of this graph");
    return local;
  }

  /** Stores the stack's top as `node`; locals of arguments that this node reads last are free again, for this very node too. */
  #define(node: GraphNode, pool: LocalPool): void {
    for (const arg of new Set(node.args)) {
      if (arg.time === node.time && this.#lastReader.get(arg) === node && !this.#outputs.has(arg))
        pool.give(this.#local.get(arg)!);
    }
    const local = pool.take();
    this.#local.set(node, local);
    this.#writer.put(set(local));
  }

  #scalar(node: GraphNode): Code {
    return node.op === "const" ? i32Const(node.n) : get(this.#local.get(node)!);
  }

  #vector(node: GraphNode): Code {
    return node.time === "lane" ? get(this.#local.get(node)!) : [...i32Const(0), ...v128.loadSplat32(this.#address.get(node)!)];
  }

  #scalarCode(node: GraphNode, input: InputCode): Code {
    const [first, second] = node.args;
    switch (node.op) {
      case "input":
        return input(node.n);
      case "rotr":
      case "shr":
        return [...this.#scalar(first!), ...i32Const(node.n), ...i32[node.op]];
      case "add":
      case "xor":
      case "and":
        return [...this.#scalar(first!), ...this.#scalar(second!), ...i32[node.op]];
      case "const":
        return i32Const(node.n);
    }
  }

  #vectorCode(node: GraphNode, input: InputCode): Code {
    const [first, second] = node.args;
    const shifted = (op: Code, distance: number) => [...this.#vector(first!), ...i32Const(distance), ...op];
    switch (node.op) {
      case "input":
        return input(node.n);
      case "rotr": // SIMD128 has no rotation
        return [...shifted(i32x4.shr, node.n), ...shifted(i32x4.shl, 32 - node.n), ...v128.or];
      case "shr":
        return shifted(i32x4.shr, node.n);
      case "add":
        return [...this.#vector(first!), ...this.#vector(second!), ...i32x4.add];
      case "xor":
      case "and":
        return [...this.#vector(first!), ...this.#vector(second!), ...v128[node.op]];
      case "const":
        return [...i32Const(node.n), ...i32x4.splat];
    }
  }
}

/** Loads word `index` of four messages, one a lane, as big-endian; `pointers` are locals with the byte address of each message. */
export function loadLanes(scratch: number, pointers: readonly number[], index: number): Code {
  const [first, ...others] = pointers;
  const offset = 4 * index;
  return [
    ...get(first!),
    ...v128.loadZero32(offset),
    ...set(scratch),
    ...others.flatMap((pointer, at) => [...get(pointer), ...get(scratch), ...v128.loadLane32(offset, at + 1), ...set(scratch)]),
    ...byteSwapped(scratch),
  ];
}

/** Stores the lanes of `value` as big-endian word `index` of four results of 32 bytes in a row from the address in `pointer`. */
export function storeLanes(value: number, pointer: number, index: number): Code {
  return [
    ...[...byteSwapped(value), ...set(value)],
    ...[0, 1, 2, 3].flatMap((lane) => [...get(pointer), ...get(value), ...v128.storeLane32(32 * lane + 4 * index, lane)]),
  ];
}
