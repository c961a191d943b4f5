import type { Operation } from "../encoding/sha256-graph.ts";
import { scanOperations } from "../encoding/sha256-modules.ts";
import { compileWasm, instantiateWasm } from "../encoding/wasm-runtime.ts";
import {
  type Code,
  FunctionWriter,
  get,
  I32,
  i32,
  i32Const,
  i32x4,
  set,
  tee,
  V128,
  v128,
  writeModule,
} from "../encoding/wasm-writer.ts";
import { nsPerCall } from "./measure.ts";

/** Nonces that one round of the kernel tries. */
const LANES = 4;
/** So many values are worked on in turn: no operation waits for the one before, and all fit into registers. */
const VALUES = 10;
const ROUNDS = 20_000;

/**
 * MH/s of a thread that does what the generated kernel does to a nonce, operation by operation, but none of them waits for another or
 * for memory: what the processor's vector units allow SIMD128, which has no rotation, at this moment. One figure a run.
 */
export function simdBound(runs: number): number[] {
  const { run } = instantiateWasm(compileWasm(boundModule()), "bound");
  const warm = performance.now() + 200; // Until V8 has optimised it.
  while (performance.now() < warm) run(ROUNDS, 0, 0);
  return nsPerCall(() => run(ROUNDS, 0, 0), 4, runs).map((ns) => (LANES * ROUNDS * 1_000) / ns);
}

/** `bound(rounds, _, _)` */
function boundModule(): Uint8Array<ArrayBuffer> {
  const f = new FunctionWriter(3);
  const values = Array.from({ length: VALUES }, () => f.local(V128));
  const other = f.local(V128);
  const left = f.local(I32);
  f.put(get(0), set(left), v128.const([0x9e3779b9, 0x7f4a7c15, 0xbf58476d, 0x94d049bb]), set(other));
  for (const value of values) f.put(v128.const([value, value * 7, value * 31, value * 127]), set(value));
  f.doWhile(() => {
    inTurn().forEach((op, index) => {
      const value = values[index % VALUES]!;
      f.put(codeOf(op, value, other), set(value));
    });
  }, [...get(left), ...i32Const(-1), ...i32.add, ...tee(left)]);
  f.put(get(values[0]!));
  for (const value of values.slice(1)) f.put(get(value), v128.xor); // Used, so that no operation may be left out.
  f.put(v128.anyTrue);
  return writeModule("bound", f, true);
}

/** All operations of a round, kinds mixed evenly. */
function inTurn(): readonly Operation[] {
  const counts = [...scanOperations()];
  const placed = counts.flatMap(([op, count]) =>
    Array.from({ length: count }, (_, index) => ({ op, at: (index + 0.5) / count })),
  );
  return placed.toSorted((a, b) => a.at - b.at).map(({ op }) => op);
}

function codeOf(op: Operation, value: number, other: number): Code {
  const shifted = (shift: Code, by: number): Code => [...get(value), ...i32Const(by), ...shift];
  switch (op) {
    case "rotr":
      return [...shifted(i32x4.shr, 7), ...shifted(i32x4.shl, 25), ...v128.or];
    case "shr":
      return shifted(i32x4.shr, 3);
    case "add":
      return [...get(value), ...get(other), ...i32x4.add];
    default:
      return [...get(value), ...get(other), ...v128[op]];
  }
}
