import { randomFillSync } from "node:crypto";
import type { Clock, Entropy } from "../ports.ts";

/** The machine's clock, whose wall time `setmocktime` may replace. Durations never use the mock. */
export class SystemClock implements Clock {
  #mockSeconds: number | undefined;

  /** Seconds since 1970 that `nowMs` shall say from now on; undefined or 0 for the real time again. */
  setMock(seconds: number | undefined): void {
    this.#mockSeconds = seconds === 0 ? undefined : seconds;
  }

  get mockSeconds(): number | undefined {
    return this.#mockSeconds;
  }

  nowMs(): number {
    return this.#mockSeconds === undefined ? Date.now() : this.#mockSeconds * 1000;
  }

  monotonicMs(): number {
    return performance.now();
  }
}

export const systemEntropy: Entropy = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
};
