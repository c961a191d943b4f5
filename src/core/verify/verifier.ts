import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";
import type { ScriptFailure } from "../script/verify-input.ts";

/** One transaction with all that its scripts look at. */
export interface VerifyJob {
  readonly tx: Transaction;
  /** What the inputs spend, in their order. */
  readonly spent: readonly Coin[];
  readonly flags: ScriptFlags;
}

/** Runs scripts, on as many threads as it was given. */
export interface ScriptVerifier {
  /** The verdict of each job, in order: its first input that fails, or undefined. */
  verify(jobs: readonly VerifyJob[]): Promise<readonly (ScriptFailure | undefined)[]>;
  /** Ends the threads. Jobs under way are refused. */
  close(): Promise<void>;
}
