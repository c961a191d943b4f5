import { cycleSteps, holdsOf, lockName, ownerName, waitOf } from "./describe.ts";
import { HEADER, OWNER, ownerAt } from "./layout.ts";
import type { LockPolicy } from "./policy.ts";
import type { LockSpace } from "./space.ts";
import { cycleOf, isInCycle } from "./wait-graph.ts";
import { refuseVictim } from "./wait-queue.ts";

/** How often "held since" is brought up to date, and long holds are looked for. */
const TICK_MS = 250;
/** A hold longer than this is worth a warning, once. */
const LONG_HOLD_MS = 5_000;

/** What looks after the locks of a space from time to time, on the thread that shows them. */
export class Monitor {
  readonly #space: LockSpace;
  readonly #policy: LockPolicy;
  #ticker: NodeJS.Timeout | undefined;
  #checker: NodeJS.Timeout | undefined;
  /** Holds warned of: owner, its generation, place in time. */
  readonly #warned = new Set<string>();

  constructor(space: LockSpace, policy: LockPolicy) {
    this.#space = space;
    this.#policy = policy;
  }

  start(): void {
    if (this.#ticker !== undefined) return;
    this.#space.tick();
    this.#ticker = setInterval(() => this.tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#ticker);
    clearInterval(this.#checker);
    this.#ticker = undefined;
    this.#checker = undefined;
  }

  /** Sets the clock, and warns of locks held for long. */
  tick(now: number = this.#space.tick()): void {
    const { layout, records } = this.#space;
    const high = Atomics.load(layout.words, HEADER.OWNERS_HIGH);
    const still = new Set<string>();
    for (let owner = 0; owner < high; owner++) {
      if (layout.words[ownerAt(layout, owner) + OWNER.THREAD] === 0) continue;
      for (const { lock, mode, record, since } of holdsOf(this.#space, owner)) {
        const heldMs = (now - since) | 0;
        if (since === 0 || heldMs <= LONG_HOLD_MS) continue;
        const key = `${owner} ${layout.words[ownerAt(layout, owner) + OWNER.GENERATION]} ${lock} ${since}`;
        still.add(key);
        if (this.#warned.has(key)) continue;
        const warning = {
          lock: lockName(this.#space, lock),
          mode,
          owner: ownerName(this.#space, owner),
          site: records.siteOf(record),
          heldMs,
        };
        this.#policy.warn({ kind: "long-hold", ...warning });
      }
    }
    this.#warned.clear();
    for (const key of still) this.#warned.add(key);
  }

  /** Looks for cycles every so often; 0 or Infinity stops it. Needed only where detection before each wait is off. */
  checkEvery(ms: number): void {
    clearInterval(this.#checker);
    this.#checker = ms > 0 && ms < 2 ** 31 ? setInterval(() => this.checkCycles(), ms).unref() : undefined;
  }

  /** Looks for a cycle among all that wait, and refuses the one of its waits that began last. */
  checkCycles(): void {
    const space = this.#space;
    const { layout } = space;
    space.withGraph(() => {
      const high = Atomics.load(layout.words, HEADER.OWNERS_HIGH);
      for (let owner = 0; owner < high; owner++) {
        const wait = waitOf(space, owner);
        if (wait === undefined || !isInCycle(layout, space.search, owner)) continue;
        const steps = cycleSteps(space, wait);
        const ticket = (of: number) => layout.words[ownerAt(layout, of) + OWNER.TICKET]!;
        const waiting = cycleOf(space.search).filter((of) => waitOf(space, of) !== undefined);
        const victim = waiting.reduce((latest, of) => (((ticket(of) - ticket(latest)) | 0) > 0 ? of : latest));
        Atomics.add(layout.words, HEADER.FOUND, 1);
        refuseVictim(layout, victim, space.woken);
        const chain = steps.map((step) => `${step.owner} waits for "${step.waitsFor}"`).join("; ");
        const text = `Deadlock detected: ${chain}; the last to wait was refused`;
        // A moment later: who hears it may want the mutex that is held here.
        queueMicrotask(() => this.#policy.warn({ kind: "cycle", text }));
      }
    });
  }
}
