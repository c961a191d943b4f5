import type { LoadMeter } from "./load.ts";
import type { ApiDeps, LockFigures } from "./ports.ts";

const SECONDS_PER_HOUR = 3600;

/** `GET /stats`: the guide's shape, times in seconds. What is not measured yet is null, never a made-up zero. */
export function statsAnswer(deps: ApiDeps, load: LoadMeter, uptimeSeconds: number): Record<string, unknown> {
  const figures = deps.lockReport?.figures() ?? {};
  const deadlocks = deps.lockReport?.deadlocks();
  return {
    lock_stats: Object.fromEntries(Object.entries(figures).map(([name, lock]) => [name, lockAnswer(lock)])),
    deadlock_stats: {
      cycles_detected: deadlocks?.cyclesDetected ?? null,
      prevented_deadlocks: deadlocks?.prevented ?? null,
    },
    kpis: kpis(deps, Object.values(figures), uptimeSeconds),
    load: { operations: load.total, operations_per_second: load.perSecond },
    uptime_seconds: uptimeSeconds,
  };
}

function lockAnswer(lock: LockFigures): Record<string, unknown> {
  return {
    acquisitions: lock.acquisitions,
    contentions: lock.contentions,
    max_wait_time: lock.waitSecondsMax,
    average_wait_time: ratio(lock.waitSecondsTotal, lock.contentions),
    contention_ratio: ratio(lock.contentions, lock.acquisitions),
    timeouts: lock.timeouts,
    deadlock_attempts: lock.deadlockAttempts,
    ...lock.more,
  };
}

/** The guide's five; its targets stand in src/core/README.md. */
function kpis(
  { lockReport, chain, peers }: ApiDeps,
  locks: readonly LockFigures[],
  uptimeSeconds: number,
): Record<string, number | null> {
  const sum = (of: (lock: LockFigures) => number) => locks.reduce((total, lock) => total + of(lock), 0);
  const cycles = lockReport?.deadlocks().cyclesDetected;
  const { attempts, conflicts } = chain.commits();
  return {
    lock_contention_ratio:
      lockReport === undefined
        ? null
        : ratio(
            sum((lock) => lock.contentions),
            sum((lock) => lock.acquisitions),
          ),
    average_wait_time:
      lockReport === undefined
        ? null
        : ratio(
            sum((lock) => lock.waitSecondsTotal),
            sum((lock) => lock.contentions),
          ),
    deadlocks_per_hour: cycles === undefined ? null : ratio(cycles * SECONDS_PER_HOUR, uptimeSeconds),
    utxo_conflict_ratio: ratio(conflicts, attempts),
    connection_hit_rate: peers?.connectionHitRate ?? null,
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
