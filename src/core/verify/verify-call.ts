import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";
import type { ScriptFailure } from "../script/verify-input.ts";
import type { PendingPart } from "./part-queue.ts";

/** One transaction with all that its scripts look at. */
export interface VerifyJob {
  readonly tx: Transaction;
  /** What the inputs spend, in their order. */
  readonly spent: readonly Coin[];
  readonly flags: ScriptFlags;
}

/** By job: its first input that fails, or undefined. */
export type Verdicts = readonly (ScriptFailure | undefined)[];

/** The jobs of one call whose parts are under way. */
export class VerifyCall {
  readonly #jobs: readonly VerifyJob[];
  readonly #verdicts: (ScriptFailure | undefined)[];
  readonly #outcome = Promise.withResolvers<Verdicts>();
  #missing = 0;
  #isWanted = true;

  constructor(jobs: readonly VerifyJob[]) {
    this.#jobs = jobs;
    this.#verdicts = jobs.map(() => undefined);
  }

  /** When all parts have their verdicts, or the call has failed. */
  get verdicts(): Promise<Verdicts> {
    return this.#outcome.promise;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Job `index` in parts of at most `inputsMax` inputs. */
  eachPart(index: number, inputsMax: number, take: (part: PendingPart) => void): void {
    const job = this.#jobs[index]!;
    const { inputCount } = job.tx;
    for (let from = 0; from < inputCount; from += inputsMax) {
      this.#missing++;
      take(new CallPart(this, job, index, from, Math.min(from + inputsMax, inputCount)));
    }
  }

  /** The first input of a job that fails counts, whichever is known first. */
  settle(index: number, verdict: ScriptFailure | undefined): void {
    const known = this.#verdicts[index];
    if (verdict !== undefined && (known === undefined || verdict.input < known.input)) this.#verdicts[index] = verdict;
    if (--this.#missing === 0) this.#outcome.resolve(this.#verdicts);
  }

  /** Gives the call up: what has not begun need not. */
  fail(cause: unknown): void {
    this.#isWanted = false;
    this.#outcome.reject(cause);
  }
}

class CallPart implements PendingPart {
  readonly tx: Transaction;
  readonly spent: readonly Coin[];
  readonly flags: ScriptFlags;
  readonly from: number;
  readonly to: number;
  losses = 0;
  readonly #call: VerifyCall;
  readonly #index: number;

  constructor(call: VerifyCall, { tx, spent, flags }: VerifyJob, index: number, from: number, to: number) {
    this.tx = tx;
    this.spent = spent;
    this.flags = flags;
    this.from = from;
    this.to = to;
    this.#call = call;
    this.#index = index;
  }

  get isWanted(): boolean {
    return this.#call.isWanted;
  }

  settle(verdict: ScriptFailure | undefined): void {
    this.#call.settle(this.#index, verdict);
  }

  fail(cause: unknown): void {
    this.#call.fail(cause);
  }
}
