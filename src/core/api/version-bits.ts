import type { BlockView } from "./ports.ts";

/** Rules that miners switch on by setting a bit in their blocks' versions (BIP9). */
export interface Deployment {
  readonly bit: number;
  /** Median time past from which on the bit counts. */
  readonly startTime: number;
  readonly periodBlocks: number;
  /** Blocks of a period that must signal. */
  readonly threshold: number;
}

/** Regtest has one, which changes nothing: for tests of this very machinery. It never times out. */
export const TEST_DUMMY: Deployment = { bit: 28, startTime: 0, periodBlocks: 144, threshold: 108 };

export type DeploymentState = "defined" | "started" | "locked_in" | "active";

/** The three highest bits of a version that signals. */
const TOP_BITS = 0x20000000;
const TOP_MASK = 0xe0000000;

/** Follows one deployment along the chain; states are remembered by the block that ends a period. */
export class VersionBits {
  readonly deployment: Deployment;
  readonly #states = new WeakMap<BlockView, DeploymentState>();

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  /** The state of the block behind `parent`; it is the same all through a period. */
  stateAfter(parent: BlockView | undefined): DeploymentState {
    const pending: BlockView[] = [];
    let at = this.#periodEnd(parent);
    while (at !== undefined && !this.#states.has(at)) {
      pending.push(at);
      at = at.ancestor(at.height - this.deployment.periodBlocks);
    }
    let state = at === undefined ? "defined" : this.#states.get(at)!;
    for (const end of pending.reverse()) {
      state = this.#next(state, end);
      this.#states.set(end, state);
    }
    return state;
  }

  /** The height at which the state of the block behind `parent` began. */
  sinceAfter(parent: BlockView | undefined): number {
    const state = this.stateAfter(parent);
    let end = this.#periodEnd(parent);
    if (state === "defined" || end === undefined) return 0;
    for (;;) {
      const before: BlockView | undefined = end.ancestor(end.height - this.deployment.periodBlocks);
      if (before === undefined || this.stateAfter(before) !== state) return end.height + 1;
      end = before;
    }
  }

  /** For each block of the period up to `last`, whether it signals. */
  signals(last: BlockView): readonly boolean[] {
    const first = last.height - (last.height % this.deployment.periodBlocks);
    return Array.from({ length: last.height - first + 1 }, (_, i) => this.#isSignalling(last.ancestor(first + i)!));
  }

  /** The version that a new block behind `parent` should have. */
  versionAfter(parent: BlockView): number {
    const state = this.stateAfter(parent);
    return state === "started" || state === "locked_in" ? TOP_BITS | (1 << this.deployment.bit) : TOP_BITS;
  }

  #next(state: DeploymentState, end: BlockView): DeploymentState {
    switch (state) {
      case "defined":
        return end.medianTimePast >= this.deployment.startTime ? "started" : "defined";
      case "started":
        return this.signals(end).filter(Boolean).length >= this.deployment.threshold ? "locked_in" : "started";
      default:
        return "active";
    }
  }

  /** The last block of the last period that is complete at `parent`. */
  #periodEnd(parent: BlockView | undefined): BlockView | undefined {
    return parent?.ancestor(parent.height - ((parent.height + 1) % this.deployment.periodBlocks));
  }

  #isSignalling({ header: { version } }: BlockView): boolean {
    return (version & TOP_MASK) >>> 0 === TOP_BITS && (version & (1 << this.deployment.bit)) !== 0;
  }
}
