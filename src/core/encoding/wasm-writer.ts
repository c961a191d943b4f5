/** The few WebAssembly instructions that the SHA-256 kernels need, as bytes. Names follow the specification (webassembly.github.io/spec). */

export const I32 = 0x7f;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof V128;
/** Instructions, encoded. */
export type Code = readonly number[];

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** Signed LEB128 of a 32-bit value. */
function signed(value: number): number[] {
  const low = value & 127;
  const rest = value >> 7;
  const last = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
  return last ? [low] : [low | 128, ...signed(rest)];
}

const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
/** Alignment as a power of two, then the offset. */
const memory = (offset: number): Code => [2, ...unsigned(offset)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const tee = (local: number): Code => [0x22, ...unsigned(local)];
export const i32Const = (value: number): Code => [0x41, ...signed(value | 0)];

export const i32 = {
  load: (offset: number): Code => [0x28, ...memory(offset)],
  store: (offset: number): Code => [0x36, ...memory(offset)],
  ltUnsigned: [0x49],
  add: [0x6a],
  and: [0x71],
  xor: [0x73],
  shr: [0x76],
  rotr: [0x78],
} as const;

export const i32x4 = {
  splat: simd(0x11),
  lessOrEqualUnsigned: simd(0x3e),
  shl: simd(0xab),
  shr: simd(0xad),
  add: simd(0xae),
} as const;

export const v128 = {
  and: simd(0x4e),
  or: simd(0x50),
  xor: simd(0x51),
  anyTrue: simd(0x53),
  loadSplat32: (offset: number): Code => [...simd(0x09), ...memory(offset)],
  loadZero32: (offset: number): Code => [...simd(0x5c), ...memory(offset)],
  loadLane32: (offset: number, lane: number): Code => [...simd(0x56), ...memory(offset), lane],
  storeLane32: (offset: number, lane: number): Code => [...simd(0x5a), ...memory(offset), lane],
  /** Four 32-bit lanes. */
  const: (lanes: readonly number[]): Code => [
    ...simd(0x0c),
    ...lanes.flatMap((lane) => [lane & 255, (lane >>> 8) & 255, (lane >>> 16) & 255, lane >>> 24]),
  ],
} as const;

/** Swaps the bytes within each lane of the vector in `local`, as i8x16.shuffle of it with itself. */
export const byteSwapped = (local: number): Code => [
  ...get(local),
  ...get(local),
  ...simd(0x0d),
  ...[3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12],
];

const LOOP: Code = [0x03, 0x40];
const IF: Code = [0x04, 0x40];
const BRANCH_IF_0: Code = [0x0d, 0];
const RETURN: Code = [0x0f];
const END = 0x0b;

/** The body of one exported function whose parameters are all i32. */
export class FunctionWriter {
  readonly parameters: number;
  readonly #code: number[] = [];
  readonly #locals: ValueType[] = [];

  constructor(parameters: number) {
    this.parameters = parameters;
  }

  /** A new local, zero at entry. */
  local(type: ValueType): number {
    this.#locals.push(type);
    return this.parameters + this.#locals.length - 1;
  }

  put(...parts: readonly Code[]): void {
    for (const part of parts) for (const byte of part) this.#code.push(byte);
  }

  /** Runs `body` at least once, and again while `condition` leaves a non-zero i32. */
  doWhile(body: () => void, condition: Code): void {
    this.put(LOOP);
    body();
    this.put(condition, BRANCH_IF_0, [END]);
  }

  /** Leaves the function with `result` if the i32 on the stack is not zero. */
  returnIf(result: Code): void {
    this.put(IF, result, RETURN, [END]);
  }

  /** Declarations of locals, instructions and the end, in that order. */
  finish(): Uint8Array {
    const locals = [...unsigned(this.#locals.length), ...this.#locals.flatMap((type) => [1, type])];
    const body = new Uint8Array(locals.length + this.#code.length + 1);
    body.set(locals);
    body.set(this.#code, locals.length);
    body[body.length - 1] = END;
    return body;
  }
}

function section(id: number, body: Code): number[] {
  return [id, ...unsigned(body.length), ...body];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

/** A module with one growing memory, exported as "memory", and one function, exported as `exported`; its result, if any, is an i32. */
export function writeModule(exported: string, writer: FunctionWriter, hasResult: boolean): Uint8Array<ArrayBuffer> {
  const body = writer.finish();
  const bodyLength = unsigned(body.length);
  const parameters = Array.from({ length: writer.parameters }, () => I32);
  const result = hasResult ? [1, I32] : [0];
  const head = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [1, 0x60, parameters.length, ...parameters, ...result]), // types
    ...section(3, [1, 0]), // functions
    ...section(5, [1, 0, 1]), // memory: one page, no upper bound
    ...section(7, [2, ...name("memory"), 2, 0, ...name(exported), 0, 0]), // exports
    ...[10, ...unsigned(1 + bodyLength.length + body.length), 1, ...bodyLength], // code
  ];
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}
