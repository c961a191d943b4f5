import type { PendingPart } from "./part-queue.ts";
import { Portion } from "./portion.ts";

/** A portion that threads work on, as the main thread keeps it. */
export class PostedPortion {
  readonly memory: SharedArrayBuffer;
  /** How much work it was made for. */
  readonly cost: number;
  readonly #portion: Portion;
  readonly #parts: readonly PendingPart[];
  /** Parts whose verdicts have not been given on. */
  #open: readonly number[];
  /** Threads that have it and have not reported. */
  #threads = 0;
  #cause: unknown;

  /** Writes `parts` into `memory`, which is long enough (portionLength). */
  constructor(memory: SharedArrayBuffer, parts: readonly PendingPart[], cost: number) {
    this.memory = memory;
    this.cost = cost;
    this.#portion = new Portion(memory);
    this.#portion.fill(parts);
    this.#parts = parts;
    this.#open = parts.map((_, index) => index);
  }

  /** One more thread is told of it. */
  noteThread(): void {
    this.#threads++;
  }

  /** A thread has found no part left, or has ended (`cause`). What is done is given on. Returns whether no thread has it any more. */
  noteEnd(cause?: unknown): boolean {
    if (cause !== undefined) this.#cause = cause;
    this.#threads--;
    this.#open = this.#open.filter((index) => {
      if (!this.#portion.isDone(index)) return true;
      this.#parts[index]!.settle(this.#portion.verdict(index));
      return false;
    });
    return this.#threads === 0;
  }

  /** Spares the threads what nobody wants any more. */
  dropUnwanted(): void {
    for (const index of this.#open) if (!this.#parts[index]!.isWanted) this.#portion.drop(index);
  }

  /** What ended threads have left undone; once no thread has it. */
  get undone(): readonly PendingPart[] {
    return this.#open.map((index) => this.#parts[index]!).filter((part) => part.isWanted);
  }

  /** Why a thread ended. */
  get cause(): unknown {
    return this.#cause;
  }
}
