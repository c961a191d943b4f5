import { ChainCoreError } from "../errors.ts";

/** One link of a cycle: this owner waits for this lock, which the next owner keeps from it. */
export interface CycleStep {
  readonly owner: string;
  readonly waitsFor: string;
  readonly mode: "read" | "write";
  readonly site: string;
}

const describe = (steps: readonly CycleStep[]): string =>
  steps
    .map(
      (step) =>
        `${step.owner} waits for ${step.waitsFor === "" ? "its branches" : `"${step.waitsFor}" (${step.mode}, at ${step.site})`}`,
    )
    .join("; ");

/** The request would have closed a cycle of waits. It was refused; the others go on. Roll back, release, and try again if you like. */
export class DeadlockError extends ChainCoreError {
  readonly cycle: readonly CycleStep[];

  constructor(cycle: readonly CycleStep[]) {
    super("lock-deadlock", `Deadlock detected: ${describe(cycle)}; the first was refused`, { detail: { cycle } });
    this.cycle = cycle;
  }
}

/** A lock of the strand and where it was taken. */
export interface HeldSite {
  readonly lock: string;
  readonly level: number;
  readonly site: string;
}

/** The order of levels, or an order of two locks seen before, would have been turned round. Nothing was attempted. */
export class LockOrderError extends ChainCoreError {
  constructor(wanted: HeldSite, held: HeldSite, reason: string) {
    const name = (place: HeldSite) => `"${place.lock}" (level ${place.level}, at ${place.site})`;
    super("lock-order", `Deadlock detected: ${name(wanted)} must not be taken while ${name(held)} is held: ${reason}`, {
      detail: { wanted, held, reason },
    });
  }
}

/** The lock did not come free in time; nothing is left in its queue. */
export class LockTimeoutError extends ChainCoreError {
  constructor(lock: string, mode: string, site: string, timeoutMs: number, holders: readonly string[]) {
    const by = holders.length === 0 ? "" : `; held by ${holders.join(", ")}`;
    super("lock-timeout", `Lock "${lock}" (${mode}, at ${site}) did not come free within ${timeoutMs} ms${by}`, {
      detail: { lock, mode, site, timeoutMs, holders },
    });
  }
}

/** A writer died inside the lock: what it guards may be torn, and a writer has to repair it first. */
export class LockPoisonedError extends ChainCoreError {
  constructor(lock: string) {
    super("lock-poisoned", `Lock "${lock}" is poisoned: its last writer died inside; repair what it guards, then clear it`, {
      detail: { lock },
    });
  }
}

/** The space was made for fewer locks, owners or threads than are in use. */
export class LockCapacityError extends ChainCoreError {
  constructor(what: "locks" | "owners" | "threads" | "names" | "held locks", capacity: number) {
    super("lock-capacity", `All ${capacity} ${what} of the lock space are in use`, { detail: { what, capacity } });
  }
}
