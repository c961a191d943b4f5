import { sha256, taggedHash } from "../encoding/hash.ts";
import { Writer } from "../encoding/writer.ts";
import { Sighash, type SighashCache } from "./sighash-cache.ts";

/** What a signature in a script path signs besides (BIP342). */
export interface LeafContext {
  readonly leafHash: Uint8Array;
  /** Count of operations before the last executed OP_CODESEPARATOR; 0xffffffff without one. */
  readonly separatorPosition: number;
}

/**
 * The hash that a BIP340 signature signs (BIP341, BIP342); undefined for a hash type that does not exist or that asks for
 * an output that does not.
 * @param annexHash SHA-256 of the annex with its length, where there is one.
 * @param leaf for the script path.
 */
export function sighashTaproot(
  cache: SighashCache,
  index: number,
  hashType: number,
  annexHash: Uint8Array | undefined,
  leaf: LeafContext | undefined,
): Uint8Array | undefined {
  const { tx } = cache;
  if (hashType > 0x03 && (hashType < 0x81 || hashType > 0x83)) return undefined;
  const base = hashType === Sighash.DEFAULT ? Sighash.ALL : hashType & 0x03;
  const isAlone = (hashType & Sighash.ANYONECANPAY) !== 0;
  if (base === Sighash.SINGLE && index >= tx.outputCount) return undefined;
  const writer = new Writer(256).u8(0).u8(hashType).u32(tx.version).u32(tx.lockTime);
  if (!isAlone)
    writer.bytes(cache.prevoutsSingle).bytes(cache.amountsSingle).bytes(cache.scriptsSingle).bytes(cache.sequencesSingle);
  if (base === Sighash.ALL) writer.bytes(cache.outputsSingle);
  writer.u8((leaf === undefined ? 0 : 2) + (annexHash === undefined ? 0 : 1));
  if (isAlone) {
    const { value, script } = cache.spent[index]!;
    writer.bytes(cache.prevout(index)).i64(value).varBytes(script).u32(tx.sequence(index));
  } else writer.u32(index);
  if (annexHash !== undefined) writer.bytes(annexHash);
  if (base === Sighash.SINGLE) writer.bytes(sha256(cache.output(index)));
  if (leaf !== undefined) writer.bytes(leaf.leafHash).u8(0).u32(leaf.separatorPosition);
  return taggedHash("TapSighash", writer.finish());
}
