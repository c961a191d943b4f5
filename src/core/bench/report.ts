/** One figure. `ratio` is value over reference; `goal` reads "<= 2.5" or ">= 14000" and judges the ratio where there is one to judge, else the value. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Least and greatest of the runs. */
  readonly spread: readonly [number, number];
  readonly runs: number;
  readonly reference: { readonly name: string; readonly value: number } | null;
  readonly ratio: number | null;
  readonly goal: string | null;
  /** null where there is no goal. */
  readonly ok: boolean | null;
}

export interface BenchSuite {
  readonly name: string;
  readonly rows: readonly BenchRow[];
  /** What could not be measured here, a sentence each. */
  readonly notes: readonly string[];
}

export interface BenchReport {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly suites: readonly BenchSuite[];
}

export interface Goal {
  /** What the goal is about: the row's value, or its ratio to the reference. */
  readonly on: "value" | "ratio";
  readonly sign: "<=" | ">=";
  readonly bound: number;
}

/** The middle of an odd number of samples, the mean of the middle two of an even one. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The sample below which `share` (0 to 1) of them lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export interface RowParts {
  readonly name: string;
  readonly unit: string;
  /** One figure a run; the row quotes their median. */
  readonly samples: readonly number[];
  readonly reference?: { readonly name: string; readonly value: number } | undefined;
  readonly goal?: Goal | undefined;
}

/** Makes a row of its samples. */
export function row(parts: RowParts): BenchRow {
  const value = median(parts.samples);
  const reference = parts.reference ?? null;
  const ratio = reference === null || reference.value === 0 ? null : value / reference.value;
  const goal = parts.goal;
  const judged = goal === undefined ? null : goal.on === "ratio" ? ratio : value;
  return {
    name: parts.name,
    value,
    unit: parts.unit,
    spread: [Math.min(...parts.samples), Math.max(...parts.samples)],
    runs: parts.samples.length,
    reference,
    ratio,
    goal: goal === undefined ? null : `${goal.sign} ${goal.bound}${goal.on === "ratio" ? " x" : ""}`,
    ok: goal === undefined || judged === null ? null : goal.sign === "<=" ? judged <= goal.bound : judged >= goal.bound,
  };
}
