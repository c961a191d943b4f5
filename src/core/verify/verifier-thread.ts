import { Worker } from "node:worker_threads";
import type { EngineName } from "./engine.ts";
import type { PostedPortion } from "./posted-portion.ts";

/** One verifier thread and the portions that it has been told of. It keeps the process alive only while it has some. */
export class VerifierThread {
  readonly #worker: Worker;
  /** In the order in which it reports them. */
  readonly #portions: PostedPortion[] = [];
  #isEnding = false;

  /**
   * @param file what the thread runs.
   * @param onReport it has found nothing left in that portion; with a cause: it has ended.
   * @param onEnd it has ended; `onReport` follows for all that it had.
   */
  constructor(
    file: URL,
    engine: EngineName,
    onReport: (portion: PostedPortion, cause?: unknown) => void,
    onEnd: (thread: VerifierThread) => void,
  ) {
    const worker = new Worker(file, { workerData: { engine }, name: "verifier" });
    this.#worker = worker;
    let cause: unknown;
    worker.unref();
    worker.on("message", () => {
      const portion = this.#portions.shift()!;
      if (this.#portions.length === 0 && !this.#isEnding) worker.unref();
      onReport(portion);
    });
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => {
      onEnd(this);
      for (const portion of this.#portions.splice(0)) onReport(portion, cause ?? new Error(`exit code ${code}`));
    });
  }

  /** Portions that it has not reported. */
  get load(): number {
    return this.#portions.length;
  }

  post(portion: PostedPortion): void {
    portion.noteThread();
    this.#portions.push(portion);
    this.#worker.ref();
    this.#worker.postMessage(portion.memory);
  }

  /** Keeps the process alive until the thread is gone, whatever it still reports. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }
}
