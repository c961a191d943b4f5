import type { ScriptFailure } from "../script/verify-input.ts";
import type { Part } from "./batch.ts";

/** A part that waits for its verdict. */
export interface PendingPart extends Part {
  settle(verdict: ScriptFailure | undefined): void;
  /** No thread could be found that survives it. */
  fail(cause: unknown): void;
  /** Whether anybody still wants the verdict. */
  isWanted(): boolean;
  /** Threads that ended while they had it. */
  losses: number;
}

/** First come, first served; taking costs nothing for what stays. */
export class PartQueue {
  #parts: PendingPart[] = [];
  #next = 0;
  #inputs = 0;

  /** Inputs of all parts that wait. */
  get inputs(): number {
    return this.#inputs;
  }

  add(part: PendingPart): void {
    this.#parts.push(part);
    this.#inputs += part.to - part.from;
  }

  /** In front of all others, in this order. */
  putBack(parts: readonly PendingPart[]): void {
    this.#parts = [...parts, ...this.#parts.slice(this.#next)];
    this.#next = 0;
    for (const { from, to } of parts) this.#inputs += to - from;
  }

  /** Parts of at least `inputsMin` inputs together, or all; without those that nobody wants any more. */
  take(inputsMin: number): PendingPart[] {
    const taken: PendingPart[] = [];
    for (let inputs = 0; inputs < inputsMin && this.#next < this.#parts.length; ) {
      const part = this.#parts[this.#next++]!;
      this.#inputs -= part.to - part.from;
      if (!part.isWanted()) continue;
      inputs += part.to - part.from;
      taken.push(part);
    }
    if (this.#next === this.#parts.length) this.takeAll();
    return taken;
  }

  takeAll(): PendingPart[] {
    const rest = this.#parts.slice(this.#next);
    this.#parts = [];
    this.#next = 0;
    this.#inputs = 0;
    return rest;
  }
}
