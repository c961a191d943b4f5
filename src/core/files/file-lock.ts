/*
 * A lock between processes over one file, as flock(2) would give it.
 *
 * Node has no flock. Locks made of files or folders (O_EXCL, mkdir, a lease kept fresh by a timer) must guess whether
 * a silent holder is dead: too early robs one that was only suspended, too late makes everybody wait for one that was
 * killed, and a clock that jumps confuses both. SQLite, which is part of Node, takes a kernel lock (fcntl, LockFileEx)
 * when a transaction starts. The kernel drops it in the moment in which its process ends, however that happens, and
 * never before. So there is no stale time, no fence and no recovery: an exclusive transaction on an empty database
 * `<path>.lock`, in which nothing is ever written, is the lock.
 *
 * Mode: exclusive only. Fairness: first come, first served among callers of one FileLock; between processes a waiter
 * asks every few milliseconds, after passing a turnstile (a second such lock), so that a process which takes the lock
 * again and again queues behind those who wait. Cancelling: a timeout or an aborted signal leaves nothing behind.
 *
 *     const lock = new FileLock("/home/me/session_metadata.json");
 *     await lock.withLock(async () => { ... read, change, writeFileAtomic ... }, { timeoutMs: 10_000 });
 *
 * Proof of exclusion: fn runs only between BEGIN EXCLUSIVE and ROLLBACK on a connection of our own; SQLite admits one
 * such transaction per file over all connections of all processes. The lock file is never deleted, so all agree on it.
 */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { ChainCoreError } from "../errors.ts";

export const FILE_LOCK_TIMEOUT_MS = 10_000;
/** How often a waiter asks, at most; drawn at random below it, so that waiters do not march in step. */
const POLL_MS_MAX = 6;
const SQLITE_BUSY = 5;

/** Who has the lock, as it wrote itself down for those who wait. */
export interface LockHolder {
  readonly pid: number;
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
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
   * Runs `fn` while no other process, and no other caller here, runs inside the same lock. Not re-entrant.
   * @throws ChainCoreError file-lock-timeout (default 10 s), naming the holder
   */
  async withLock<R>(fn: () => R | Promise<R>, options: FileLockOptions = {}): Promise<R> {
    const startedMs = performance.now();
    const deadlineMs = startedMs + (options.timeoutMs ?? FILE_LOCK_TIMEOUT_MS);
    const before = this.#queueEnd;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    this.#queueEnd = before.then(() => promise);
    try {
      await this.#until(before, deadlineMs, options.signal);
      const held = await this.#acquire(deadlineMs, options.signal);
      this.#count(performance.now() - startedMs);
      const heldSinceMs = performance.now();
      try {
        return await fn();
      } finally {
        held.release();
        this.statistics.holdMsMax = Math.max(this.statistics.holdMsMax, performance.now() - heldSinceMs);
      }
    } finally {
      leave();
    }
  }

  /** Who holds the lock now, if anyone does; a note that a killed holder left counts for nobody. */
  holder(): LockHolder | undefined {
    const probe = openLock(`${this.path}.lock`);
    try {
      return tryLock(probe) ? undefined : this.#readHolder();
    } finally {
      probe.close();
    }
  }

  async #acquire(deadlineMs: number, signal: AbortSignal | undefined): Promise<{ release(): void }> {
    const turnstile = openLock(`${this.path}.turn`);
    const lock = openLock(`${this.path}.lock`);
    try {
      await this.#poll(turnstile, deadlineMs, signal);
      await this.#poll(lock, deadlineMs, signal);
    } catch (error) {
      lock.close();
      throw error;
    } finally {
      turnstile.close();
    }
    const note: LockHolder = { pid: process.pid, command: ownCommand(), since: new Date().toISOString() };
    writeFileSync(`${this.path}.holder`, JSON.stringify(note), { mode: 0o600 });
    return {
      release: () => {
        rmSync(`${this.path}.holder`, { force: true });
        lock.close();
      },
    };
  }

  async #poll(database: DatabaseSync, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    while (!tryLock(database)) {
      if (performance.now() >= deadlineMs) throw this.#timedOut();
      await sleep(1 + Math.random() * (POLL_MS_MAX - 1), undefined, signal ? { signal } : {});
    }
  }

  /** Waits for the callers in front, but no longer than allowed. */
  async #until(before: Promise<unknown>, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const limit = new AbortController();
    const stop = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
    const timer = sleep(Math.max(0, deadlineMs - performance.now()), "late" as const, { signal: stop });
    try {
      if ((await Promise.race([before, timer])) === "late") throw this.#timedOut();
    } finally {
      timer.catch(() => {}); // Aborted below, when nobody waits for it any more.
      limit.abort();
    }
  }

  #timedOut(): ChainCoreError {
    this.statistics.timeouts++;
    const holder = this.#readHolder();
    const who = holder
      ? `process ${holder.pid} (${holder.command}) has held it since ${holder.since}`
      : "another process holds it";
    return new ChainCoreError(
      "file-lock-timeout",
      `Failed to acquire file lock on ${this.path}: ${who}; wait for it or end that process`,
      { detail: { path: this.path, holder } },
    );
  }

  #readHolder(): LockHolder | undefined {
    try {
      return JSON.parse(readFileSync(`${this.path}.holder`, "utf8")) as LockHolder;
    } catch {
      return undefined; // Not written yet, or just removed.
    }
  }

  #count(waitedMs: number): void {
    this.statistics.acquisitions++;
    if (waitedMs > POLL_MS_MAX) this.statistics.contentions++;
    this.statistics.waitMsMax = Math.max(this.statistics.waitMsMax, waitedMs);
  }
}

function openLock(path: string): DatabaseSync {
  closeSync(openSync(path, "a", 0o600));
  return new DatabaseSync(path, { timeout: 0 });
}

/** Closing the connection gives the lock back. */
function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

/** The program and its subcommand, without flags: their values may be secrets. */
function ownCommand(): string {
  const [, script = "node", ...words] = process.argv;
  const firstFlag = words.findIndex((word) => word.startsWith("-"));
  return [basename(script), ...(firstFlag < 0 ? words : words.slice(0, firstFlag))].slice(0, 4).join(" ");
}
