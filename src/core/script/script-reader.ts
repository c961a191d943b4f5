import { Op } from "./opcodes.ts";

/** Walks over the operations of a script. One reader serves a whole walk; nothing is allocated but what `data()` is asked for. */
export class ScriptReader {
  readonly script: Uint8Array;
  readonly end: number;
  /** Where the next operation starts. After a failed `next()` it stands behind the bytes that were understood, as in Bitcoin Core. */
  position: number;
  opcode = -1;
  /** Where the data of the current push start and end; both equal `position` for other operations. */
  dataStart = 0;
  dataEnd = 0;

  constructor(script: Uint8Array, position = 0, end = script.length) {
    this.script = script;
    this.end = end;
    this.position = position;
  }

  /** Steps to the next operation. False at the end of the script, and for a push that runs beyond it: `isAtEnd` tells which. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const opcode = this.script[this.position++]!;
    const length = opcode < Op.OP_PUSHDATA1 ? opcode : opcode <= Op.OP_PUSHDATA4 ? this.#pushLength(opcode) : 0;
    if (length < 0 || length > this.end - this.position) {
      this.opcode = Op.OP_INVALIDOPCODE;
      return false;
    }
    this.opcode = opcode;
    this.dataStart = this.position;
    this.position += length;
    this.dataEnd = this.position;
    return true;
  }

  /** The explicit length of OP_PUSHDATA1, 2 or 4; -1 where it is cut off. */
  #pushLength(opcode: number): number {
    const width = 1 << (opcode - Op.OP_PUSHDATA1);
    if (this.end - this.position < width) return -1;
    let length = 0;
    for (let i = width - 1; i >= 0; i--) length = length * 256 + this.script[this.position + i]!;
    this.position += width;
    return length;
  }

  get dataLength(): number {
    return this.dataEnd - this.dataStart;
  }

  /** The pushed bytes; a view. */
  data(): Uint8Array {
    return this.script.subarray(this.dataStart, this.dataEnd);
  }
}

/** Whether a script only pushes (OP_RESERVED counts as a push, as Core has it) and every push is whole. */
export function isPushOnly(script: Uint8Array, from = 0): boolean {
  const reader = new ScriptReader(script, from);
  while (reader.next()) if (reader.opcode > Op.OP_16) return false;
  return reader.opcode !== Op.OP_INVALIDOPCODE;
}

/** The script that pushes `data` by its length alone, without regard to OP_0 ... OP_16. */
export function pushOf(data: Uint8Array): Uint8Array {
  const length = data.length;
  const prefix =
    length < Op.OP_PUSHDATA1
      ? [length]
      : length <= 0xff
        ? [Op.OP_PUSHDATA1, length]
        : length <= 0xffff
          ? [Op.OP_PUSHDATA2, length & 0xff, length >>> 8]
          : [Op.OP_PUSHDATA4, length & 0xff, (length >>> 8) & 0xff, (length >>> 16) & 0xff, length >>> 24];
  const script = new Uint8Array(prefix.length + length);
  script.set(prefix);
  script.set(data, prefix.length);
  return script;
}

/** Whether `opcode` is the shortest way to push `length` bytes that start with `first`. */
export function isMinimalPush(opcode: number, length: number, first: number): boolean {
  if (length === 0) return opcode === Op.OP_0;
  if (length === 1 && first >= 1 && first <= 16) return false; // OP_1 to OP_16 do it; they are no data pushes.
  if (length === 1 && first === 0x81) return false; // OP_1NEGATE.
  if (length < Op.OP_PUSHDATA1) return opcode === length;
  if (length <= 0xff) return opcode === Op.OP_PUSHDATA1;
  if (length <= 0xffff) return opcode === Op.OP_PUSHDATA2;
  return true;
}
