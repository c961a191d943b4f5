import { compactSizeLength } from "../encoding/compact-size.ts";
import { sha256d } from "../encoding/hash.ts";
import { Writer } from "../encoding/writer.ts";
import { Sighash, type SighashCache, writeAmount } from "./sighash-cache.ts";

const ZERO = new Uint8Array(32);

/**
 * The hash that a signature of a version 0 witness program signs (BIP143).
 * @param scriptCode from the last executed OP_CODESEPARATOR on.
 */
export function sighashSegwit(cache: SighashCache, index: number, scriptCode: Uint8Array, hashType: number): Uint8Array {
  const { tx } = cache;
  const base = hashType & 0x1f;
  const isAlone = (hashType & Sighash.ANYONECANPAY) !== 0;
  const isPartial = base === Sighash.SINGLE || base === Sighash.NONE;
  const prefixLength = compactSizeLength(scriptCode.length);
  const preimage = Buffer.allocUnsafe(156 + prefixLength + scriptCode.length);
  preimage.writeUInt32LE(tx.version, 0);
  preimage.set(isAlone ? ZERO : cache.prevoutsDouble, 4);
  preimage.set(isAlone || isPartial ? ZERO : cache.sequencesDouble, 36);
  preimage.set(cache.prevout(index), 68);
  if (prefixLength === 1) preimage[104] = scriptCode.length;
  else preimage.set(new Writer(16).compactSize(scriptCode.length).finish(), 104);
  preimage.set(scriptCode, 104 + prefixLength);
  const at = 104 + prefixLength + scriptCode.length;
  writeAmount(preimage, at, cache.spent[index]!.value);
  preimage.writeUInt32LE(tx.sequence(index), at + 8);
  preimage.set(outputsHash(cache, index, base), at + 12);
  preimage.writeUInt32LE(tx.lockTime, at + 44);
  preimage.writeInt32LE(hashType | 0, at + 48);
  return sha256d(preimage);
}

function outputsHash(cache: SighashCache, index: number, base: number): Uint8Array {
  if (base === Sighash.NONE) return ZERO;
  if (base !== Sighash.SINGLE) return cache.outputsDouble;
  return index < cache.tx.outputCount ? sha256d(cache.output(index)) : ZERO;
}
