/*
 * A lock between processes over one file: proper-lockfile's folder `<path>.lock`, made by mkdir and kept fresh by its
 * holder, with what it lacks.
 *
 * Mode: exclusive only, not re-entrant. Fairness: first come, first served among the callers of one FileLock; processes
 * ask at random intervals of a few milliseconds. Cancelling: a timeout or an aborted signal leaves nothing behind.
 *
 * A killed holder. Each holder leaves a note: pid, start time, and which lock folder it means. A waiter that finds the
 * noted process gone removes that folder at once; where no note helps, the folder is stale after 5 s without a sign.
 *
 * Not promised: that a holder which was suspended for longer than that, or whose clock jumped, still has the lock when
 * it goes on. It is told (`held.throwIfLost()`, the signal) if it asks after it was found out. What must not be
 * overwritten is written through fenced-file.ts, which does not rely on this lock.
 *
 *     const lock = new FileLock("/home/me/session_metadata.json");
 *     await lock.withLock(async (held) => { ... held.throwIfLost(); ... }, { timeoutMs: 10_000 });
 */
import { readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import properLockfile from "proper-lockfile";
import { ChainCoreError } from "../errors.ts";
import { isSameProcess, processStartTime } from "./process-identity.ts";

export const FILE_LOCK_TIMEOUT_MS = 10_000;
/** The same in every process: whoever expects less would rob the others. */
export const STALE_MS = 5_000;
const REFRESH_MS = 1_000;
/** A waiter asks after 1 to this many milliseconds, drawn at random, so that waiters do not march in step. */
const POLL_MS_MAX = 20;
/** An acquisition that took longer met somebody. */
const CONTENDED_MS = 5;

/** Who has the lock, as it wrote itself down for those who wait. */
export interface LockHolder {
  readonly pid: number;
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

interface HolderNote extends LockHolder {
  readonly pidStarted: string | null;
  /** Names the very lock folder that this holder made. */
  readonly folder: string;
}

export interface FileLockStatistics {
  acquisitions: number;
  /** Acquisitions that had to wait. */
  contentions: number;
  timeouts: number;
  waitMsMax: number;
  holdMsMax: number;
}

export interface FileLockOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The lock while one has it. */
export interface HeldLock {
  /** Aborted when the lock is found to be lost. */
  readonly signal: AbortSignal;
  /** @throws ChainCoreError file-lock-lost */
  throwIfLost(): void;
}

export class FileLock {
  readonly path: string;
  readonly statistics: FileLockStatistics = { acquisitions: 0, contentions: 0, timeouts: 0, waitMsMax: 0, holdMsMax: 0 };
  /** The end of this process's queue: resolves when the last one in it has left. */
  #queueEnd: Promise<unknown> = Promise.resolve();

  /** `path` is the guarded file; it need not exist, its folder must. */
  constructor(path: string) {
    this.path = path;
  }

  /**
   * Runs `fn` while no other process, and no other caller here, runs inside the same lock.
   * @throws ChainCoreError file-lock-timeout (default 10 s), naming the holder
   */
  async withLock<R>(fn: (held: HeldLock) => R | Promise<R>, options: FileLockOptions = {}): Promise<R> {
    const startedMs = performance.now();
    const deadlineMs = startedMs + (options.timeoutMs ?? FILE_LOCK_TIMEOUT_MS);
    const before = this.#queueEnd;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    this.#queueEnd = before.then(() => promise);
    try {
      await this.#until(before, deadlineMs, options.signal);
      const held = await this.#acquire(deadlineMs, options.signal);
      const heldSinceMs = performance.now();
      this.#count(heldSinceMs - startedMs);
      try {
        return await fn(held);
      } finally {
        await held.release();
        this.statistics.holdMsMax = Math.max(this.statistics.holdMsMax, performance.now() - heldSinceMs);
      }
    } finally {
      leave();
    }
  }

  /** Who holds the lock now, if anyone does; a note that a killed holder left counts for nobody. */
  holder(): LockHolder | undefined {
    const note = this.#note();
    return note && note.folder === this.#folder() && isSameProcess(note.pid, note.pidStarted) ? note : undefined;
  }

  async #acquire(deadlineMs: number, signal: AbortSignal | undefined): Promise<HeldLock & { release(): Promise<void> }> {
    const lost = new AbortController();
    const release = await this.#poll(deadlineMs, signal, () => lost.abort(lostLock(this.path)));
    const note: HolderNote = {
      pid: process.pid,
      command: ownCommand(),
      since: new Date().toISOString(),
      pidStarted: processStartTime(process.pid),
      folder: this.#folder() ?? "",
    };
    writeFileSync(this.#notePath, JSON.stringify(note), { mode: 0o600 });
    return {
      signal: lost.signal,
      throwIfLost: () => lost.signal.throwIfAborted(),
      release: async () => {
        if (lost.signal.aborted) return; // Note and folder are another's by now.
        rmSync(this.#notePath, { force: true });
        await release().catch(() => {}); // Lost between the check and here: the same.
      },
    };
  }

  async #poll(deadlineMs: number, signal: AbortSignal | undefined, onCompromised: () => void): Promise<() => Promise<void>> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await properLockfile.lock(this.path, {
          realpath: false,
          stale: STALE_MS,
          update: REFRESH_MS,
          retries: 0,
          onCompromised,
        });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      }
      if (this.#freeFromTheDead()) continue;
      if (performance.now() >= deadlineMs) throw this.#timedOut();
      await sleep(1 + Math.random() * (POLL_MS_MAX - 1), undefined, signal ? { signal } : {});
    }
  }

  /** Waits for the callers in front, but no longer than allowed. */
  async #until(before: Promise<unknown>, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const limit = new AbortController();
    const stop = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
    const timer = sleep(Math.max(0, deadlineMs - performance.now()), "late" as const, { signal: stop });
    timer.catch(() => {}); // Aborted below, when nobody waits for it any more.
    try {
      if ((await Promise.race([before, timer])) === "late") throw this.#timedOut();
    } finally {
      limit.abort();
    }
  }

  #timedOut(): ChainCoreError {
    this.statistics.timeouts++;
    const holder = this.holder();
    const who = holder
      ? `process ${holder.pid} (${holder.command}) has held it since ${holder.since}`
      : "another process holds it";
    return new ChainCoreError(
      "file-lock-timeout",
      `Failed to acquire file lock on ${this.path}: ${who}; wait for it or end that process`,
      { detail: { path: this.path, holder } },
    );
  }

  /** True when the lock belonged to a process that is gone, and was taken from it. */
  #freeFromTheDead(): boolean {
    const note = this.#note();
    if (!note || note.folder !== this.#folder() || isSameProcess(note.pid, note.pidStarted)) return false;
    try {
      rmdirSync(`${this.path}.lock`);
    } catch {
      // Another waiter was quicker.
    }
    return true;
  }

  get #notePath(): string {
    return `${this.path}.holder`;
  }

  #note(): HolderNote | undefined {
    try {
      return JSON.parse(readFileSync(this.#notePath, "utf8")) as HolderNote;
    } catch {
      return undefined; // Not written yet, half written, or just removed.
    }
  }

  /** What tells one lock folder from the next: inodes are used again, times of birth are not. */
  #folder(): string | undefined {
    const found = statSync(`${this.path}.lock`, { bigint: true, throwIfNoEntry: false });
    return found && `${found.ino}-${found.birthtimeNs}`;
  }

  #count(waitedMs: number): void {
    this.statistics.acquisitions++;
    if (waitedMs > CONTENDED_MS) this.statistics.contentions++;
    this.statistics.waitMsMax = Math.max(this.statistics.waitMsMax, waitedMs);
  }
}

function lostLock(path: string): ChainCoreError {
  return new ChainCoreError("file-lock-lost", `the file lock on ${path} was lost (was this process suspended?); try again`, {
    detail: { path },
  });
}

/** The program and its subcommand, without flags: their values may be secrets. */
function ownCommand(): string {
  const [, script = "node", ...words] = process.argv;
  const firstFlag = words.findIndex((word) => word.startsWith("-"));
  return [basename(script), ...(firstFlag < 0 ? words : words.slice(0, firstFlag))].slice(0, 4).join(" ");
}
