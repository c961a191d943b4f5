/**
 * Long work on the event loop gives way to others: `if (turns.isDue) await turns.give();` between two of its steps. What the
 * work reads must be its own or under a lock, for anything may run meanwhile.
 */
export class Turns {
  readonly #sliceMs: number;
  #until: number;

  /** Each turn of this work takes about so long. */
  constructor(sliceMs = SLICE_MS) {
    this.#sliceMs = sliceMs;
    this.#until = performance.now() + sliceMs;
  }

  get isDue(): boolean {
    return performance.now() >= this.#until;
  }

  /** Lets everybody else have a turn. */
  async give(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#until = performance.now() + this.#sliceMs;
  }
}

/** A tenth of the delay that the event loop may have (50 ms at p99), so that two such pieces of work and a busy machine fit. */
const SLICE_MS = 5;
