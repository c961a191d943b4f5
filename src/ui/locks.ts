import type { LockAnswer, LocksAnswer } from "../core/client/index.ts";
import { renderKpis } from "./lock-kpis.ts";
import { type Column, fittingColumns, renderTable } from "./table.ts";
import { formatDuration } from "./units.ts";

export type LockRow = LockAnswer & { readonly name: string };

const columns: readonly Column<LockRow>[] = [
  { title: "LOCK", value: (lock) => lock.name, mayShrink: true },
  { title: "ACQUIRED", value: (lock) => lock.acquisitions, align: "right" },
  { title: "CONTENDED", value: (lock) => lock.contentions, align: "right" },
  { title: "SHARE", value: (lock) => percent(lock.contention_ratio), align: "right" },
  { title: "WAIT AVG", value: (lock) => time(lock.average_wait_time), align: "right" },
  { title: "WAIT P99", value: (lock) => time(lock.wait_p99), align: "right", rank: 1 },
  { title: "WAIT MAX", value: (lock) => time(lock.max_wait_time), align: "right" },
  { title: "HOLD P99", value: (lock) => time(lock.hold_p99), align: "right", rank: 3 },
  { title: "HOLD MAX", value: (lock) => time(lock.hold_max), align: "right", rank: 5 },
  { title: "INSIDE", value: insideOf, align: "right", rank: 4 },
  { title: "WAITING", value: (lock) => lock.waiters.length, align: "right" },
  { title: "TIMEOUTS", value: (lock) => lock.timeouts, align: "right", rank: 2 },
  { title: "DEADLOCKS", value: (lock) => lock.deadlock_attempts ?? "-", align: "right" },
];

/** One row a lock, in the order of levels; what was detected; the five KPIs and the load that they were measured under. */
export function renderLocks(answer: LocksAnswer, width: number | undefined): string {
  const rows = lockRows(answer);
  const shown = fittingColumns(columns, rows, width);
  const hidden = columns.length - shown.length;
  const { cycles_detected: cycles, prevented_deadlocks: prevented } = answer.deadlock_stats;
  const lines = [
    renderTable(shown, rows, { width }),
    `${cycles ?? "?"} cycles detected, ${prevented ?? "?"} deadlocks prevented`,
  ];
  if (hidden > 0) lines.push(`${hidden} more columns fit a wider terminal; --json has everything`);
  return [...lines, "", renderKpis(answer)].join("\n");
}

export function lockRows(answer: LocksAnswer): readonly LockRow[] {
  return Object.entries(answer.lock_stats).map(([name, lock]) => ({ name, ...lock }));
}

/** `1 w`, `3 r`, or nothing. */
export function insideOf({ state, holders }: Pick<LockRow, "state" | "holders">): string {
  return state === "free" ? "-" : `${Math.max(1, holders.length)} ${state === "write" ? "w" : "r"}`;
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

/** Nothing was measured, or nothing is. */
function time(seconds: number | null): string {
  return seconds === null || seconds === 0 ? "-" : formatDuration(seconds * 1_000);
}
