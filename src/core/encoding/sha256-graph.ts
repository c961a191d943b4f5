import { INITIAL_STATE, ROUND_CONSTANTS } from "./sha256-constants.ts";

/**
 * SHA-256 written once, as a graph of 32-bit operations over values that are known at different times.
 *
 *   const   known when the code is generated: initial state, round constants, padding
 *   job     known once per call: whatever follows from inputs that all lanes share
 *   lane    different in every SIMD lane: whatever depends on an input of its own
 *
 * The builder folds const with const, so only job arithmetic is left for a scalar prelude and lane arithmetic for the loop.
 * Nodes that nobody reads are never emitted. So a miner's midstate, its pre-computed first rounds, constant words of the message
 * schedule and "skip the last rounds" need no code of their own: they fall out of plain SHA-256.
 *
 * sha256-emit.ts turns a graph into WebAssembly, sha256-modules.ts says which graphs there are.
 */

export type BindingTime = "const" | "job" | "lane";
export type Operation = "add" | "xor" | "and" | "rotr" | "shr";

export interface GraphNode {
  /** Position in the order of creation; every argument stands before its reader. */
  readonly id: number;
  readonly time: BindingTime;
  readonly op: Operation | "const" | "input";
  readonly args: readonly GraphNode[];
  /** The value of a const, the number of an input, the distance of a rotr or shr. */
  readonly n: number;
}

const FOLD: Record<Operation, (args: readonly number[], n: number) => number> = {
  add: (args) => args.reduce((x, y) => (x + y) >>> 0),
  xor: (args) => args.reduce((x, y) => (x ^ y) >>> 0),
  and: (args) => args.reduce((x, y) => (x & y) >>> 0),
  rotr: (args, n) => ((args[0]! >>> n) | (args[0]! << (32 - n))) >>> 0,
  shr: (args, n) => args[0]! >>> n,
};

export class Graph {
  readonly #nodes: GraphNode[] = [];
  /** Equal operations on equal arguments are one node: b ^ c of one round is a ^ b of the round before. */
  readonly #known = new Map<string, GraphNode>();

  #make(time: BindingTime, op: GraphNode["op"], args: readonly GraphNode[], n: number): GraphNode {
    const key = `${op}:${time}:${n}:${args.map((arg) => arg.id).join(",")}`;
    const known = this.#known.get(key);
    if (known) return known;
    const node = { id: this.#nodes.length, time, op, args, n };
    this.#nodes.push(node);
    this.#known.set(key, node);
    return node;
  }

  const(value: number): GraphNode {
    return this.#make("const", "const", [], value >>> 0);
  }

  /** The `index`-th 32-bit word that the caller of the generated code brings. */
  input(time: "job" | "lane", index: number): GraphNode {
    return this.#make(time, "input", [], index);
  }

  inputs(time: "job" | "lane", count: number, first = 0): GraphNode[] {
    return Array.from({ length: count }, (_, index) => this.input(time, first + index));
  }

  op(op: Operation, args: readonly GraphNode[], n = 0): GraphNode {
    if (args.every((arg) => arg.time === "const")) {
      const values = args.map((arg) => arg.n);
      return this.const(FOLD[op](values, n));
    }
    return this.#make(args.some((arg) => arg.time === "lane") ? "lane" : "job", op, args, n);
  }

  xor(...args: GraphNode[]): GraphNode {
    return args.reduce((left, right) => this.op("xor", [left, right]));
  }

  /** Sum modulo 2^32 with const and job terms gathered first, so that the loop adds at most one of them. */
  add(...terms: GraphNode[]): GraphNode {
    const ofTime = (time: BindingTime) => terms.filter((term) => term.time === time);
    const sum = (parts: GraphNode[]) => parts.reduce((left, right) => this.op("add", [left, right]));
    const constant = ofTime("const").reduce((total, term) => (total + term.n) >>> 0, 0);
    const shared = [...(constant === 0 ? [] : [this.const(constant)]), ...ofTime("job")];
    const parts = [...(shared.length > 0 ? [sum(shared)] : []), ...ofTime("lane")];
    return parts.length > 0 ? sum(parts) : this.const(0);
  }

  /** What `outputs` depend on, themselves included, in order of creation. */
  needed(outputs: readonly GraphNode[]): GraphNode[] {
    const reached = new Set<GraphNode>();
    const visit = (node: GraphNode) => {
      if (reached.has(node)) return;
      reached.add(node);
      node.args.forEach(visit);
    };
    outputs.forEach(visit);
    return this.#nodes.filter((node) => reached.has(node));
  }
}

/** The compression function (FIPS 180-4, 6.2.2): eight words of state and sixteen of a block give the next eight. */
export function compress(g: Graph, state: readonly GraphNode[], block: readonly GraphNode[]): GraphNode[] {
  const rotr = (x: GraphNode, n: number) => g.op("rotr", [x], n);
  const upper = (x: GraphNode, a: number, b: number, c: number) => g.xor(rotr(x, a), rotr(x, b), rotr(x, c));
  const lower = (x: GraphNode, a: number, b: number, c: number) => g.xor(rotr(x, a), rotr(x, b), g.op("shr", [x], c));
  const w = [...block];
  let [a, b, c, d, e, f, gg, h] = state as [
    GraphNode,
    GraphNode,
    GraphNode,
    GraphNode,
    GraphNode,
    GraphNode,
    GraphNode,
    GraphNode,
  ];
  for (let t = 0; t < 64; t++) {
    if (t >= 16) w[t] = g.add(w[t - 16]!, lower(w[t - 15]!, 7, 18, 3), w[t - 7]!, lower(w[t - 2]!, 17, 19, 10));
    const choice = g.xor(g.op("and", [g.xor(f, gg), e]), gg); // Ch in three operations
    const majority = g.xor(g.op("and", [g.xor(a, b), g.xor(b, c)]), b); // Maj in three, as b ^ c is known from the round before
    const t1 = g.add(g.const(ROUND_CONSTANTS[t]!), w[t]!, h, choice, upper(e, 6, 11, 25));
    const t2 = g.add(majority, upper(a, 2, 13, 22));
    [h, gg, f, e, d, c, b, a] = [gg, f, e, g.add(d, t1), c, b, a, g.add(t1, t2)];
  }
  return [a, b, c, d, e, f, gg, h].map((word, index) => g.add(state[index]!, word));
}

export function initialState(g: Graph): GraphNode[] {
  return INITIAL_STATE.map((word) => g.const(word));
}

/** The words that end a message of `bytes` bytes whose last block already holds `words` words. */
export function padding(g: Graph, words: number, bytes: number): GraphNode[] {
  const zeros = Array.from({ length: 14 - words }, () => g.const(0));
  return [g.const(0x80000000), ...zeros, g.const(bytes * 8)];
}

/** The second hash of sha256d: SHA-256 of eight words. */
export function hashOfHash(g: Graph, first: readonly GraphNode[]): GraphNode[] {
  return compress(g, initialState(g), [...first, ...padding(g, 8, 32)]);
}
