export interface TurnLimits {
  readonly maxConnections: number;
  readonly maxPerHost: number;
}

/** Whose turns are counted: a pool's host. */
export interface TurnTaker {
  busy: number;
  waiting: number;
}

interface Waiter {
  readonly host: TurnTaker;
  readonly grant: () => void;
}

/**
 * Who may use a connection now, and who waits: first come, first served, but for those whose host is full, whom others pass.
 * A turn is counted when it is granted, not when its owner wakes, so nobody comes in between. After each call, nobody who waits
 * could be served: that is why a newcomer who fits may go ahead.
 */
export class ConnectionTurns {
  readonly #limits: TurnLimits;
  readonly #waiting: Waiter[] = [];
  #busy = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Turns that are taken, of all hosts. */
  get busy(): number {
    return this.#busy;
  }

  /** Waits for a turn; `give` it back afterwards. @throws the signal's reason: then no turn was taken */
  async take(host: TurnTaker, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#fits(host)) {
      this.#grant(host);
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { host, grant: resolve };
    const leave = () => {
      const at = this.#waiting.indexOf(waiter);
      if (at < 0) return; // Its turn has come already.
      this.#waiting.splice(at, 1);
      host.waiting--;
      reject(signal.reason);
    };
    this.#waiting.push(waiter);
    host.waiting++;
    signal.addEventListener("abort", leave, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", leave));
  }

  give(host: TurnTaker): void {
    host.busy--;
    this.#busy--;
    const at = this.#waiting.findIndex((waiter) => this.#fits(waiter.host));
    if (at < 0) return;
    const [next] = this.#waiting.splice(at, 1);
    next!.host.waiting--;
    this.#grant(next!.host);
    next!.grant();
  }

  #fits({ busy }: TurnTaker): boolean {
    return busy < this.#limits.maxPerHost && this.#busy < this.#limits.maxConnections;
  }

  #grant(host: TurnTaker): void {
    host.busy++;
    this.#busy++;
  }
}
