import type { ScriptFailure } from "../script/verify-input.ts";
import { type Part, packedLength } from "./part.ts";

/** A part that waits for its verdict. */
export interface PendingPart extends Part {
  settle(verdict: ScriptFailure | undefined): void;
  /** No thread could be found that survives it. */
  fail(cause: unknown): void;
  /** Whether anybody still wants the verdict. */
  readonly isWanted: boolean;
  /** Threads that ended while they had it. */
  losses: number;
}

/** Bytes of transaction that count like an input: scripts of a kilobyte can keep a thread busy for as long as a few signatures. */
const BYTES_PER_COST = 1_000;

/** How much work a part may be, in inputs of the usual kind. */
function costOf({ tx, from, to }: Part): number {
  return to - from + Math.floor(tx.size / BYTES_PER_COST);
}

/** First come, first served; taking costs nothing for what stays. */
export class PartQueue {
  #parts: PendingPart[] = [];
  #next = 0;
  #cost = 0;

  /** Of all parts that wait; 0 only when none does. */
  get cost(): number {
    return this.#cost;
  }

  add(part: PendingPart): void {
    this.#parts.push(part);
    this.#cost += costOf(part);
  }

  /** In front of all others, in this order. */
  putBack(parts: readonly PendingPart[]): void {
    this.#parts = [...parts, ...this.#parts.slice(this.#next)];
    this.#next = 0;
    for (const part of parts) this.#cost += costOf(part);
  }

  /**
   * Parts of at least `costMin` together, or all; none but the first if it makes them longer than `bytesMax` when packed; without
   * those that nobody wants any more.
   */
  take(costMin: number, bytesMax = Number.POSITIVE_INFINITY): PendingPart[] {
    const taken: PendingPart[] = [];
    let bytes = 0;
    for (let cost = 0; cost < costMin && this.#next < this.#parts.length; this.#next++) {
      const part = this.#parts[this.#next]!;
      if (part.isWanted) {
        bytes += packedLength(part);
        if (taken.length > 0 && bytes > bytesMax) break;
        taken.push(part);
        cost += costOf(part);
      }
      this.#cost -= costOf(part);
    }
    if (this.#next === this.#parts.length) this.takeAll();
    return taken;
  }

  takeAll(): PendingPart[] {
    const rest = this.#parts.slice(this.#next);
    this.#parts = [];
    this.#next = 0;
    this.#cost = 0;
    return rest;
  }
}
