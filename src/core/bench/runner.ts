import { arch, availableParallelism, cpus, totalmem } from "node:os";
import { ChainCoreError } from "../errors.ts";
import type { BenchReport, BenchRow, BenchSuite } from "./report.ts";

/** A suite's file exports this; it measures when it is called. */
export interface BenchModule {
  rows(): Promise<readonly BenchRow[]>;
  /** After that: what was left out, and why. */
  notes?(): readonly string[];
}

export type SuiteName = keyof typeof SUITES;

/** Loaded one at a time, so that a suite does not measure what another has warmed. */
const SUITES = {
  locks: () => import("./locks.bench.ts"),
  coins: () => import("./coins.bench.ts"),
  chain: () => import("./chain.bench.ts"),
  verify: () => import("./verify.bench.ts"),
  mempool: () => import("./mempool.bench.ts"),
  mining: () => import("./mining.bench.ts"),
  api: () => import("./api.bench.ts"),
  peers: () => import("./peers.bench.ts"),
  startup: () => import("./startup.bench.ts"),
} satisfies Record<string, () => Promise<BenchModule>>;

export const SUITE_NAMES = Object.keys(SUITES) as readonly SuiteName[];

/** Runs suites one after the other. @throws ChainCoreError "bench-suite" for a name that is none. */
export async function runBench(names: readonly string[], onSuite: (suite: BenchSuite) => void): Promise<BenchReport> {
  const unknown = names.find((name) => !(name in SUITES));
  if (unknown !== undefined) {
    throw new ChainCoreError("bench-suite", `"${unknown}" is no suite of benchmarks; there are ${SUITE_NAMES.join(", ")}`);
  }
  const suites: BenchSuite[] = [];
  for (const name of names.length === 0 ? SUITE_NAMES : (names as readonly SuiteName[])) {
    const module: BenchModule = await SUITES[name]();
    const rows = await module.rows();
    const suite = { name, rows, notes: module.notes?.() ?? [] };
    suites.push(suite);
    onSuite(suite);
  }
  return { machine: describeMachine(), suites };
}

function describeMachine(): Record<string, string | number> {
  return {
    node: process.version,
    platform: process.platform,
    arch: arch(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
  };
}
