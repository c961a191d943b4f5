import { renameSync, statSync } from "node:fs";
import { type LevelWithSilent, type Logger, pino } from "pino";
import { ChainCoreError } from "../errors.ts";
import type { Log } from "../ports.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The parts of a node that may have a level of their own: `--log-level locks=debug`. */
export const LOG_AREAS = ["node", "chain", "mempool", "locks", "verify", "mining", "wallet", "api", "peers", "session"] as const;
export type LogArea = (typeof LOG_AREAS)[number];

export interface LogOptions {
  /** Where JSON lines go; undefined for nowhere. Grows to LOG_BYTES_MAX, then moves to `<file>.1`. */
  readonly file?: string | undefined;
  readonly level?: LogLevel;
  readonly areas?: Readonly<Partial<Record<LogArea, LogLevel>>>;
}

/** 20 MB: about a day of a busy node; two files are kept. */
const LOG_BYTES_MAX = 20_000_000;
/** How many lines go by between two looks at the file's size. */
const ROTATION_CHECK_LINES = 1000;

/** The log of one node: one JSON object a line, with time, level, area and thread name. */
export class NodeLog {
  readonly #root: Logger;
  readonly #destination: ReturnType<typeof pino.destination> | undefined;
  readonly #options: LogOptions;
  #lines = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    if (options.file !== undefined) rotateIfLarge(options.file);
    this.#destination =
      options.file === undefined ? undefined : pino.destination({ dest: options.file, sync: false, mode: 0o600 });
    // A log that cannot be written (disk full, folder gone) must not take the node down.
    this.#destination?.on("error", () => undefined);
    const base = { pid: process.pid, thread: "main" };
    this.#root = pino(
      { base, level: "debug", enabled: this.#destination !== undefined },
      this.#destination ?? pino.destination(2),
    );
  }

  area(area: LogArea): Log {
    const level: LevelWithSilent = this.#levelOf(area);
    const logger = this.#root.child({ area }, { level });
    const line =
      (method: "debug" | "info" | "warn" | "error") =>
      (fields: object, message: string): void => {
        logger[method](fields, message);
        if (++this.#lines % ROTATION_CHECK_LINES === 0) this.#rotate();
      };
    return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  }

  isDebug(area: LogArea): boolean {
    return this.#levelOf(area) === "debug";
  }

  #levelOf(area: LogArea): LogLevel {
    return this.#options.areas?.[area] ?? this.#options.level ?? "info";
  }

  #rotate(): void {
    if (this.#options.file === undefined || !rotateIfLarge(this.#options.file)) return;
    this.#destination?.reopen();
  }

  /** Writes what is buffered. */
  close(): void {
    try {
      this.#destination?.flushSync();
      this.#destination?.end();
    } catch {
      // The file never opened or is gone: there is nothing left to write to.
    }
  }
}

function rotateIfLarge(file: string): boolean {
  try {
    if (statSync(file).size < LOG_BYTES_MAX) return false;
    renameSync(file, `${file}.1`);
    return true;
  } catch {
    return false; // No file yet.
  }
}

/** Reads `--log-level` values: a level for all, or `area=level`. @throws ChainCoreError "log-level" */
export function parseLogLevels(texts: readonly string[]): Pick<LogOptions, "level" | "areas"> {
  const areas: Partial<Record<LogArea, LogLevel>> = {};
  let level: LogLevel | undefined;
  for (const text of texts) {
    const [first, second] = text.split("=", 2) as [string, string?];
    const wanted = second ?? first;
    if (!isLevel(wanted)) {
      throw new ChainCoreError("log-level", `"${wanted}" is no log level; use one of ${LOG_LEVELS.join(", ")}`);
    }
    if (second === undefined) level = wanted;
    else if (isArea(first)) areas[first] = wanted;
    else throw new ChainCoreError("log-level", `"${first}" is no part of a node that logs; use one of ${LOG_AREAS.join(", ")}`);
  }
  return level === undefined ? { areas } : { level, areas };
}

function isLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

function isArea(text: string): text is LogArea {
  return (LOG_AREAS as readonly string[]).includes(text);
}
