import type { LockManager } from "../locks/manager.ts";
import type { LockReport } from "./ports.ts";

/** What a node's locks tell of themselves, as the API prints it: times in seconds, as the guide has them. */
export function lockReport(locks: LockManager): LockReport {
  return {
    figures: () =>
      Object.fromEntries(
        locks.stats().map((lock) => [
          lock.name,
          {
            acquisitions: lock.acquisitions,
            contentions: lock.contentions,
            waitSecondsTotal: (lock.waitAverageMs * lock.waits) / 1000,
            waitSecondsMax: lock.waitMaxMs / 1000,
            timeouts: lock.timeouts,
            deadlockAttempts: lock.deadlockAttempts,
            more: {
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
            },
          },
        ]),
      ),
    deadlocks: () => {
      const { prevented, found } = locks.deadlockStats();
      return { cyclesDetected: prevented + found, prevented };
    },
    graph: () => ({ ...locks.graph() }),
  };
}
