import type { Owner } from "./owner.ts";

/** Something that is not wrong yet: for a log line. */
export type LockWarning =
  | {
      readonly kind: "long-hold";
      readonly lock: string;
      readonly mode: string;
      readonly owner: string;
      readonly site: string;
      readonly heldMs: number;
    }
  | { readonly kind: "deep-nesting"; readonly owner: string; readonly locks: readonly string[] }
  | { readonly kind: "input-output"; readonly owner: string; readonly what: string; readonly locks: readonly string[] }
  | { readonly kind: "leaked"; readonly owner: string; readonly locks: readonly string[] }
  /** A cycle that the periodic check had to break. */
  | { readonly kind: "cycle"; readonly text: string }
  /** One that was refused before it closed. */
  | { readonly kind: "deadlock"; readonly text: string };

/** Nested locks that are still good style. */
const NESTING_MAX = 2;

/** What all locks of a manager share. */
export class LockPolicy {
  defaultTimeoutMs = 30_000;
  /** Look for cycles before each wait. Off: only the periodic check finds them. */
  detect = true;
  /** Off, steps down are counted and taken: for showing what detection does without the order. Never in a node. */
  enforceOrder = true;
  /** Off: acquisitions are not counted, holds not timed. For measuring what they cost. */
  statistics = true;
  /** Warn of deep nesting and of input and output under a lock; keep stacks with sites. */
  debug: boolean;
  /** Locks that are held across disk writes by design. */
  readonly #spanning = new Set<string>();
  readonly #warn: (warning: LockWarning) => void;
  /** A warning is given once for each text, not once for each acquisition. */
  readonly #given = new Set<string>();

  constructor(debug: boolean, warn: (warning: LockWarning) => void) {
    this.debug = debug;
    this.#warn = warn;
  }

  warn(warning: LockWarning): void {
    this.#warn(warning);
  }

  /** A request of this thread would have closed a cycle. Told a moment later: the graph mutex is held where that is found out. */
  noteDeadlock(text: string): void {
    queueMicrotask(() => this.#warn({ kind: "deadlock", text }));
  }

  noteNesting(owner: Owner): void {
    const locks = owner.heldLocks();
    if (locks.length <= NESTING_MAX) return;
    this.#once({ kind: "deep-nesting", owner: owner.label, locks: locks.map((held) => `${held.lock} at ${held.site}`) });
  }

  /** This lock may be held while the disk is waited for: what it guards is what is written. */
  allowInputOutput(lock: string): void {
    this.#spanning.add(lock);
  }

  /** For code about to touch disk or network: warns in debug mode if the strand holds a lock that is not held across that by design. */
  noteInputOutput(owner: Owner, what: string): void {
    if (!this.debug) return;
    const held = owner.heldLocks().filter(({ lock }) => !this.#spanning.has(lock));
    if (held.length === 0) return;
    this.#once({ kind: "input-output", owner: owner.label, what, locks: held.map(({ lock, site }) => `${lock} at ${site}`) });
  }

  #once(warning: LockWarning): void {
    const text = JSON.stringify(warning);
    if (this.#given.has(text) || this.#given.size > 1000) return;
    this.#given.add(text);
    this.#warn(warning);
  }
}
