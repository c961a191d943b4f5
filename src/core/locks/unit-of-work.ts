import type { Guard, Root } from "./context.ts";
import { type LevelName, LOCK_ORDER, type Mode } from "./levels.ts";
import type { AcquireOptions } from "./lock-core.ts";
import type { LockManager } from "./manager.ts";
import type { RwLock } from "./rwlock.ts";

/** One change and how to take it back. `undo` runs only if `run` ended well, and later steps did not. */
export interface UnitStep {
  readonly label: string;
  readonly run: () => void | Promise<void>;
  readonly undo: () => void | Promise<void>;
}

/** What became of a unit of work. */
export type UnitOutcome =
  | { readonly kind: "committed" }
  | {
      readonly kind: "rolled-back";
      /** Why: a step's own failure, or a DeadlockError, LockTimeoutError or abort while the locks were taken. */
      readonly cause: unknown;
      /** Steps that were undone, in the order in which that happened. */
      readonly undone: readonly string[];
      /** Undos that failed themselves; the others were attempted all the same. */
      readonly undoFailures: readonly { readonly label: string; readonly cause: unknown }[];
    };

type AnyLock = Pick<RwLock<LevelName>, "name" | "level" | "acquire">;

/**
 * Several changes under several locks, all or none (the guide's Transaction).
 *
 * Phase one takes every lock that was declared, in the order of levels and within a level by name, whatever the order of
 * declaration: two units can never wait for each other in a circle. Phase two runs the steps. If one fails, the steps that
 * ran are undone, last first, each attempted even when another undo fails. Locks are released last taken first, always.
 * For durability, let the last step be the store's batch: what it has written is not undone by us.
 */
export class UnitOfWork {
  readonly #manager: LockManager;
  readonly #label: string;
  readonly #locks = new Map<string, { readonly lock: AnyLock; mode: Mode }>();
  readonly #steps: UnitStep[] = [];

  constructor(manager: LockManager, label: string) {
    this.#manager = manager;
    this.#label = label;
  }

  /** Declares a lock; declared twice, for writing if either said so. */
  lock<N extends LevelName>(lock: RwLock<N>, mode: Mode): this {
    const known = this.#locks.get(lock.name);
    if (known === undefined) this.#locks.set(lock.name, { lock: lock as unknown as AnyLock, mode });
    else if (mode === "write") known.mode = "write";
    return this;
  }

  step(label: string, run: UnitStep["run"], undo: UnitStep["undo"] = () => {}): this {
    this.#steps.push({ label, run, undo });
    return this;
  }

  /** Runs it as a strand of its own. Never throws for a failed step: the outcome says so. */
  commit(options: AcquireOptions = {}): Promise<UnitOutcome> {
    return this.#manager.task(this.#label, (at) => this.commitAt(at, options));
  }

  /** Runs it on a strand that exists and holds nothing yet. */
  async commitAt(at: Root, options: AcquireOptions = {}): Promise<UnitOutcome> {
    const guards: Guard[] = [];
    try {
      for (const { lock, mode } of this.#inOrder()) {
        // Below: the order was made right above, which types cannot see.
        guards.push(await lock.acquire(at as never, mode, { site: this.#label, ...options }));
      }
      return await this.#runSteps();
    } catch (cause) {
      return { kind: "rolled-back", cause, undone: [], undoFailures: [] };
    } finally {
      for (const guard of guards.reverse()) guard.release();
    }
  }

  #inOrder(): readonly { readonly lock: AnyLock; readonly mode: Mode }[] {
    return [...this.#locks.values()].sort((a, b) => {
      const levels = LOCK_ORDER[a.lock.level] - LOCK_ORDER[b.lock.level];
      return levels !== 0 ? levels : a.lock.name < b.lock.name ? -1 : 1;
    });
  }

  async #runSteps(): Promise<UnitOutcome> {
    const executed: UnitStep[] = [];
    try {
      for (const step of this.#steps) {
        await step.run();
        executed.push(step);
      }
      return { kind: "committed" };
    } catch (cause) {
      return { kind: "rolled-back", cause, ...(await undoAll(executed)) };
    }
  }
}

async function undoAll(executed: readonly UnitStep[]) {
  const undone: string[] = [];
  const undoFailures: { label: string; cause: unknown }[] = [];
  for (const { label, undo } of executed.toReversed()) {
    try {
      await undo();
      undone.push(label);
    } catch (cause) {
      undoFailures.push({ label, cause });
    }
  }
  return { undone, undoFailures };
}
