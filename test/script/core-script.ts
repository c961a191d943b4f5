import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { Op } from "../../src/core/script/opcodes.ts";
import { encodeNumber } from "../../src/core/script/script-number.ts";
import { pushOf } from "../../src/core/script/script-reader.ts";

const WORDS = new Map<string, number>();
for (const [name, code] of Object.entries(Op)) {
  if (code > Op.OP_1NEGATE - 1 && !/^OP_\d+$/.test(name)) WORDS.set(name, code).set(name.replace(/^OP_/, ""), code);
}

/** A script in the notation of Bitcoin Core's vectors: numbers, 'text', 0x raw bytes, operations with or without OP_. */
export function parseScript(text: string): Uint8Array {
  const words = text.split(/[ \t\n]+/).filter((word) => word !== "");
  return Buffer.concat(words.map(parseWord));
}

function parseWord(word: string): Uint8Array {
  if (/^-?\d+$/.test(word)) return pushNumber(Number(word));
  if (word.startsWith("0x")) return hexToBytes(word.slice(2));
  if (/^'.*'$/.test(word)) return pushOf(Buffer.from(word.slice(1, -1), "latin1"));
  const opcode = WORDS.get(word);
  if (opcode === undefined) throw new Error(`no word of script: ${word}`);
  return Uint8Array.of(opcode);
}

function pushNumber(value: number): Uint8Array {
  if (value === -1) return Uint8Array.of(Op.OP_1NEGATE);
  if (value >= 1 && value <= 16) return Uint8Array.of(Op.OP_1 + value - 1);
  return pushOf(encodeNumber(value));
}
