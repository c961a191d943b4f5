import { ChainCoreError } from "../errors.ts";
import type { SignatureEngine } from "./engine.ts";
import { verifyPart } from "./part.ts";
import { PartQueue, type PendingPart } from "./part-queue.ts";
import { headLength, portionLength } from "./portion.ts";
import { PostedPortion } from "./posted-portion.ts";
import { defaultSignatureEngine } from "./signature-engine.ts";
import { VerifiedCache } from "./verified-cache.ts";
import { VerifierThread } from "./verifier-thread.ts";
import { type Verdicts, VerifyCall, type VerifyJob } from "./verify-call.ts";

export interface VerifyOptions {
  /** Stops waiting; what no thread has begun is dropped. */
  readonly signal?: AbortSignal;
}

/** Runs scripts, on as many threads as it was given. */
export interface ScriptVerifier {
  /**
   * The verdict of each job, in order.
   * @throws ChainCoreError "verifier-closed"; "verifier-thread" for work that ended several threads.
   */
  verify(jobs: readonly VerifyJob[], options?: VerifyOptions): Promise<Verdicts>;
  /** Ends the threads. Calls under way are refused. */
  close(): Promise<void>;
}

export interface VerifierOptions {
  /** Threads, started when first needed; 0 works on the calling thread, which then does nothing else for up to SLICE_MS. */
  readonly workers: number;
  /** Transactions that are remembered to have passed: some 60 bytes each. */
  readonly rememberedMax?: number;
}

/** 6 MB of passed transactions. */
const REMEMBERED_MAX = 100_000;
/**
 * Inputs in a portion, long transactions counted for more: 6 ms of signatures for one thread. Verdicts come by portions, so that
 * what waits and what is under way makes four at least: the main thread goes on with the first while threads are at the others.
 */
const PORTION_COST_MAX = 64;
const PORTION_COST_MIN = 8;
const PORTIONS_MIN = 4;
/** Memory that is kept for portions: what PORTION_COST_MAX usual inputs take is half of it. */
const PORTION_BYTES = 32 * 1024;
/** Portions under way for each thread, so that threads go on while the main thread is busy: 50 ms of signatures. */
const PORTIONS_A_THREAD = 8;
/** So much work is worth one more thread: less would end before that one is awake. */
const THREAD_COST = 8;
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

/** Work waits as parts, which cost nothing but a reference; few portions, packed in memory that is used again, are under way. */
class ThreadedVerifier implements ScriptVerifier {
  readonly #workers: number;
  readonly #engine: SignatureEngine;
  readonly #threadFile: URL;
  readonly #verified: VerifiedCache;
  readonly #queue = new PartQueue();
  readonly #posted = new Set<PostedPortion>();
  /** What those were made for, in sum. */
  #postedCost = 0;
  /** Of portions that have ended. */
  readonly #memories: SharedArrayBuffer[] = [];
  #threads: VerifierThread[] = [];
  #isPumping = false;
  #isClosed = false;

  constructor({ workers, rememberedMax = REMEMBERED_MAX }: VerifierOptions, parts: VerifierParts) {
    this.#workers = workers;
    this.#engine = parts.engine ?? defaultSignatureEngine();
    this.#threadFile = parts.threadFile ?? THREAD_FILE;
    this.#verified = new VerifiedCache(rememberedMax);
  }

  async verify(jobs: readonly VerifyJob[], { signal }: VerifyOptions = {}): Promise<Verdicts> {
    if (this.#isClosed) throw closedError();
    signal?.throwIfAborted();
    const call = this.#enqueue(jobs);
    if (call === undefined) return jobs.map(() => undefined);
    this.#pump();
    const verdicts = await this.#outcomeOf(call, signal);
    jobs.forEach(({ tx, flags }, index) => {
      if (verdicts[index] === undefined) this.#verified.add(tx, flags);
    });
    return verdicts;
  }

  /** Undefined when nothing has to be run. */
  #enqueue(jobs: readonly VerifyJob[]): VerifyCall | undefined {
    let call: VerifyCall | undefined;
    jobs.forEach(({ tx, flags }, index) => {
      if (tx.inputCount === 0 || this.#verified.has(tx, flags)) return;
      call ??= new VerifyCall(jobs);
      const inputsMax = Math.max(PART_INPUTS_MIN, Math.ceil(tx.inputCount / (2 * Math.max(1, this.#workers))));
      call.eachPart(index, inputsMax, (part) => this.#queue.add(part));
    });
    return call;
  }

  async #outcomeOf(call: VerifyCall, signal: AbortSignal | undefined): Promise<Verdicts> {
    if (signal === undefined) return call.verdicts;
    const onAbort = () => {
      call.fail(signal.reason);
      for (const portion of this.#posted) portion.dropUnwanted();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await call.verdicts;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const part of this.#queue.takeAll()) part.fail(closedError());
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  /** At once if it is much, else after this turn of the event loop, so that calls that came together make one. */
  #pump(): void {
    if (this.#workers > 0 && this.#queue.cost >= PORTIONS_MIN * PORTION_COST_MAX) this.#feedThreads();
    if (this.#isPumping || this.#queue.cost === 0) return;
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
    this.#pump();
  }

  #feedThreads(): void {
    while (this.#queue.cost > 0 && this.#posted.size < PORTIONS_A_THREAD * this.#workers) {
      const fair = Math.ceil((this.#queue.cost + this.#postedCost) / PORTIONS_MIN);
      const cost = Math.min(PORTION_COST_MAX, Math.max(PORTION_COST_MIN, fair));
      const parts = this.#queue.take(cost, PORTION_BYTES - headLength(PORTION_COST_MAX));
      if (parts.length === 0) return; // Nobody wants what was left.
      try {
        this.#post(parts, cost);
      } catch (error) {
        for (const part of parts) part.fail(error); // No memory, or no thread: whoever waits hears of it.
      }
    }
  }

  #post(parts: readonly PendingPart[], cost: number): void {
    const threads = this.#threadsFor(cost);
    const portion = new PostedPortion(this.#memoryFor(portionLength(parts)), parts, cost);
    this.#posted.add(portion);
    this.#postedCost += cost;
    for (const thread of threads) thread.post(portion);
  }

  #memoryFor(length: number): SharedArrayBuffer {
    if (length <= PORTION_BYTES) return this.#memories.pop() ?? new SharedArrayBuffer(PORTION_BYTES);
    return new SharedArrayBuffer(length);
  }

  /** As many threads as the work is worth, those with the least to do. */
  #threadsFor(cost: number): readonly VerifierThread[] {
    while (this.#threads.length < this.#workers) this.#startThread();
    const count = Math.ceil(cost / THREAD_COST);
    if (count >= this.#threads.length) return this.#threads;
    return this.#threads.toSorted((a, b) => a.load - b.load).slice(0, count);
  }

  #startThread(): void {
    const thread = new VerifierThread(
      this.#threadFile,
      this.#engine.name,
      (portion, cause) => this.#noteEnd(portion, cause),
      (ended) => {
        this.#threads = this.#threads.filter((other) => other !== ended);
      },
    );
    this.#threads.push(thread);
  }

  /** One thread is done with a portion, or has ended over it. */
  #noteEnd(portion: PostedPortion, cause: unknown): void {
    if (!portion.noteEnd(cause)) return;
    this.#posted.delete(portion);
    this.#postedCost -= portion.cost;
    if (portion.memory.byteLength === PORTION_BYTES) this.#memories.push(portion.memory);
    this.#takeBack(portion.undone, portion.cause);
    this.#feedThreads();
  }

  /** What ended threads have left undone: other ones do it, unless it has been the last work of several. */
  #takeBack(undone: readonly PendingPart[], cause: unknown): void {
    const again: PendingPart[] = [];
    for (const part of undone) {
      part.losses++;
      if (this.#isClosed) part.fail(closedError());
      else if (part.losses >= LOSSES_MAX) part.fail(threadError(cause));
      else again.push(part);
    }
    if (again.length > 0) this.#queue.putBack(again);
  }
}

function closedError(): ChainCoreError {
  return new ChainCoreError("verifier-closed", "the script verifier has been closed");
}

function threadError(cause: unknown): ChainCoreError {
  return new ChainCoreError("verifier-thread", `${LOSSES_MAX} verifier threads ended over the same work`, { cause });
}
