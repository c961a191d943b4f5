import type { Mode } from "./levels.ts";
import type { LockCore } from "./lock-core.ts";
import type { Owner } from "./owner.ts";

/** The run-time side of a Guard. */
export class HeldGuard {
  readonly owner: Owner;
  readonly mode: Mode;
  readonly poisoned: boolean;
  readonly #lock: LockCore;
  readonly #place: number;
  #released = false;

  constructor(lock: LockCore, owner: Owner, place: number, mode: Mode, poisoned: boolean) {
    this.#lock = lock;
    this.owner = owner;
    this.#place = place;
    this.mode = mode;
    this.poisoned = poisoned;
  }

  fork(label?: string): Owner {
    return this.owner.fork(label);
  }

  clearPoison(): void {
    if (!this.#released && this.mode === "write") this.#lock.clearPoison();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#lock.giveBack(this.owner, this.#place);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
