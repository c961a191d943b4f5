import { stripVTControlCharacters, styleText } from "node:util";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
  /** Numbers stand at the right. */
  readonly align?: "left" | "right";
  /** May be cut with an ellipsis where the terminal is narrow; the widest of these gives first. */
  readonly mayShrink?: boolean;
  /** May be left out by `fittingColumns`, the highest rank first. */
  readonly rank?: number;
}

export interface TableOptions {
  /** Columns of the terminal; undefined: as wide as needed, for pipes and files. */
  readonly width?: number | undefined;
}

const GAP = "  ";
const SHRUNK_WIDTH_MIN = 6;

/** Rows as aligned columns under a head, without a frame, so that `awk` and eyes both can read it. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions = {}): string {
  const cells = rows.map((row) => columns.map((column) => String(column.value(row))));
  const widths = columns.map((column, n) => Math.max(column.title.length, ...cells.map((row) => visibleLength(row[n]!))));
  if (options.width !== undefined) shrink(widths, columns, options.width);
  const line = (texts: readonly string[]) =>
    texts
      .map((text, n) => pad(cut(text, widths[n]!), widths[n]!, columns[n]!.align))
      .join(GAP)
      .trimEnd();
  const head = styleText("bold", line(columns.map((column) => column.title)), { stream: process.stdout });
  return [head, ...cells.map(line)].join("\n");
}

/** The columns that a terminal has room for: those with a rank go until the rest fits. */
export function fittingColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | undefined,
): readonly Column<Row>[] {
  const kept = [...columns];
  const isTooWide = () => Math.max(...renderTable(kept, rows).split("\n").map(visibleLength)) > width!;
  while (width !== undefined && isTooWide()) {
    const last = kept.reduce<Column<Row> | undefined>((a, b) => ((b.rank ?? 0) > (a?.rank ?? 0) ? b : a), undefined);
    if (last === undefined) break;
    kept.splice(kept.indexOf(last), 1);
  }
  return kept;
}

/** One thing's properties: names at the left, values at the right. */
export function renderFields(fields: readonly (readonly [name: string, value: string | number])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}${GAP}${value}`.trimEnd()).join("\n");
}

/** Width of the terminal, undefined where stdout is none. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

function shrink(widths: number[], columns: readonly Column<never>[], most: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > most) {
    const candidates = widths.map((width, n) => (columns[n]!.mayShrink ? width : 0));
    const widest = candidates.indexOf(Math.max(...candidates));
    if (candidates[widest]! <= SHRUNK_WIDTH_MIN) return;
    widths[widest] = Math.max(SHRUNK_WIDTH_MIN, widths[widest]! - (total() - most));
  }
}

function cut(text: string, width: number): string {
  return visibleLength(text) <= width ? text : `${stripVTControlCharacters(text).slice(0, width - 1)}…`;
}

function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - visibleLength(text)));
  return align === "right" ? spaces + text : text + spaces;
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
