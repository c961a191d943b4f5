/** Steps that take longer than this are told of, and then as often. */
const EVERY_MS = 1_000;

/** Tells of steps that take long: nothing within the first second, then a sentence a second at most. */
export class Progress {
  readonly #tell: (sentence: string) => void;
  readonly #nowMs: () => number;
  #nextMs: number;

  constructor(tell: (sentence: string) => void, nowMs: () => number) {
    this.#tell = tell;
    this.#nowMs = nowMs;
    this.#nextMs = nowMs() + EVERY_MS;
  }

  /** @param sentence made only when it is told. */
  say(sentence: () => string): void {
    const nowMs = this.#nowMs();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    this.#tell(sentence());
  }
}
