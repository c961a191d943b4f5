import { assert } from "../errors.ts";
import { PAYLOAD, SCRIPT, SCRIPT_BYTES_MAX } from "./layout.ts";
import type { SharedWords } from "./shared-words.ts";

/**
 * How a script lies in a record: the common kinds as their hash or key alone (as Bitcoin Core compresses them), all
 * others as they are. One script has one form, so that equal words mean equal scripts.
 */
const RAW = 0;

interface Template {
  readonly prefix: Uint8Array;
  readonly payload: number;
  readonly suffix: Uint8Array;
}

/** By kind - 1: P2PKH, P2SH, P2WPKH, P2WSH, P2TR, P2PK (33 bytes) with 02, with 03. */
const TEMPLATES: readonly Template[] = [
  template([0x76, 0xa9, 20], 20, [0x88, 0xac]),
  template([0xa9, 20], 20, [0x87]),
  template([0x00, 20], 20, []),
  template([0x00, 32], 32, []),
  template([0x51, 32], 32, []),
  template([33, 0x02], 32, [0xac]),
  template([33, 0x03], 32, [0xac]),
];

function template(prefix: readonly number[], payload: number, suffix: readonly number[]): Template {
  return { prefix: Uint8Array.from(prefix), payload, suffix: Uint8Array.from(suffix) };
}

/** Which template `script` fits, counted from 1, or RAW. Their lengths and first bytes tell most apart at once. */
function kindOf(script: Uint8Array): number {
  const first = script[0];
  switch (script.length) {
    case 25:
      return first === 0x76 && fits(script, 1) ? 1 : RAW;
    case 23:
      return first === 0xa9 && fits(script, 2) ? 2 : RAW;
    case 22:
      return first === 0x00 && fits(script, 3) ? 3 : RAW;
    case 34:
      return first === 0x00 && fits(script, 4) ? 4 : first === 0x51 && fits(script, 5) ? 5 : RAW;
    case 35:
      return first !== 33 ? RAW : fits(script, 6) ? 6 : fits(script, 7) ? 7 : RAW;
    default:
      return RAW;
  }
}

function fits(script: Uint8Array, kind: number): boolean {
  const { prefix, payload, suffix } = TEMPLATES[kind - 1]!;
  for (let i = 0; i < prefix.length; i++) if (script[i] !== prefix[i]) return false;
  for (let i = 0; i < suffix.length; i++) if (script[prefix.length + payload + i] !== suffix[i]) return false;
  return true;
}

/** Words that the SCRIPT word and the payload of `script` take together. */
export function scriptWords(script: Uint8Array): number {
  const kind = kindOf(script);
  return 1 + ((kind === RAW ? script.length + 3 : TEMPLATES[kind - 1]!.payload) >>> 2);
}

/** Writes SCRIPT and the payload of a record at `record`; returns how many words they take together. */
export function writeScript(words: Int32Array, record: number, script: Uint8Array): number {
  assert(script.length <= SCRIPT_BYTES_MAX, `a script of ${script.length} bytes cannot be spent and is no coin's`);
  const kind = kindOf(script);
  const start = kind === RAW ? 0 : TEMPLATES[kind - 1]!.prefix.length;
  const length = kind === RAW ? script.length : TEMPLATES[kind - 1]!.payload;
  words[record + SCRIPT] = kind | (length << 8);
  const end = start + length;
  let at = record + PAYLOAD;
  for (let i = start; i < end; i += 4) {
    // Bytes at or after `end` count as 0: the last word of a raw script is filled up.
    const b1 = i + 1 < end ? script[i + 1]! : 0;
    const b2 = i + 2 < end ? script[i + 2]! : 0;
    const b3 = i + 3 < end ? script[i + 3]! : 0;
    words[at++] = script[i]! | (b1 << 8) | (b2 << 16) | (b3 << 24);
  }
  return 1 + ((length + 3) >>> 2);
}

/** The script of the record at `record`, made anew. A record that was reused under a revoked reader gives nonsense, no crash. */
export function readScript({ words, bytes }: SharedWords, record: number): Uint8Array {
  const word = words[record + SCRIPT]!;
  const length = Math.min((word >>> 8) & 0xffff, SCRIPT_BYTES_MAX);
  const at = (record + PAYLOAD) * 4;
  const template = TEMPLATES[(word & 0xff) - 1];
  if (template === undefined) return bytes.slice(at, at + length);
  const { prefix, suffix } = template;
  const script = new Uint8Array(prefix.length + length + suffix.length);
  script.set(prefix);
  script.set(bytes.subarray(at, at + length), prefix.length);
  script.set(suffix, prefix.length + length);
  return script;
}

/** Words of SCRIPT and payload of the record at `record`. */
export function scriptWordsAt(words: Int32Array, record: number): number {
  return 1 + ((((words[record + SCRIPT]! >>> 8) & 0xffff) + 3) >>> 2);
}
