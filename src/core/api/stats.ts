import type { LockAnswer } from "../client/answers.ts";
import type { FileLock, LockHolder } from "../files/file-lock.ts";
import { LOCK_ORDER } from "../locks/levels.ts";
import type { LockStats, StrandAtLock } from "../locks/snapshot.ts";
import type { LoadMeter } from "./load.ts";
import type { ApiDeps } from "./ports.ts";

const SECONDS_PER_HOUR = 3600;

/** `GET /stats`: the guide's shape, times in seconds. What is not measured yet is null, never a made-up zero. */
export function statsAnswer(deps: ApiDeps, load: LoadMeter, uptimeSeconds: number): Record<string, unknown> {
  const locks = Object.values(deps.locks.getAllStats());
  const { found, prevented } = deps.locks.deadlockStats();
  return {
    lock_stats: lockStats(deps, locks),
    deadlock_stats: { cycles_detected: found + prevented, prevented_deadlocks: prevented },
    kpis: kpis(deps, locks, uptimeSeconds),
    load: { operations: load.total, operations_per_second: load.perSecond },
    uptime_seconds: uptimeSeconds,
  };
}

/** In the order of levels, as in memory so on disk. */
function lockStats({ fileLocks = {} }: ApiDeps, locks: readonly LockStats[]): Readonly<Record<string, LockAnswer>> {
  const onDisk = Object.entries(fileLocks).map(([name, lock]) => [name, fileLockAnswer(lock)] as const);
  const below = locks.filter(({ order }) => order <= LOCK_ORDER.SESSION);
  const above = locks.filter(({ order }) => order > LOCK_ORDER.SESSION);
  const answers = (some: readonly LockStats[]) => some.map((lock) => [lock.name, lockAnswer(lock)] as const);
  return Object.fromEntries([...answers(below), ...onDisk, ...answers(above)]);
}

/** The guide's names first, then whatever else the locks tell. */
function lockAnswer(lock: LockStats): LockAnswer {
  return {
    acquisitions: lock.acquisitions,
    contentions: lock.contentions,
    max_wait_time: lock.waitMaxMs / 1000,
    average_wait_time: lock.waitAverageMs / 1000,
    contention_ratio: lock.contentionRatio,
    timeouts: lock.timeouts,
    deadlock_attempts: lock.deadlockAttempts,
    level: lock.level,
    reads: lock.reads,
    writes: lock.writes,
    wait_p99: lock.waitP99Ms / 1000,
    hold_average: lock.holdAverageMs / 1000,
    hold_p99: lock.holdP99Ms / 1000,
    hold_max: lock.holdMaxMs / 1000,
    aborts: lock.aborts,
    order_violations: lock.orderViolations,
    poisonings: lock.poisonings,
    state: lock.state,
    holders: lock.holders,
    waiters: lock.waiters,
    sites: lock.sites,
  };
}

/**
 * A lock between processes in the same shape, null where it counts nothing of the kind. The figures are this process's; holder
 * and waiters are those of all processes. Its waits are not among the KPIs, which tell how the node's own strands get on.
 */
function fileLockAnswer(lock: FileLock): LockAnswer {
  const { acquisitions, contentions, timeouts, deadlocks, waitMsTotal, waitMsMax, holdMsMax } = lock.statistics;
  const holder = lock.holder();
  return {
    acquisitions,
    contentions,
    max_wait_time: waitMsMax / 1000,
    average_wait_time: (ratio(waitMsTotal, contentions) ?? 0) / 1000,
    contention_ratio: ratio(contentions, acquisitions) ?? 0,
    timeouts,
    deadlock_attempts: deadlocks,
    level: "SESSION",
    reads: null,
    writes: null,
    wait_p99: null,
    hold_average: null,
    hold_p99: null,
    hold_max: holdMsMax / 1000,
    aborts: null,
    order_violations: null,
    poisonings: null,
    state: holder === undefined ? "free" : "write",
    holders: holder === undefined ? [] : [strandOf(holder)],
    waiters: lock.waiters().map(strandOf),
    sites: null,
  };
}

function strandOf({ pid, command }: LockHolder): StrandAtLock {
  return { owner: `process ${pid} (${command})`, mode: "write", site: "" };
}

/** The guide's five, null before there was anything to measure. The average is over those that waited. Targets: ui/lock-kpis.ts. */
function kpis(
  { locks, chain, peers }: ApiDeps,
  stats: readonly LockStats[],
  uptimeSeconds: number,
): Record<string, number | null> {
  const sum = (of: (lock: LockStats) => number) => stats.reduce((total, lock) => total + of(lock), 0);
  const acquisitions = sum((lock) => lock.acquisitions);
  const contentions = sum((lock) => lock.contentions);
  const waits = sum((lock) => lock.waits);
  const secondsWaited = sum((lock) => lock.waitAverageMs * lock.waits) / 1000;
  const { found, prevented } = locks.deadlockStats();
  const { attempts, conflicts } = chain.commits();
  return {
    lock_contention_ratio: ratio(contentions, acquisitions),
    average_wait_time: acquisitions === 0 ? null : (ratio(secondsWaited, waits) ?? 0),
    deadlocks_per_hour: ratio((found + prevented) * SECONDS_PER_HOUR, uptimeSeconds),
    utxo_conflict_ratio: ratio(conflicts, attempts),
    connection_hit_rate: peers?.connectionHitRate ?? null,
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
