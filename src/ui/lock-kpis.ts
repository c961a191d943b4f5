import type { LocksAnswer } from "../core/client/index.ts";
import { renderTable } from "./table.ts";
import { formatDuration } from "./units.ts";

interface Kpi {
  readonly key: string;
  readonly title: string;
  readonly target: string;
  readonly show: (value: number) => string;
  readonly isMet: (value: number) => boolean;
}

const share = (value: number) => `${(value * 100).toFixed(1)} %`;

/** What a node in good health keeps to. */
const KPIS: readonly Kpi[] = [
  { key: "lock_contention_ratio", title: "lock contention", target: "< 5 %", show: share, isMet: (value) => value < 0.05 },
  {
    key: "average_wait_time",
    title: "average wait",
    target: "< 50 ms",
    show: (seconds) => formatDuration(seconds * 1_000),
    isMet: (seconds) => seconds < 0.05,
  },
  {
    key: "deadlocks_per_hour",
    title: "deadlocks an hour",
    target: "0",
    show: (value) => String(Number(value.toFixed(2))),
    isMet: (value) => value === 0,
  },
  { key: "utxo_conflict_ratio", title: "coin conflicts", target: "< 1 %", show: share, isMet: (value) => value < 0.01 },
  { key: "connection_hit_rate", title: "connections reused", target: "> 90 %", show: share, isMet: (value) => value > 0.9 },
];

/** Each figure beside its target, and below them the load that they say something about. */
export function renderKpis({ kpis, load, uptime_seconds }: LocksAnswer): string {
  const table = renderTable(
    [
      { title: "HEALTH", value: ({ title }) => title },
      { title: "NOW", value: (kpi) => nowOf(kpi, kpis[kpi.key]), align: "right" },
      { title: "TARGET", value: ({ target }) => target, align: "right" },
      { title: "", value: (kpi) => verdictOf(kpi, kpis[kpi.key]) },
    ],
    KPIS,
  );
  const rate = Number(load.operations_per_second.toFixed(1));
  return `${table}\nload: ${rate} calls a second, ${load.operations} in ${formatDuration(uptime_seconds * 1_000)}`;
}

function nowOf(kpi: Kpi, value: number | null | undefined): string {
  return value === null || value === undefined ? "not measured yet" : kpi.show(value);
}

function verdictOf(kpi: Kpi, value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  return kpi.isMet(value) ? "met" : "MISSED";
}
