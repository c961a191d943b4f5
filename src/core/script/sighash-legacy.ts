import { compactSizeLength } from "../encoding/compact-size.ts";
import { sha256d } from "../encoding/hash.ts";
import { Writer } from "../encoding/writer.ts";
import { Op } from "./opcodes.ts";
import { ScriptReader } from "./script-reader.ts";
import { Sighash, type SighashCache } from "./sighash-cache.ts";

/** What SIGHASH_SINGLE without an output of that index signs: the number one, as Bitcoin has always had it. */
const ONE = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
/** An output that SIGHASH_SINGLE blanks: value -1, no script. */
const BLANK_OUTPUT = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0);

/**
 * The hash that a signature of a script before segwit signs: the transaction with the script in place of the input's scriptSig.
 * @param scriptCode from the last OP_CODESEPARATOR on, the signature itself deleted.
 * @param hashType 32 bits; signatures carry 8 of them.
 */
export function sighashLegacy(cache: SighashCache, index: number, scriptCode: Uint8Array, hashType: number): Uint8Array {
  const base = hashType & 0x1f;
  if (base === Sighash.SINGLE && index >= cache.tx.outputCount) return ONE;
  const script = withoutSeparators(scriptCode);
  const isWhole = base !== Sighash.SINGLE && base !== Sighash.NONE && (hashType & Sighash.ANYONECANPAY) === 0;
  return sha256d(isWhole ? wholePreimage(cache, index, script, hashType) : partialPreimage(cache, index, script, hashType));
}

/** A script with its length in front, as hashed; the length may lie, see withoutSeparators. */
interface HashedScript {
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** SIGHASH_ALL, and every undefined type, which acts like it. */
function wholePreimage(cache: SighashCache, index: number, script: HashedScript, hashType: number): Uint8Array {
  const template = cache.legacyTemplate;
  const at = 4 + compactSizeLength(cache.tx.inputCount) + 41 * index + 36;
  const prefix = new Writer(9).compactSize(script.length).finish();
  const preimage = Buffer.concat([template.subarray(0, at), prefix, script.bytes, template.subarray(at + 1)]);
  preimage.writeInt32LE(hashType | 0, preimage.length - 4);
  return preimage;
}

function partialPreimage(cache: SighashCache, index: number, script: HashedScript, hashType: number): Uint8Array {
  const { tx } = cache;
  const base = hashType & 0x1f;
  const isAlone = (hashType & Sighash.ANYONECANPAY) !== 0;
  const writer = new Writer(tx.raw.length).u32(tx.version).compactSize(isAlone ? 1 : tx.inputCount);
  for (let i = isAlone ? index : 0; i < (isAlone ? index + 1 : tx.inputCount); i++) {
    writer.bytes(cache.prevout(i));
    if (i === index) writer.compactSize(script.length).bytes(script.bytes).u32(tx.sequence(i));
    else writer.u8(0).u32(base === Sighash.SINGLE || base === Sighash.NONE ? 0 : tx.sequence(i));
  }
  if (base === Sighash.NONE) writer.compactSize(0);
  else if (base === Sighash.SINGLE) {
    writer.compactSize(index + 1);
    for (let i = 0; i < index; i++) writer.bytes(BLANK_OUTPUT);
    writer.bytes(cache.output(index));
  } else writer.compactSize(tx.outputCount).bytes(cache.outputs());
  return writer
    .u32(tx.lockTime)
    .i32(hashType | 0)
    .finish();
}

/**
 * The script as the hash sees it: without OP_CODESEPARATORs. Where a push runs beyond the end, Bitcoin Core hashes the full
 * length but only the bytes before the missing data; such a script fails anyway, but its errors come in the same order here.
 */
function withoutSeparators(script: Uint8Array): HashedScript {
  const parts: Uint8Array[] = [];
  const reader = new ScriptReader(script);
  let from = 0;
  while (reader.next()) {
    if (reader.opcode !== Op.OP_CODESEPARATOR) continue;
    parts.push(script.subarray(from, reader.position - 1));
    from = reader.position;
  }
  const removed = parts.length;
  const rest = script.subarray(from, reader.position);
  return { length: script.length - removed, bytes: removed === 0 ? rest : Buffer.concat([...parts, rest]) };
}

/**
 * Removes every occurrence of `pattern` that starts where an operation starts; returns `script` itself where there is none.
 * Bitcoin once let signatures sign scripts that contain them.
 */
export function findAndDelete(script: Uint8Array, pattern: Uint8Array): Uint8Array {
  if (pattern.length === 0 || Buffer.from(script.buffer, script.byteOffset, script.length).indexOf(pattern) < 0) return script;
  const kept: Uint8Array[] = [];
  const reader = new ScriptReader(script);
  let from = 0;
  let found = false;
  do {
    kept.push(script.subarray(from, reader.position));
    while (startsWith(script, reader.position, pattern)) {
      reader.position += pattern.length;
      found = true;
    }
    from = reader.position;
  } while (reader.next());
  if (!found) return script;
  kept.push(script.subarray(from));
  return Buffer.concat(kept);
}

function startsWith(script: Uint8Array, at: number, pattern: Uint8Array): boolean {
  if (script.length - at < pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) if (script[at + i] !== pattern[i]) return false;
  return true;
}
