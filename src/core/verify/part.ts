import { Reader } from "../encoding/reader.ts";
import { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";
import { SighashCache, type SpentOutput } from "../script/sighash-cache.ts";
import type { SignatureChecker } from "../script/signature-checker.ts";
import { type ScriptFailure, verifyInput } from "../script/verify-input.ts";

/** Inputs `from` to before `to` of a transaction. */
export interface Part {
  readonly tx: Transaction;
  /** Of all inputs: signatures may sign all of them. */
  readonly spent: readonly SpentOutput[];
  readonly flags: ScriptFlags;
  readonly from: number;
  readonly to: number;
}

/** The first input of a part whose scripts fail. */
export function verifyPart({ tx, spent, flags, from, to }: Part, checker: SignatureChecker): ScriptFailure | undefined {
  const sighashes = new SighashCache(tx, spent);
  for (let input = from; input < to; input++) {
    const error = verifyInput(tx, input, spent, flags, checker, sighashes);
    if (error !== "OK") return { input, error };
  }
  return undefined;
}

/** flags, from, to, length of the transaction. */
const HEAD_LENGTH = 16;
/** Value and length of a script. */
const SPENT_LENGTH = 12;

/** Bytes that `packPart` writes. */
export function packedLength({ tx, spent }: Part): number {
  let length = HEAD_LENGTH + tx.size + spent.length * SPENT_LENGTH;
  for (const { script } of spent) length += script.length;
  return length;
}

/** Writes a part where `view` and `bytes`, the same memory, have room for it at `start`. */
export function packPart({ tx, spent, flags, from, to }: Part, bytes: Uint8Array, view: DataView, start: number): void {
  view.setUint32(start, flags, true);
  view.setUint32(start + 4, from, true);
  view.setUint32(start + 8, to, true);
  view.setUint32(start + 12, tx.size, true);
  bytes.set(tx.raw, start + HEAD_LENGTH);
  let at = start + HEAD_LENGTH + tx.size;
  for (const { value, script } of spent) {
    const high = Math.floor(value / 0x1_0000_0000);
    view.setUint32(at, value - high * 0x1_0000_0000, true);
    view.setInt32(at + 4, high, true);
    view.setUint32(at + 8, script.length, true);
    bytes.set(script, at + SPENT_LENGTH);
    at += SPENT_LENGTH + script.length;
  }
}

/** The part that stands in the first `end` bytes, as views of them. */
export function unpackPart(bytes: Uint8Array, end: number): Part {
  const reader = new Reader(bytes, 0, end);
  const [flags, from, to] = [reader.u32(), reader.u32(), reader.u32()];
  const tx = Transaction.decode(reader.bytes(reader.u32()));
  const spent: SpentOutput[] = [];
  while (reader.remaining > 0) {
    const value = reader.i64();
    spent.push({ value, script: reader.bytes(reader.u32()) });
  }
  return { tx, spent, flags, from, to };
}
