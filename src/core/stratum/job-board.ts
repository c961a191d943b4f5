import type { Candidate } from "../mining/template.ts";
import type { Block } from "../primitives/block.ts";
import { hashMeetsTarget } from "../primitives/target.ts";
import { notifyLine, type Share, type StratumErrorName } from "./protocol.ts";
import { targetOfDifficulty } from "./vardiff.ts";

/** Jobs whose shares are still taken: a miner may be that far behind. Those of an older tip are stale at once. */
export const JOBS_MAX = 8;
/** Shares that are remembered per job to know a repeated one; at a share a second per miner this is a lot. */
const SHARES_MAX = 100_000;
/** Seconds that a miner may set the time ahead of the clock; the chain's rule allows more, a miner needs none. */
const TIME_AHEAD_SECONDS = 600;

interface BoardJob {
  readonly id: string;
  readonly candidate: Candidate;
  /** A share at or below it is handed in as a block. */
  readonly blockTarget: bigint;
  readonly seen: Set<string>;
}

export type Judgement =
  | { readonly kind: "refused"; readonly error: StratumErrorName; readonly why?: string }
  /** `block` where it is one too. */
  | { readonly kind: "share"; readonly hash: Uint8Array; readonly block?: Block };

/** The jobs that are out, and what a share for one of them is worth. */
export class JobBoard {
  readonly #jobs = new Map<string, BoardJob>();
  #count = 0;
  #current: BoardJob | undefined;

  get current(): { readonly id: string; readonly candidate: Candidate; readonly blockTarget: bigint } | undefined {
    return this.#current;
  }

  /** @returns whether the parent is another, so that work on older jobs is of no use */
  publish(candidate: Candidate, blockTarget: bigint): boolean {
    const isClean = this.#current?.candidate.template.prevHash !== candidate.template.prevHash;
    if (isClean) this.#jobs.clear();
    const id = (++this.#count).toString(16);
    this.#current = { id, candidate, blockTarget, seen: new Set() };
    this.#jobs.set(id, this.#current);
    for (const old of [...this.#jobs.keys()].slice(0, -JOBS_MAX)) this.#jobs.delete(old);
    return isClean;
  }

  notifyLine(clean: boolean): string | undefined {
    const job = this.#current;
    return job && notifyLine(job.id, job.candidate.template, job.candidate.job(), clean);
  }

  /** @param prefix the connection's extranonce1 @param difficulty what its shares must have */
  judge(share: Share, prefix: number, difficulty: number, nowSeconds: number): Judgement {
    const job = this.#jobs.get(share.jobId);
    if (!job) return { kind: "refused", error: "staleJob" };
    const { template } = job.candidate;
    if (share.time < template.minTime || share.time > Math.max(nowSeconds, template.time) + TIME_AHEAD_SECONDS)
      return { kind: "refused", error: "other", why: "ntime out of range" };
    const key = `${prefix} ${share.extranonce2} ${share.time} ${share.nonce}`;
    if (job.seen.has(key)) return { kind: "refused", error: "duplicate" };
    const solution = { prefix, extranonce: share.extranonce2, nonce: share.nonce, time: share.time };
    const { hashBytes } = job.candidate.header(solution);
    if (!hashMeetsTarget(hashBytes, targetOfDifficulty(difficulty))) return { kind: "refused", error: "lowDifficulty" };
    if (job.seen.size < SHARES_MAX) job.seen.add(key);
    const isBlock = hashMeetsTarget(hashBytes, job.blockTarget);
    return { kind: "share", hash: hashBytes, ...(isBlock ? { block: job.candidate.block(solution) } : {}) };
  }
}
