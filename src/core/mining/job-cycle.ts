import type { Holds } from "../locks/context.ts";
import type { Clock, Log } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import type { BlockHash, Height } from "../primitives/units.ts";
import type { WorkCoordinator } from "./coordinator.ts";
import { workOfTarget } from "./difficulty.ts";
import { defaultBlockTime, isTrivial, pacedTarget, RateMeter } from "./pace.ts";
import type { Candidate } from "./template.ts";
import type { WorkerMessage } from "./worker-loop.ts";
import type { Hit } from "./worker-slot.ts";

/** What became of a block that was handed in. */
export interface SubmitResult {
  readonly accepted: boolean;
  /** Why not. */
  readonly reason?: string;
}

export type MinerEvent =
  | { readonly kind: "job"; readonly number: number; readonly height: Height; readonly target: bigint }
  | {
      readonly kind: "block";
      readonly hash: BlockHash;
      readonly height: Height;
      readonly accepted: boolean;
      readonly reason?: string;
    }
  /** A hit for a parent that is no longer the tip: not handed in. */
  | { readonly kind: "stale"; readonly height: Height }
  /** About once a second. */
  | { readonly kind: "rate"; readonly hashesPerSecond: number }
  /** No template was to be had; it is asked for again. */
  | { readonly kind: "waiting"; readonly reason: string };

export interface CycleOptions {
  /** Stop after so many accepted blocks. */
  readonly blocks?: number;
  /** Seconds from block to block on average; 0: the network's own target. By default as pace.ts says. */
  readonly blockTimeSeconds?: number;
  readonly fastUntilHeight?: number;
  /** Miners of one session that keep the pace together. */
  readonly pacedMiners?: number;
  /** Four bytes of extranonce of this process alone; 0 is the node's own. */
  readonly prefix?: number;
}

/** Runs `publish` as a strand of its own that holds MINING for writing. */
export type GuardedJob = <R>(publish: (at: Holds<"MINING", "write">) => R) => Promise<R>;

export interface CycleDeps {
  readonly coordinator: WorkCoordinator;
  /** The best candidate now. */
  readonly source: () => Promise<Candidate>;
  readonly submit: (block: Block) => Promise<SubmitResult>;
  readonly clock: Clock;
  readonly log: Log;
  readonly guarded: GuardedJob;
  readonly totalHashes: () => number;
  /** Hashes per second to assume before any are measured. */
  readonly rateGuess: number;
  readonly onEvent?: (event: MinerEvent) => void;
}

/** The first 101 blocks give the first coinbase that may be spent. */
const FAST_UNTIL_HEIGHT = 101;
const TICK_MS = 1_000;
const RETRY_MS = 500;
/** A job gets a new time and new transactions after so long. */
const JOB_MS_MAX = 30_000;
/** A paced job is replaced when the rate that it was made for is wrong by more than this. */
const RATE_ERROR_MAX = 1.25;

interface CurrentJob {
  readonly number: number;
  readonly candidate: Candidate;
  readonly publishedMs: number;
  readonly target: bigint;
}

/** Feeds a coordinator with jobs and hands in what is found: templates, pace, new tips, hits. One loop, no state elsewhere. */
export class JobCycle {
  readonly #options: CycleOptions;
  readonly #deps: CycleDeps;
  readonly #meter: RateMeter;
  #current: CurrentJob | undefined;
  #wake: (() => void) | undefined;
  #isStopped = false;
  #failure: Error | undefined;
  #mustPublish = true;
  /** The newest tip that we were told of. */
  #tip: BlockHash | undefined;
  /** A candidate is on its way, maybe on a tip that is none any more. */
  #isFetching = false;
  #mustLook = false;
  accepted = 0;
  rejected = 0;
  stale = 0;

  constructor(options: CycleOptions, deps: CycleDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#meter = new RateMeter(deps.clock, deps.rateGuess);
  }

  get hashesPerSecond(): number {
    return this.#meter.hashesPerSecond;
  }

  /** What a hash must be at most; undefined before the first job. */
  get target(): bigint | undefined {
    return this.#current?.target;
  }

  get height(): Height | undefined {
    return this.#current?.candidate.template.height;
  }

  /** Mines until `blocks` are accepted or stop() is called; rejects with what submit or fail() brought. */
  async run(): Promise<void> {
    const ticks = setInterval(() => this.#tick(), TICK_MS);
    try {
      while (!this.#isStopped && this.accepted < (this.#options.blocks ?? Number.POSITIVE_INFINITY)) {
        if (this.#mustPublish) await this.#publish();
        else if (this.#mustLook) await this.#look();
        else await this.#woken();
      }
      if (this.#failure) throw this.#failure;
    } finally {
      clearInterval(ticks);
      this.#meter.pause(this.#deps.totalHashes());
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#wakeUp();
  }

  /** Ends run() with `error`. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.stop();
  }

  /** The best chain has another tip: nobody works on the old one's job while the next template is made. @param tip where it is known */
  tipChanged(tip?: BlockHash): void {
    this.#tip = tip;
    const isOnTip = tip !== undefined && this.#current?.candidate.template.prevHash === tip;
    if (isOnTip && !this.#isFetching) return; // Our own block: we were there first.
    this.#deps.coordinator.abandonJob();
    this.#meter.pause(this.#deps.totalHashes());
    this.refresh();
  }

  /** There is something better to mine: later, or with other transactions. */
  refresh(): void {
    this.#mustPublish = true;
    this.#wakeUp();
  }

  /** A worker says that there is something to see. */
  hear(message: WorkerMessage): void {
    if (message.kind === "exhausted" && message.job === this.#deps.coordinator.jobNumber) this.#mustPublish = true;
    this.#mustLook = true;
    this.#wakeUp();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #tick(): void {
    this.#deps.coordinator.tend();
    this.#meter.sample(this.#deps.totalHashes());
    this.#emit({ kind: "rate", hashesPerSecond: this.hashesPerSecond });
    if (this.#current && this.#isOutdated(this.#current)) this.refresh();
  }

  #isOutdated({ candidate, target, publishedMs }: CurrentJob): boolean {
    if (this.#deps.clock.monotonicMs() - publishedMs > JOB_MS_MAX) return true;
    const wanted = workOfTarget(this.#targetFor(candidate));
    const ratio = Number((wanted * 1000n) / workOfTarget(target)) / 1000;
    return ratio > RATE_ERROR_MAX || ratio < 1 / RATE_ERROR_MAX;
  }

  #targetFor(candidate: Candidate): bigint {
    const { blocks, blockTimeSeconds, fastUntilHeight, pacedMiners } = this.#options;
    return pacedTarget(candidate.target, candidate.template.height, this.hashesPerSecond, {
      blockTimeSeconds: blockTimeSeconds ?? defaultBlockTime(candidate.target, blocks),
      fastUntilHeight: fastUntilHeight ?? FAST_UNTIL_HEIGHT,
      sharedBy: pacedMiners ?? 1,
    });
  }

  async #publish(): Promise<void> {
    this.#mustPublish = false; // What is asked for from here on, while we wait, is asked for again.
    this.#isFetching = true;
    const candidate = await this.#nextCandidate();
    this.#isFetching = false;
    if (!candidate || this.#isStopped) return;
    if (candidate.template.prevHash === this.#tip) this.#mustPublish = false; // The tip that was announced meanwhile.
    const before = this.#current;
    const target = this.#targetFor(candidate);
    const job = candidate.job({ target, prefix: this.#options.prefix ?? 0 });
    const { coordinator } = this.#deps;
    const { number, early } = await this.#deps.guarded((at) => {
      const early = before && coordinator.takeHit(before.number); // Once the new job is solved too, the old one's hit cannot be told.
      const number = coordinator.publish(at, job);
      this.#current = { number, candidate, publishedMs: this.#deps.clock.monotonicMs(), target };
      return { early, number };
    });
    // At a trivial target workers hash for microseconds and then wait for us: that says nothing of their rate.
    if (!isTrivial(target)) this.#meter.resume(this.#deps.totalHashes());
    this.#emit({ kind: "job", number, height: candidate.template.height, target });
    const hit = early ?? (before && coordinator.takeHit(before.number));
    if (before && hit) await this.#decide(before, hit, candidate.template.prevHash);
  }

  async #nextCandidate(): Promise<Candidate | undefined> {
    try {
      return await this.#deps.source();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#deps.log.warn({ reason }, "no template to mine, asking again");
      this.#emit({ kind: "waiting", reason });
      const retry = setTimeout(() => this.refresh(), RETRY_MS);
      await this.#woken();
      clearTimeout(retry);
      this.#mustPublish = true;
      return undefined;
    }
  }

  async #look(): Promise<void> {
    this.#mustLook = false;
    const current = this.#current;
    const hit = current && this.#deps.coordinator.takeHit(current.number);
    if (!current || !hit) return;
    this.#meter.pause(this.#deps.totalHashes());
    await this.#decide(current, hit, current.candidate.template.prevHash);
    this.#mustPublish = true;
  }

  /** Hands in a hit unless the tip has moved on meanwhile. */
  async #decide({ candidate, number }: CurrentJob, hit: Hit, tip: BlockHash): Promise<void> {
    const { height, prevHash } = candidate.template;
    if (prevHash !== tip) {
      this.stale++;
      return this.#emit({ kind: "stale", height });
    }
    const block = candidate.block({ ...hit, prefix: this.#options.prefix ?? 0 });
    const result = await this.#deps.submit(block);
    if (result.accepted) this.accepted++;
    else this.rejected++;
    if (!result.accepted)
      this.#deps.log.warn({ job: number, hash: block.hash, reason: result.reason }, "a mined block was refused");
    this.#emit({ kind: "block", hash: block.hash, height, ...result });
    this.#mustPublish = true;
  }

  #emit(event: MinerEvent): void {
    this.#deps.onEvent?.(event);
  }
}
