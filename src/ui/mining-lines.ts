import { difficultyOf, workOfTarget } from "../core/mining/difficulty.ts";
import type { PoolStatistics } from "../core/mining/pool.ts";
import { formatDuration, formatHashRate } from "./units.ts";

/** What the live view of `mine` says: rates per worker, what became of blocks, how hard the next one is and when to expect it. */
export function miningLines(statistics: PoolStatistics, rates: readonly number[], elapsedMs: number): readonly string[] {
  const { miners, hashesPerSecond, accepted, rejected, stale, target, height } = statistics;
  const kernel = miners[0]?.kernel ?? "no kernel";
  const total = hashesPerSecond > 0 ? formatHashRate(hashesPerSecond) : "warming up";
  const perWorker = rates.length > 1 ? ` = ${rates.map(formatHashRate).join(" + ")}` : "";
  const blocks = `${accepted} accepted, ${stale} stale, ${rejected} refused in ${formatDuration(elapsedMs)}`;
  const rate = `${total}${perWorker}  ${kernel}`;
  if (target === undefined) return [rate, blocks];
  const expected = hashesPerSecond > 0 ? `, expected every ${formatDuration(expectedMs(target, hashesPerSecond))}` : "";
  return [rate, blocks, `block ${height} at difficulty ${shortNumber(target)}${expected}`];
}

/** From block to block on average, at this rate. */
function expectedMs(target: bigint, hashesPerSecond: number): number {
  return (Number(workOfTarget(target)) / hashesPerSecond) * 1_000;
}

/** Difficulties reach from 4.7e-10 on regtest to 1e14. */
function shortNumber(target: bigint): string {
  return Number(difficultyOf(target).toPrecision(3)).toString();
}

/** Hashes per second of each worker, from its counts of now and before; a worker that is new counts from 0. */
export class WorkerRates {
  #before = new Map<string, number>();
  #beforeMs: number;
  #rates: readonly number[] = [];

  constructor(nowMs: number) {
    this.#beforeMs = nowMs;
  }

  /** To be called about once a second. */
  sample({ miners }: Pick<PoolStatistics, "miners">, nowMs: number): readonly number[] {
    const workers = miners.flatMap((miner) => miner.workers);
    const seconds = Math.max(0.001, (nowMs - this.#beforeMs) / 1_000);
    this.#rates = workers.map(({ name, hashes }) => {
      const before = this.#before.get(name) ?? 0;
      return Math.max(0, hashes - (before > hashes ? 0 : before)) / seconds; // A replaced worker begins again at 0.
    });
    this.#before = new Map(workers.map(({ name, hashes }) => [name, hashes]));
    this.#beforeMs = nowMs;
    return this.#rates;
  }

  get last(): readonly number[] {
    return this.#rates;
  }
}
