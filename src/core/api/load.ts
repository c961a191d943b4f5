import type { RpcObserver } from "./json-rpc.ts";

/** Calls are counted by the second; the rate is over this many full seconds. */
const WINDOW_SECONDS = 10;

/** How many calls were answered, in all and lately. */
export class LoadMeter implements RpcObserver {
  readonly #nowMs: () => number;
  readonly #byMethod = new Map<string, { calls: number; errors: number; seconds: number }>();
  /** Calls in the second whose number is in #stamps, at second % (window + 1). */
  readonly #counts = new Array<number>(WINDOW_SECONDS + 1).fill(0);
  readonly #stamps = new Array<number>(WINDOW_SECONDS + 1).fill(-1);
  #total = 0;

  /** `nowMs` is a clock that never steps back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  finished(method: string, durationMs: number, ok: boolean): void {
    const entry = this.#byMethod.get(method) ?? { calls: 0, errors: 0, seconds: 0 };
    this.#byMethod.set(method, entry);
    entry.calls++;
    entry.seconds += durationMs / 1000;
    if (!ok) entry.errors++;
    this.#total++;
    const second = Math.floor(this.#nowMs() / 1000);
    const at = second % this.#stamps.length;
    if (this.#stamps[at] !== second) this.#counts[at] = 0;
    this.#stamps[at] = second;
    this.#counts[at]!++;
  }

  get total(): number {
    return this.#total;
  }

  /** Calls per second over the last ten full seconds. */
  get perSecond(): number {
    const now = Math.floor(this.#nowMs() / 1000);
    const recent = this.#counts.filter((_, at) => this.#stamps[at]! < now && this.#stamps[at]! >= now - WINDOW_SECONDS);
    return recent.reduce((sum, count) => sum + count, 0) / WINDOW_SECONDS;
  }

  methods(): Iterable<readonly [string, { readonly calls: number; readonly errors: number; readonly seconds: number }]> {
    return this.#byMethod;
  }
}
