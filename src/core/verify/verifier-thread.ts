import { Worker } from "node:worker_threads";
import { packBatch, unpackVerdict } from "./batch.ts";
import type { EngineName } from "./engine.ts";
import type { PendingPart } from "./part-queue.ts";

/** Packed batches that a thread has: one that it works on and one that waits, so that it never runs dry. */
const BATCHES_MAX = 2;

/** One verifier thread and what it has been given. It keeps the process alive only while it has work. */
export class VerifierThread {
  readonly #worker: Worker;
  readonly #batches: (readonly PendingPart[])[] = [];

  /**
   * @param file what the thread runs.
   * @param onReady a batch is done: there is room for another one.
   * @param onEnd the thread is gone, with these parts undone.
   */
  constructor(
    file: URL,
    engine: EngineName,
    onReady: () => void,
    onEnd: (undone: readonly PendingPart[], cause: unknown) => void,
  ) {
    const worker = new Worker(file, { workerData: { engine }, name: "verifier" });
    this.#worker = worker;
    let cause: unknown;
    worker.unref();
    worker.on("message", (verdicts: Int32Array) => {
      const parts = this.#batches.shift()!;
      if (this.#batches.length === 0) worker.unref();
      for (const [i, part] of parts.entries()) part.settle(unpackVerdict(verdicts, i));
      onReady();
    });
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => onEnd(this.#batches.splice(0).flat(), cause ?? new Error(`exit code ${code}`)));
  }

  get hasRoom(): boolean {
    return this.#batches.length < BATCHES_MAX;
  }

  post(parts: readonly PendingPart[]): void {
    if (parts.length === 0) return;
    const bytes = packBatch(parts);
    this.#batches.push(parts);
    this.#worker.ref();
    this.#worker.postMessage(bytes, [bytes.buffer]);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
