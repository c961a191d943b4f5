/** The library: everything that the commands use. `src/core/README.md` is its map. */

export type { BenchReport, BenchRow, BenchSuite } from "./bench/report.ts";
export { runBench, SUITE_NAMES } from "./bench/runner.ts";
export { AssertionError, ChainCoreError } from "./errors.ts";
export type { Clock, Entropy, Log } from "./ports.ts";
export { examine, type Finding } from "./sessions/examination.ts";
export { createSession, removeSession, useSession } from "./sessions/manage.ts";
export { DEVELOPMENT_MNEMONIC, Session, type SessionOptions } from "./sessions/session.ts";
