import { type Invalid, invalid } from "../consensus/verdict.ts";
import { scriptErrorText } from "../script/script-error.ts";
import type { ScriptFailure } from "../script/verify-input.ts";
import type { ScriptVerifier } from "../verify/verifier.ts";
import type { VerifyJob } from "../verify/verify-call.ts";

/** Enough to keep the threads busy, and not so many that they wait for the first. */
const PORTION_JOBS = 256;

type Verdicts = readonly (ScriptFailure | undefined)[];

/**
 * The scripts of one block, handed to the verifier in portions while the block is still being read. End it with `finish` or
 * `abandon`.
 */
export class ScriptRun {
  readonly #verifier: ScriptVerifier;
  readonly #stop = new AbortController();
  readonly #portions: { readonly jobs: readonly VerifyJob[]; readonly verdicts: Promise<Verdicts> }[] = [];
  #next: VerifyJob[] = [];

  constructor(verifier: ScriptVerifier) {
    this.#verifier = verifier;
  }

  add(job: VerifyJob): void {
    this.#next.push(job);
    if (this.#next.length >= PORTION_JOBS) this.#send();
  }

  #send(): void {
    const jobs = this.#next;
    if (jobs.length === 0) return;
    this.#next = [];
    const verdicts = this.#verifier.verify(jobs, { signal: this.#stop.signal });
    verdicts.catch(() => undefined); // Whoever ends the run hears of it.
    this.#portions.push({ jobs, verdicts });
  }

  /** The first failure in the block's order. @throws what the verifier throws */
  async finish(): Promise<Invalid | undefined> {
    this.#send();
    for (const { jobs, verdicts } of this.#portions) {
      const found = (await verdicts).findIndex((failure) => failure !== undefined);
      if (found < 0) continue;
      await this.abandon();
      return describe(jobs[found]!, (await verdicts)[found]!);
    }
    return undefined;
  }

  /** The block is refused already: what is left need not be run. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#portions.map(({ verdicts }) => verdicts));
  }
}

function describe({ tx }: VerifyJob, { input, error }: ScriptFailure): Invalid {
  const { txid, vout } = tx.inputs[input]!;
  const detail = `input ${input} of ${tx.txid} (wtxid ${tx.wtxid}), spending ${txid}:${vout}`;
  return invalid(`block-script-verify-flag-failed (${scriptErrorText(error)})`, detail);
}
