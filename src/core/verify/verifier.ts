import { ChainCoreError } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { ScriptFlags } from "../script/flags.ts";
import type { ScriptFailure } from "../script/verify-input.ts";
import { verifyPart } from "./batch.ts";
import type { SignatureEngine } from "./engine.ts";
import { PartQueue, type PendingPart } from "./part-queue.ts";
import { defaultSignatureEngine } from "./signature-engine.ts";
import { VerifiedCache } from "./verified-cache.ts";
import { VerifierThread } from "./verifier-thread.ts";

/** One transaction with all that its scripts look at. */
export interface VerifyJob {
  readonly tx: Transaction;
  /** What the inputs spend, in their order. */
  readonly spent: readonly Coin[];
  readonly flags: ScriptFlags;
}

export interface VerifyOptions {
  /** Stops waiting; what no thread has begun is dropped. */
  readonly signal?: AbortSignal;
}

/** Runs scripts, on as many threads as it was given. */
export interface ScriptVerifier {
  /**
   * The verdict of each job, in order: its first input that fails, or undefined.
   * @throws ChainCoreError "verifier-closed"; "verifier-thread" for work that ended several threads.
   */
  verify(jobs: readonly VerifyJob[], options?: VerifyOptions): Promise<readonly (ScriptFailure | undefined)[]>;
  /** Ends the threads. Calls under way are refused. */
  close(): Promise<void>;
}

export interface VerifierOptions {
  /** Threads, started when first needed; 0 works on the calling thread, which then does nothing else for up to SLICE_MS. */
  readonly workers: number;
  /** Transactions that are remembered to have passed: some 200 bytes each. */
  readonly rememberedMax?: number;
}

/** 20 MB of passed transactions. */
const REMEMBERED_MAX = 100_000;
/** Inputs in a batch, long transactions counted for more: enough to make a message cheap (0.3 us a job), few enough to spread a block over all threads. */
const BATCH_COST_MIN = 8;
const BATCH_COST_MAX = 64;
/** So little is done here rather than sent: a message to a thread and back costs as much as a signature. */
const INLINE_COST = 2;
/** A transaction with more inputs is shared among threads. */
const PART_INPUTS_MIN = 128;
/** Threads that one part may bring down before it is given up. */
const LOSSES_MAX = 3;
/** Beside this file: compiled, or as it is in a checkout, where Node strips the types. */
const THREAD_FILE = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
/** With no threads the event loop gets its turn after so long. */
const SLICE_MS = 5;

export interface VerifierParts {
  /** The fastest that this machine has, unless told. */
  readonly engine?: SignatureEngine;
  /** What threads run, unless told; for tests of threads that die. */
  readonly threadFile?: URL;
}

/** Makes a verifier; nothing is started yet. */
export function createVerifier(options: VerifierOptions, parts: VerifierParts = {}): ScriptVerifier {
  return new ThreadedVerifier(options, parts);
}

/** Work waits as parts, which cost nothing but a reference; at most two packed batches a thread are under way. */
class ThreadedVerifier implements ScriptVerifier {
  readonly #workers: number;
  readonly #engine: SignatureEngine;
  readonly #threadFile: URL;
  readonly #verified: VerifiedCache;
  readonly #queue = new PartQueue();
  #threads: VerifierThread[] = [];
  #isPumping = false;
  #isClosed = false;

  constructor({ workers, rememberedMax = REMEMBERED_MAX }: VerifierOptions, parts: VerifierParts) {
    this.#workers = workers;
    this.#engine = parts.engine ?? defaultSignatureEngine();
    this.#threadFile = parts.threadFile ?? THREAD_FILE;
    this.#verified = new VerifiedCache(rememberedMax);
  }

  async verify(jobs: readonly VerifyJob[], { signal }: VerifyOptions = {}): Promise<readonly (ScriptFailure | undefined)[]> {
    if (this.#isClosed) throw closedError();
    signal?.throwIfAborted();
    const todo = jobs.map(({ tx, flags }) => tx.inputCount > 0 && !this.#verified.has(tx.wtxid, flags));
    const pending = Promise.all(jobs.map((job, i) => (todo[i] ? this.#enqueue(job, signal) : undefined)));
    const verdicts = await (signal === undefined ? pending : untilAborted(pending, signal));
    jobs.forEach(({ tx, flags }, i) => {
      if (todo[i] && verdicts[i] === undefined) this.#verified.add(tx.wtxid, flags);
    });
    return verdicts;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const part of this.#queue.takeAll()) part.fail(closedError());
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  /** Splits a job into parts and waits for all of them; the first input that fails counts. */
  #enqueue({ tx, spent, flags }: VerifyJob, signal: AbortSignal | undefined): Promise<ScriptFailure | undefined> {
    return new Promise((resolve, reject) => {
      const size = Math.max(PART_INPUTS_MIN, Math.ceil(tx.inputCount / (2 * Math.max(1, this.#workers))));
      let missing = Math.ceil(tx.inputCount / size);
      let first: ScriptFailure | undefined;
      const settle = (verdict: ScriptFailure | undefined) => {
        if (verdict !== undefined && (first === undefined || verdict.input < first.input)) first = verdict;
        if (--missing === 0) resolve(first);
      };
      const shared = { tx, spent, flags, settle, fail: reject, isWanted: () => signal?.aborted !== true };
      for (let from = 0; from < tx.inputCount; from += size) {
        this.#queue.add({ ...shared, from, to: Math.min(from + size, tx.inputCount), losses: 0 });
      }
      this.#pumpSoon();
    });
  }

  /** After this turn of the event loop, so that calls that came together make one batch. */
  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      if (this.#workers === 0 || this.#queue.cost <= INLINE_COST) this.#workHere();
      else this.#feedThreads();
    });
  }

  #workHere(): void {
    const until = performance.now() + SLICE_MS;
    while (this.#queue.cost > 0 && performance.now() < until) {
      for (const part of this.#queue.take(1)) part.settle(verifyPart(part, this.#engine));
    }
    if (this.#queue.cost > 0) this.#pumpSoon();
  }

  #feedThreads(): void {
    if (this.#queue.cost === 0) return;
    while (this.#threads.length < this.#workers) this.#startThread();
    const fair = Math.ceil(this.#queue.cost / (2 * this.#workers));
    const batchCost = Math.min(BATCH_COST_MAX, Math.max(BATCH_COST_MIN, fair));
    for (const thread of this.#threads) {
      while (thread.hasRoom && this.#queue.cost > 0) thread.post(this.#queue.take(batchCost));
    }
  }

  #startThread(): void {
    const thread = new VerifierThread(
      this.#threadFile,
      this.#engine.name,
      () => this.#feedThreads(),
      (undone, cause) => {
        this.#threads = this.#threads.filter((other) => other !== thread);
        this.#takeBack(undone, cause);
      },
    );
    this.#threads.push(thread);
  }

  /** The work of a thread that has ended: another one does it, unless it has been the last work of several. */
  #takeBack(undone: readonly PendingPart[], cause: unknown): void {
    const again: PendingPart[] = [];
    for (const part of undone) {
      part.losses++;
      if (this.#isClosed) part.fail(closedError());
      else if (part.losses >= LOSSES_MAX) part.fail(threadError(cause));
      else again.push(part);
    }
    this.#queue.putBack(again);
    if (again.length > 0) this.#feedThreads();
  }
}

/** Settles with `promise`, or rejects when the signal fires. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort!);
  }
}

function closedError(): ChainCoreError {
  return new ChainCoreError("verifier-closed", "the script verifier has been closed");
}

function threadError(cause: unknown): ChainCoreError {
  return new ChainCoreError("verifier-thread", `${LOSSES_MAX} verifier threads ended over the same work`, { cause });
}
