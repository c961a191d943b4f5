import type { LocksAnswer } from "../core/client/index.ts";
import { insideOf, type LockRow, lockRows, percent } from "./locks.ts";
import { type Column, fittingColumns, renderTable } from "./table.ts";
import { formatDuration } from "./units.ts";

/** A lock between two looks. */
interface WatchRow extends LockRow {
  readonly acquiredPerSecond: number;
  readonly contendedPerSecond: number;
  /** Share of the acquisitions between the two looks that had to wait. */
  readonly share: number;
}

const BAR_CELLS = 10;

const columns: readonly Column<WatchRow>[] = [
  { title: "LOCK", value: (lock) => lock.name, mayShrink: true },
  { title: "ACQUIRED/S", value: (lock) => lock.acquiredPerSecond.toFixed(0), align: "right" },
  { title: "CONTENDED/S", value: (lock) => lock.contendedPerSecond.toFixed(0), align: "right" },
  { title: "SHARE", value: (lock) => percent(lock.share), align: "right" },
  { title: "", value: (lock) => bar(lock.share) },
  { title: "INSIDE", value: insideOf, align: "right", rank: 1 },
  { title: "WAITING", value: (lock) => lock.waiters.length, align: "right" },
  { title: "HELD BY", value: holder, mayShrink: true, rank: 2 },
];

export interface Screen {
  readonly width: number | undefined;
  /** Lines; undefined: as many as it takes. */
  readonly height: number | undefined;
}

/** What happened between two looks, the most contended lock first; at the first look, since the node started. */
export function renderWatch(now: LocksAnswer, before: LocksAnswer | undefined, { width, height }: Screen): string[] {
  const rows = watchRows(now, before);
  const room = height === undefined ? rows.length : Math.max(1, height - 4);
  const shown = rows.slice(0, room);
  const { operations_per_second } = now.load;
  const { prevented_deadlocks } = now.deadlock_stats;
  return [
    ...renderTable(fittingColumns(columns, shown, width), shown, { width }).split("\n"),
    ...(shown.length < rows.length ? [`and ${rows.length - shown.length} more`] : []),
    `up ${formatDuration(now.uptime_seconds * 1_000)}, ${operations_per_second.toFixed(1)} calls a second, ${prevented_deadlocks ?? "?"} deadlocks prevented`,
  ];
}

function watchRows(now: LocksAnswer, before: LocksAnswer | undefined): WatchRow[] {
  const seconds = Math.max(0.001, now.uptime_seconds - (before?.uptime_seconds ?? 0));
  const rows = lockRows(now).map((lock) => {
    const earlier = before?.lock_stats[lock.name];
    const acquired = Math.max(0, lock.acquisitions - (earlier?.acquisitions ?? 0));
    const contended = Math.max(0, lock.contentions - (earlier?.contentions ?? 0));
    const share = contended === 0 ? 0 : Math.min(1, contended / Math.max(acquired, contended));
    return { ...lock, acquiredPerSecond: acquired / seconds, contendedPerSecond: contended / seconds, share };
  });
  return rows.sort((a, b) => b.contendedPerSecond - a.contendedPerSecond || b.waiters.length - a.waiters.length);
}

/** Any contention shows. */
function bar(share: number): string {
  const cells = Math.ceil(Math.min(1, share) * BAR_CELLS);
  return "█".repeat(cells) + "·".repeat(BAR_CELLS - cells);
}

function holder({ holders }: LockRow): string {
  const [first, ...others] = holders;
  if (first === undefined) return "";
  const site = first.site === "" ? "" : ` at ${first.site}`;
  return `${first.owner}${site}${others.length === 0 ? "" : `, ${others.length} more`}`;
}
