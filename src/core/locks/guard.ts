import type { Mode } from "./levels.ts";
import { type LockCore, NESTED } from "./lock-core.ts";
import type { Owner } from "./owner.ts";

const RELEASED = -3;

/** The run-time side of a Guard. Small: it is made anew for each acquisition. */
export class HeldGuard {
  readonly owner: Owner;
  readonly #lock: LockCore;
  #place: number;

  constructor(lock: LockCore, owner: Owner, place: number) {
    this.#lock = lock;
    this.owner = owner;
    this.#place = place;
  }

  get mode(): Mode {
    return this.#place >= 0 ? this.owner.holds[this.#place]!.mode : "read";
  }

  get poisoned(): boolean {
    return this.#place >= 0 && this.mode === "write" && this.#lock.isPoisoned;
  }

  fork(label?: string): Owner {
    return this.owner.fork(label);
  }

  clearPoison(): void {
    if (this.poisoned) this.#lock.clearPoison();
  }

  release(): void {
    const place = this.#place;
    this.#place = RELEASED;
    if (place >= 0 || place === NESTED) this.#lock.giveBack(this.owner, place);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
