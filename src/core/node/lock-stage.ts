import type { LockDemoAnswer } from "../client/answers.ts";
import { ChainCoreError } from "../errors.ts";
import { contextOf, type LockContext, type Root } from "../locks/context.ts";
import type { LevelName } from "../locks/levels.ts";
import type { LockManager } from "../locks/manager.ts";
import type { RwLock } from "../locks/rwlock.ts";
import type { Clock } from "../ports.ts";

/** No strand of a play waits longer than this for anything, so that every play ends. */
const WAIT_MS = 2_000;

/** What a play with locks needs: locks of its own in the node's space, strands, and a record of what happens. */
export class LockStage {
  /** The node's own manager: as every lock of a node is used. */
  readonly ordered: LockManager;
  /** The same space with the order of levels switched off, so that cycles can form at all. */
  readonly unordered: LockManager;
  readonly steps: LockDemoAnswer["steps"][number][] = [];
  readonly refused: LockDemoAnswer["refused"][number][] = [];
  readonly #clock: Clock;
  readonly #startedMs: number;

  constructor(ordered: LockManager, unordered: LockManager, clock: Clock) {
    this.ordered = ordered;
    this.unordered = unordered;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  nowMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  say(strand: string, text: string): void {
    this.steps.push({ ms: Math.round(this.nowMs() * 1000) / 1000, strand, text });
  }

  /** Runs a strand to its end, whatever that is; what the locks refused is written down in their words. */
  async strand(name: string, locks: LockManager, act: (at: Root) => Promise<void>): Promise<void> {
    try {
      await locks.task(name, act);
    } catch (error) {
      if (!(error instanceof ChainCoreError)) throw error;
      this.refused.push({ strand: name, code: error.code, message: error.message });
    }
  }

  /** Takes a lock whatever the strand holds: the compiler, which would refuse a wrong order, is told of an empty hand. */
  async take(strand: string, at: LockContext, lock: RwLock<LevelName>, site: string) {
    this.say(strand, `asks for ${lock.name}`);
    try {
      const guard = await lock.acquire(contextOf<Root>(at.owner), "write", { site, timeoutMs: WAIT_MS });
      this.say(strand, `has ${lock.name}`);
      return guard;
    } catch (error) {
      this.say(strand, "is refused, and gives back what it holds");
      throw error;
    }
  }
}

/** A place where so many meet: each call resolves when all have come, or when it has taken too long. */
export function meetingOf(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = setTimeout(resolve, WAIT_MS);
  let missing = count;
  return () => {
    if (--missing === 0) {
      clearTimeout(late);
      resolve();
    }
    return promise;
  };
}
