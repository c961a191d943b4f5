import { Transaction } from "../primitives/transaction.ts";
import { STANDARD_FLAGS } from "../script/flags.ts";
import type { SignatureChecker } from "../script/signature-checker.ts";
import { verifyTransaction } from "../script/verify-input.ts";
import { defaultSignatureEngine } from "../verify/signature-engine.ts";
import { nsPerCall } from "./measure.ts";
import { type BenchRow, type Goal, median, row } from "./report.ts";
import { type SignedSpend, SPEND_KINDS, type SpendKind, signedSpend } from "./signed-spends.ts";

/** Transactions of one kind, each with two inputs and two outputs. */
const TRANSACTIONS = 50;
const INPUTS = 2;

/** Says yes at once: what is left is everything but signatures. */
const FREE: SignatureChecker = { ecdsa: () => true, schnorr: () => true, isTweaked: () => true };

/** The main path of store.md's goal. */
const OUTSIDE_GOALS: Partial<Record<SpendKind, Goal>> = { P2WPKH: { on: "value", sign: "<=", bound: 25 } };

/** Inputs a second of one thread by kind of output, from raw bytes to the verdict, and what of it is not signatures. */
export async function rows(): Promise<readonly BenchRow[]> {
  return SPEND_KINDS.flatMap(rowsOf);
}

function rowsOf(kind: SpendKind): readonly BenchRow[] {
  const engine = defaultSignatureEngine();
  const spends = Array.from({ length: TRANSACTIONS }, (_, seed) => signedSpend(kind, INPUTS, seed));
  const all = nsPerCall(() => verifyAll(spends, engine), 1).map((ns) => ns / (TRANSACTIONS * INPUTS));
  const outside = nsPerCall(() => verifyAll(spends, FREE), 20).map((ns) => ns / (TRANSACTIONS * INPUTS) / 1000);
  const signatures = (1000 * 1e6) / (median(all) - 1000 * median(outside));
  return [
    row({
      name: `${kind}: inputs a second and core`,
      unit: "inputs/s",
      samples: all.map((ns) => 1e9 / ns),
      reference: { name: `signatures alone (${engine.name})`, value: signatures },
    }),
    row({ name: `${kind}: outside signatures`, unit: "us/input", samples: outside, goal: OUTSIDE_GOALS[kind] }),
  ];
}

function verifyAll(spends: readonly SignedSpend[], checker: SignatureChecker): void {
  for (const { tx, spent } of spends) {
    const failure = verifyTransaction(Transaction.decode(tx.raw), spent, STANDARD_FLAGS, checker);
    if (failure !== undefined) throw new Error(`a spend that should hold fails: ${failure.error}`);
  }
}
