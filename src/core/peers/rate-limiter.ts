import { assert } from "../errors.ts";
import type { Clock } from "../ports.ts";

export interface RateLimiterOptions {
  readonly requestsPerSecond: number;
  /** Tokens that a long pause saves up. */
  readonly burstSize: number;
}

interface Waiter {
  readonly grant: () => void;
  isGone: boolean;
}

/**
 * A token bucket: `burstSize` requests at once, `requestsPerSecond` on average. Who must wait is served in the order in
 * which they came. Tokens are computed from the monotonic clock since one fixed moment, so that none is lost to rounding
 * however long the bucket lives and however often it is asked.
 */
export class RateLimiter {
  readonly #rate: number;
  readonly #burst: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** When the bucket would have been empty, had all tokens so far been taken evenly: tokens = (now - emptyAt) * rate. */
  #emptyAtMs: number;
  readonly #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RateLimiterOptions, clock: Pick<Clock, "monotonicMs">) {
    assert(options.requestsPerSecond > 0 && options.burstSize >= 1, "a rate is above 0 and a burst at least 1");
    this.#rate = options.requestsPerSecond / 1000;
    this.#burst = options.burstSize;
    this.#clock = clock;
    this.#emptyAtMs = clock.monotonicMs() - this.#burst / this.#rate;
  }

  /** Tokens there now, a fraction included. */
  get tokens(): number {
    return Math.min(this.#burst, (this.#clock.monotonicMs() - this.#emptyAtMs) * this.#rate);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Milliseconds until a request that came now could go; for Retry-After. */
  get waitMs(): number {
    return Math.max(0, (this.#waiting.length + 1 - this.tokens) / this.#rate);
  }

  /** Takes a token now or not at all; never overtakes somebody who waits. */
  tryAcquire(): boolean {
    return this.#waiting.length === 0 && this.#take();
  }

  /** Takes a token, waiting up to `timeoutMs`; false when the wait would be longer. 0 answers at once. */
  async acquire(timeoutMs = 5000, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (this.tryAcquire()) return true;
    if (this.waitMs > timeoutMs) return false; // Known now: the bucket fills at a steady rate.
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = { grant: resolve, isGone: false };
    this.#waiting.push(waiter);
    this.#arm();
    const leave = (): void => {
      waiter.isGone = true;
      resolve();
    };
    signal?.addEventListener("abort", leave, { once: true });
    await promise;
    signal?.removeEventListener("abort", leave);
    if (waiter.isGone) this.#forget(waiter);
    signal?.throwIfAborted();
    return true;
  }

  #take(): boolean {
    const now = this.#clock.monotonicMs();
    // A full bucket takes no more: what is older than a burst is forfeited.
    this.#emptyAtMs = Math.max(this.#emptyAtMs, now - this.#burst / this.#rate);
    const next = this.#emptyAtMs + 1 / this.#rate;
    if (next > now + 1e-9) return false;
    this.#emptyAtMs = next;
    return true;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const untilNext = Math.max(0, (1 - this.tokens) / this.#rate);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      while (this.#waiting.length > 0 && this.#take()) this.#waiting.shift()!.grant();
      this.#arm();
    }, Math.ceil(untilNext));
  }

  #forget(waiter: Waiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (this.#waiting.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }
}
