import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";
import { SCRIPT_ERRORS } from "../script/script-error.ts";
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

/** Parts as bytes that can be given away to another thread. */
export function packBatch(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const writer = new Writer(400 * parts.length).u32(parts.length);
  for (const { tx, spent, flags, from, to } of parts) {
    writer.u32(flags).u32(from).u32(to).varBytes(tx.raw).u32(spent.length);
    for (const { value, script } of spent) writer.i64(value).varBytes(script);
  }
  return writer.finish() as Uint8Array<ArrayBuffer>;
}

export function unpackBatch(bytes: Uint8Array): readonly Part[] {
  const reader = new Reader(bytes);
  return Array.from({ length: reader.u32() }, () => {
    const [flags, from, to] = [reader.u32(), reader.u32(), reader.u32()];
    const tx = Transaction.decode(reader.varBytes());
    const spent = Array.from({ length: reader.u32() }, () => ({ value: reader.i64(), script: reader.varBytes() }));
    return { tx, spent, flags, from, to };
  });
}

/** Two numbers a part: the input and the index of its error, or -1 and 0. */
export function packVerdicts(verdicts: readonly (ScriptFailure | undefined)[]): Int32Array<ArrayBuffer> {
  const numbers = new Int32Array(2 * verdicts.length);
  verdicts.forEach((verdict, i) => {
    numbers[2 * i] = verdict?.input ?? -1;
    numbers[2 * i + 1] = verdict === undefined ? 0 : SCRIPT_ERRORS.indexOf(verdict.error);
  });
  return numbers;
}

export function unpackVerdict(numbers: Int32Array, index: number): ScriptFailure | undefined {
  const input = numbers[2 * index]!;
  return input < 0 ? undefined : { input, error: SCRIPT_ERRORS[numbers[2 * index + 1]!]! };
}
