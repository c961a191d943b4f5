/*
 * A lock between processes over one file. What it is on disk, and why its steps cannot be torn, stands in lock-folder.ts.
 *
 * Mode: exclusive only, not re-entrant. Fairness: first come, first served among the callers of one FileLock; processes
 * ask at random intervals of a few milliseconds. Cancelling: a timeout or an aborted signal leaves nothing behind.
 *
 * A killed holder loses the lock at once: pid and start time in its token tell that it is gone. One that runs keeps it, however
 * clocks jump: nothing here reads the time of day. One that is suspended (SIGSTOP), or of which the system does not tell whether
 * it lives, loses it when a waiter has seen no sign of it for 5 s by its own monotonic clock. It is told: by the signal
 * within a second after it goes on, by `held.throwIfLost()` exactly. What must not be overwritten is written through
 * fenced-file.ts, which does not rely on this lock.
 *
 * Deadlock: who takes a second lock inside the first says so (`within: held`). A wait that closes a cycle is then found,
 * and one of the waits in it, the same for all who look, is refused at once.
 *
 *     const lock = new FileLock("/home/me/session_metadata.json");
 *     await lock.withLock(async (held) => { ... held.throwIfLost(); ... }, { timeoutMs: 10_000 });
 *     await lock.withLock((held) => other.withLock(work, { within: held }));
 */
import { basename, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ChainCoreError } from "../errors.ts";
import { describeCycle, findCycle, victimOf } from "./lock-cycle.ts";
import type { Hold } from "./lock-folder.ts";
import * as disk from "./lock-folder.ts";
import { isSuspended } from "./process-identity.ts";

export const FILE_LOCK_TIMEOUT_MS = 10_000;
/** After so long without a sign a hold is taken from a process that is suspended or cannot be looked at. */
export const STALE_MS = 5_000;
const SIGN_MS = 1_000;
/** A waiter asks after 1 to this many milliseconds, drawn at random, so that waiters do not march in step. */
const POLL_MS_MAX = 20;
/** An acquisition that took longer met somebody. */
const CONTENDED_MS = 5;

/** Who has the lock or waits for it, as it wrote itself down. */
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
  /** Waits that were refused because they closed a cycle. */
  deadlocks: number;
  /** Of the contentions. */
  waitMsTotal: number;
  waitMsMax: number;
  holdMsMax: number;
}

export interface FileLockOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The lock inside which this one is taken. */
  readonly within?: HeldLock;
}

/** The lock while one has it. */
export interface HeldLock {
  /** Aborted when the lock is found to be lost. */
  readonly signal: AbortSignal;
  /** This hold, and those inside which it was taken. */
  readonly holds: readonly Hold[];
  /** @throws ChainCoreError file-lock-lost */
  throwIfLost(): void;
}

export class FileLock {
  readonly path: string;
  readonly statistics: FileLockStatistics = {
    acquisitions: 0,
    contentions: 0,
    timeouts: 0,
    deadlocks: 0,
    waitMsTotal: 0,
    waitMsMax: 0,
    holdMsMax: 0,
  };
  /** The end of this process's queue: resolves when the last one in it has left. */
  #queueEnd: Promise<unknown> = Promise.resolve();
  #inQueue = 0;
  #hasSwept = false;

  /** `path` is the guarded file; it need not exist, its folder must. */
  constructor(path: string) {
    this.path = resolve(path);
  }

  /**
   * Runs `fn` while no other process, and no other caller here, runs inside the same lock.
   * @throws ChainCoreError file-lock-timeout (default 10 s), file-lock-deadlock: both name the holders
   */
  async withLock<R>(fn: (held: HeldLock) => R | Promise<R>, options: FileLockOptions = {}): Promise<R> {
    const startedMs = performance.now();
    const before = this.#queueEnd;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    this.#queueEnd = before.then(() => promise);
    this.#inQueue++;
    try {
      options.signal?.throwIfAborted();
      const hold = (this.#inQueue === 1 ? this.#take() : undefined) ?? (await this.#wait(before, startedMs, options));
      return await this.#run(fn, hold, startedMs, options.within);
    } finally {
      this.#inQueue--;
      leave();
    }
  }

  /** Who holds the lock now, if anyone does; a note that a killed holder left counts for nobody. */
  holder(): LockHolder | undefined {
    const hold = disk.holdAt(this.path);
    if (hold === undefined || disk.isDead(hold.token)) return undefined;
    return { pid: hold.pid, command: hold.command, since: hold.since };
  }

  /** Who waits for it now, in any process. */
  waiters(): readonly LockHolder[] {
    return disk.waitersAt(this.path).map(({ pid, command, since }) => ({ pid, command, since }));
  }

  #take(): Hold | undefined {
    const hold = { path: this.path, token: disk.newToken() };
    return disk.take(hold, noteOf()) ? hold : undefined;
  }

  async #run<R>(fn: (held: HeldLock) => R | Promise<R>, hold: Hold, startedMs: number, within: HeldLock | undefined): Promise<R> {
    const forget = atExit(() => disk.release(hold));
    const heldSinceMs = performance.now();
    this.#count(heldSinceMs - startedMs);
    const lost = new AbortController();
    const signs = setInterval(() => {
      if (!showSign(hold)) lost.abort(lostLock(this.path));
    }, SIGN_MS).unref();
    const throwIfLost = () => {
      if (!disk.owns(hold)) lost.abort(lostLock(this.path));
      lost.signal.throwIfAborted();
    };
    try {
      if (!this.#hasSwept) disk.sweep(this.path);
      this.#hasSwept = true;
      return await fn({ signal: lost.signal, holds: [hold, ...(within?.holds ?? [])], throwIfLost });
    } finally {
      clearInterval(signs);
      disk.release(hold);
      forget();
      this.statistics.holdMsMax = Math.max(this.statistics.holdMsMax, performance.now() - heldSinceMs);
    }
  }

  /** For the callers in front, then for other processes; seen by others meanwhile. */
  async #wait(before: Promise<unknown>, startedMs: number, options: FileLockOptions): Promise<Hold> {
    const { signal, within, timeoutMs = FILE_LOCK_TIMEOUT_MS } = options;
    const wait: Wait = {
      deadlineMs: startedMs + timeoutMs,
      signal,
      holds: within?.holds ?? [],
      watch: undefined,
    };
    const waiter = { path: this.path, token: disk.newToken() };
    disk.writeWaiter(waiter, { ...noteOf(), within: wait.holds });
    const forget = atExit(() => disk.removeWaiter(waiter));
    try {
      for (const hold of wait.holds) if (!disk.record(hold, { waits: this.path })) throw lostLock(hold.path);
      await this.#untilFirst(before, wait);
      return await this.#poll(wait);
    } finally {
      for (const hold of wait.holds) disk.record(hold, { ends: this.path });
      disk.removeWaiter(waiter);
      forget();
    }
  }

  /** Waits for the callers in front, but no longer than allowed. */
  async #untilFirst(before: Promise<unknown>, wait: Wait): Promise<void> {
    let isFirst = false;
    const first = before.then(() => {
      isFirst = true;
    });
    while (!isFirst) {
      this.#refuseCycle(wait);
      const leftMs = wait.deadlineMs - performance.now();
      if (leftMs <= 0) throw this.#timedOut();
      const limit = new AbortController();
      const stop = wait.signal ? AbortSignal.any([wait.signal, limit.signal]) : limit.signal;
      const timer = sleep(wait.holds.length === 0 ? leftMs : Math.min(leftMs, POLL_MS_MAX), undefined, { signal: stop });
      timer.catch(() => {}); // Aborted below, when nobody waits for it any more.
      try {
        await Promise.race([first, timer]);
      } finally {
        limit.abort();
      }
    }
  }

  async #poll(wait: Wait): Promise<Hold> {
    for (;;) {
      wait.signal?.throwIfAborted();
      const hold = this.#take();
      if (hold) return hold;
      if (this.#robForfeit(wait)) continue;
      this.#refuseCycle(wait);
      if (performance.now() >= wait.deadlineMs) throw this.#timedOut();
      await sleep(1 + Math.random() * (POLL_MS_MAX - 1), undefined, wait.signal ? { signal: wait.signal } : {});
    }
  }

  /** True when the lock belonged to a process that is gone, or has given no sign, and may be tried for again. */
  #robForfeit(wait: Wait): boolean {
    const hold = disk.holdAt(this.path);
    if (hold === undefined) return false;
    const of = { path: this.path, token: hold.token };
    if (disk.isDead(hold.token)) return disk.release(of);
    if (hold.pidStarted !== null && !isSuspended(hold.pid)) {
      wait.watch = undefined;
      return false;
    }
    const sign = `${hold.token} ${disk.lastSign(of)}`;
    if (wait.watch?.sign !== sign) wait.watch = { sign, sinceMs: performance.now() };
    return performance.now() - wait.watch.sinceMs >= STALE_MS && disk.release(of);
  }

  #refuseCycle({ holds }: Wait): void {
    if (holds.length === 0) return;
    const cycle = findCycle(this.path, holds);
    if (cycle === undefined || victimOf(cycle) !== cycle[0]) return;
    this.statistics.deadlocks++;
    throw new ChainCoreError(
      "file-lock-deadlock",
      `Deadlock detected: ${describeCycle(cycle)}; this request was refused: take the locks in one order everywhere`,
      { detail: { path: this.path, cycle } },
    );
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

  #count(waitedMs: number): void {
    const { statistics } = this;
    statistics.acquisitions++;
    if (waitedMs <= CONTENDED_MS) return;
    statistics.contentions++;
    statistics.waitMsTotal += waitedMs;
    statistics.waitMsMax = Math.max(statistics.waitMsMax, waitedMs);
  }
}

interface Wait {
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Inside which it waits. */
  readonly holds: readonly Hold[];
  /** The last sign of a holder that may have forfeited the lock, and when it was first seen, monotonic. */
  watch: { readonly sign: string; readonly sinceMs: number } | undefined;
}

function showSign(hold: Hold): boolean {
  try {
    disk.touch(hold);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT"; // A full disk does not end a hold.
  }
}

function lostLock(path: string): ChainCoreError {
  return new ChainCoreError("file-lock-lost", `the file lock on ${path} was lost (was this process suspended?); try again`, {
    detail: { path },
  });
}

const ends = new Set<() => void>();

/** A process that ends of itself leaves no note behind; returns what forgets it again. */
function atExit(end: () => void): () => void {
  if (ends.size === 0) process.on("exit", endAll);
  ends.add(end);
  return () => {
    ends.delete(end);
    if (ends.size === 0) process.off("exit", endAll);
  };
}

function endAll(): void {
  for (const end of ends) {
    try {
      end();
    } catch {
      // The next one who asks finds a dead process's note and removes it.
    }
  }
}

function noteOf(): disk.LockNote {
  return { command: ownCommand(), since: new Date().toISOString() };
}

/** The program and its subcommand, without flags: their values may be secrets. */
function ownCommand(): string {
  const [, script = "node", ...words] = process.argv;
  const firstFlag = words.findIndex((word) => word.startsWith("-"));
  return [basename(script), ...(firstFlag < 0 ? words : words.slice(0, firstFlag))].slice(0, 4).join(" ");
}
