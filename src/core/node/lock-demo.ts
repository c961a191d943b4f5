import type { LockDemoAnswer, LockSituation } from "../client/answers.ts";
import { ChainCoreError } from "../errors.ts";
import type { LockManager } from "../locks/manager.ts";
import type { Clock } from "../ports.ts";
import { LOCK_PLAYS } from "./lock-plays.ts";
import { LockStage } from "./lock-stage.ts";

/** What a play may move, of each of its locks. */
const FIGURES = ["acquisitions", "contentions", "timeouts", "deadlockAttempts", "orderViolations"] as const;

/**
 * Plays situations with locks in the lock space of a running node, on locks of their own (`demo-a` ...), and tells what the node
 * made of them. The node's locks are not touched; its counters of prevented deadlocks are, as they should be. A play ends within
 * seconds, for no wait in it is without a bound.
 */
export class LockDemo {
  readonly #locks: LockManager;
  readonly #clock: Clock;
  #isRunning = false;

  constructor(locks: LockManager, clock: Clock) {
    this.#locks = locks;
    this.#clock = clock;
  }

  /** @throws ChainCoreError unknown-situation, demo-running: its locks are in use by another play. */
  async play(situation: string): Promise<LockDemoAnswer> {
    if (!Object.hasOwn(LOCK_PLAYS, situation)) {
      const known = Object.keys(LOCK_PLAYS).join(", ");
      throw new ChainCoreError("unknown-situation", `there is no situation ${JSON.stringify(situation)}; there are: ${known}`);
    }
    if (this.#isRunning) throw new ChainCoreError("demo-running", "another demonstration is running on this node; try again");
    this.#isRunning = true;
    const unordered = this.#locks.withoutOrder();
    try {
      return await this.#play(situation as LockSituation, new LockStage(this.#locks, unordered, this.#clock));
    } finally {
      unordered.close();
      this.#isRunning = false;
    }
  }

  async #play(situation: LockSituation, stage: LockStage): Promise<LockDemoAnswer> {
    const before = this.#figures();
    const conclusion = await LOCK_PLAYS[situation](stage);
    const figures = [...this.#figures()]
      .map(([name, after]) => ({ name, before: before.get(name) ?? 0, after }))
      .filter((figure) => figure.after !== figure.before);
    return { situation, steps: stage.steps, refused: stage.refused, figures, conclusion };
  }

  #figures(): Map<string, number> {
    const figures = new Map([["deadlocks prevented on this node", this.#locks.deadlockStats().prevented]]);
    for (const lock of this.#locks.stats()) {
      if (lock.name.startsWith("demo-")) for (const name of FIGURES) figures.set(`${lock.name} ${wordsOf(name)}`, lock[name]);
    }
    return figures;
  }
}

/** deadlockAttempts: deadlock attempts. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
