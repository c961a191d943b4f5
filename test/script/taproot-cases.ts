import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { Reader } from "../../src/core/encoding/reader.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { parseFlags, type ScriptFlags } from "../../src/core/script/flags.ts";
import type { SpentOutput } from "../../src/core/script/sighash-cache.ts";
import { testLines } from "../support/test-data.ts";

interface Unlocking {
  readonly scriptSig: string;
  readonly witness: readonly string[];
}

export interface TaprootLine {
  readonly tx: string;
  readonly prevouts: readonly string[];
  readonly index: number;
  readonly flags: string;
  readonly comment: string;
  /** Passes under every set of flags, not only under subsets of `flags`. */
  readonly final?: boolean;
  readonly success: Unlocking;
  readonly failure?: Unlocking;
}

export interface TaprootCase {
  readonly comment: string;
  readonly flags: ScriptFlags;
  readonly isFinal: boolean;
  readonly index: number;
  readonly spent: readonly SpentOutput[];
  readonly success: Transaction;
  readonly failure: Transaction | undefined;
}

export function taprootCases(): readonly TaprootLine[] {
  return testLines<TaprootLine>("vectors/taproot-ref.jsonl.gz");
}

export function readTaprootCase(line: TaprootLine): TaprootCase {
  const tx = Transaction.decode(hexToBytes(line.tx));
  return {
    comment: line.comment,
    flags: parseFlags(line.flags)!,
    isFinal: line.final === true,
    index: line.index,
    spent: line.prevouts.map((hex) => {
      const reader = new Reader(hexToBytes(hex));
      return { value: reader.i64(), script: reader.varBytes() };
    }),
    success: unlock(tx, line.index, line.success),
    failure: line.failure === undefined ? undefined : unlock(tx, line.index, line.failure),
  };
}

function unlock(tx: Transaction, index: number, { scriptSig, witness }: Unlocking): Transaction {
  const inputs = tx.inputs.map((input, i) =>
    i === index ? { ...input, scriptSig: hexToBytes(scriptSig), witness: witness.map(hexToBytes) } : input,
  );
  return Transaction.build({ version: tx.version, lockTime: tx.lockTime, inputs, outputs: tx.outputs });
}
