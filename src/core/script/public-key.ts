import { Flag, type ScriptFlags } from "./flags.ts";
import type { ScriptError } from "./script-error.ts";

/** Bytes that a key has that starts so: 33, 65, or 0 for no key. Whether it lies on the curve is the engine's question. */
export function keyLength(first: number | undefined): number {
  if (first === 2 || first === 3) return 33;
  return first === 4 || first === 6 || first === 7 ? 65 : 0;
}

/** Whether the length fits the first byte; hybrid forms (06, 07) included. */
export function isKeySized(key: Uint8Array): boolean {
  return key.length > 0 && key.length === keyLength(key[0]);
}

export function isCompressed(key: Uint8Array): boolean {
  return key.length === 33 && (key[0] === 2 || key[0] === 3);
}

function isStandardForm(key: Uint8Array): boolean {
  return isCompressed(key) || (key.length === 65 && key[0] === 4);
}

/** What the flags ask of a key's form. */
export function checkKeyEncoding(key: Uint8Array, flags: ScriptFlags, isWitness: boolean): ScriptError {
  if ((flags & Flag.STRICTENC) !== 0 && !isStandardForm(key)) return "PUBKEYTYPE";
  if ((flags & Flag.WITNESS_PUBKEYTYPE) !== 0 && isWitness && !isCompressed(key)) return "WITNESS_PUBKEYTYPE";
  return "OK";
}
