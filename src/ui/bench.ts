import { readFile } from "node:fs/promises";
import type { BenchReport, BenchRow } from "../core/bench/report.ts";
import { ChainCoreError } from "../core/client/index.ts";
import type { Column } from "./table.ts";

/** Figures of an earlier report: suite name to row name to value. */
export async function compareSuites(path: string): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  try {
    const report = JSON.parse(await readFile(path, "utf8")) as BenchReport;
    return new Map(report.suites.map((suite) => [suite.name, new Map(suite.rows.map((row) => [row.name, row.value]))]));
  } catch (error) {
    throw new ChainCoreError("usage", `${path} is no report of "chaincore bench --json"`, { cause: error });
  }
}

/** Columns of a suite's table; `before` holds an earlier run's values by row name. */
export function benchColumns(before: ReadonlyMap<string, number> | undefined): readonly Column<BenchRow>[] {
  const columns: Column<BenchRow>[] = [
    { title: "WHAT", value: (row) => row.name, mayShrink: true },
    { title: "VALUE", value: (row) => `${figure(row.value)} ${row.unit}`, align: "right" },
    { title: "SPREAD", value: (row) => `${figure(row.spread[0])} to ${figure(row.spread[1])}`, align: "right" },
    {
      title: "REFERENCE",
      value: (row) => (row.reference ? `${row.reference.name} ${figure(row.reference.value)}` : ""),
      mayShrink: true,
    },
    { title: "RATIO", value: (row) => (row.ratio === null ? "" : figure(row.ratio)), align: "right" },
    { title: "GOAL", value: (row) => (row.goal === null ? "" : `${row.goal} ${row.ok ? "met" : "MISSED"}`) },
  ];
  if (before) columns.push({ title: "BEFORE", value: (row) => change(row, before.get(row.name)), align: "right" });
  return columns;
}

function change(row: BenchRow, before: number | undefined): string {
  if (before === undefined) return "new";
  const percent = Math.round((row.value / before - 1) * 100);
  return `${figure(before)} (${percent >= 0 ? "+" : ""}${percent} %)`;
}

/** Three significant digits, without an exponent. */
function figure(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
