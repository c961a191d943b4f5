import type { LockAnswer, LocksAnswer } from "../core/client/index.ts";
import { type Column, renderTable, terminalWidth } from "./table.ts";
import { formatDuration } from "./units.ts";

type Row = LockAnswer & { readonly name: string };

const columns: readonly Column<Row>[] = [
  { title: "LOCK", value: (lock) => lock.name, mayShrink: true },
  { title: "ACQUIRED", value: (lock) => lock.acquisitions, align: "right" },
  { title: "CONTENDED", value: (lock) => lock.contentions, align: "right" },
  { title: "SHARE", value: (lock) => `${(lock.contention_ratio * 100).toFixed(1)} %`, align: "right" },
  { title: "WAIT AVG", value: (lock) => wait(lock.average_wait_time), align: "right" },
  { title: "WAIT MAX", value: (lock) => wait(lock.max_wait_time), align: "right" },
  { title: "TIMEOUTS", value: (lock) => lock.timeouts, align: "right" },
  { title: "DEADLOCKS", value: (lock) => lock.deadlock_attempts, align: "right" },
];

/** One row a lock in the order of the node's answer, then what was detected. */
export function renderLocks(answer: LocksAnswer): string {
  const rows = Object.entries(answer.lock_stats).map(([name, lock]) => ({ name, ...lock }));
  const { cycles_detected: cycles, prevented_deadlocks: prevented } = answer.deadlock_stats;
  const summary = `${cycles ?? "?"} cycles detected, ${prevented ?? "?"} deadlocks prevented`;
  return `${renderTable(columns, rows, { width: terminalWidth() })}\n${summary}`;
}

function wait(seconds: number): string {
  return seconds === 0 ? "-" : formatDuration(seconds * 1_000);
}
