/*
 * What a lock between processes is on disk, and the four steps that change it. None of them looks at a clock.
 *
 *   <path>.lock/                     free when it is absent or empty
 *   <path>.lock/<token>              held: the token names process and hold; the file is the hold's journal
 *   <path>.lock.<token>/             a hold about to be tried
 *   <path>.waiter.<token>            somebody waits
 *
 *   take     makes <path>.lock.<token>/ with the journal in it and renames it to <path>.lock: rename replaces an empty folder
 *            and fails on a full one (rename(2), ENOTEMPTY), so that a lock never stands without the name of who has it.
 *   release  unlinks the journal, then removes the folder if nobody has taken it yet.
 *   rob      the same as release, of another's token: of many who rob the same dead hold one unlinks it, and none can hit
 *            the hold that comes after it, for that has another token.
 *   owns     whether the journal still stands: exact, where a note of times could only guess.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { isSameProcess, processStartTime } from "./process-identity.ts";

/** Names one hold or one wait for good: process, its start, and a number drawn at random. Part of a file's name. */
export type LockToken = string;

export interface TokenOwner {
  readonly pid: number;
  /** Null where the system does not tell. */
  readonly pidStarted: string | null;
}

/** What holders and waiters write down about themselves. */
export interface LockNote {
  readonly command: string;
  /** ISO 8601; to read, not to reckon with. */
  readonly since: string;
}

/** A hold's journal as it stands. */
export interface HoldNote extends LockNote, TokenOwner {
  readonly token: LockToken;
  /** Locks that the holder waits for before it gives this one back. */
  readonly waitsFor: ReadonlySet<string>;
  /** Grows with each entry: two looks with the same length have seen the same. */
  readonly length: number;
}

export interface WaiterNote extends LockNote, TokenOwner {
  readonly token: LockToken;
  /** The holds within which it waits. */
  readonly within: readonly Hold[];
}

/** One hold of one lock. */
export interface Hold {
  readonly path: string;
  readonly token: LockToken;
}

export function newToken(): LockToken {
  return `${process.pid}.${processStartTime(process.pid) ?? "-"}.${randomBytes(8).toString("hex")}`;
}

export function ownerOf(token: string): TokenOwner | undefined {
  const [, pid, started] = /^(\d+)\.([\w-]+)\.[0-9a-f]{16}$/.exec(token) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), pidStarted: started === "-" ? null : started! };
}

/** True when the process that made the token is gone. */
export function isDead(token: LockToken): boolean {
  const owner = ownerOf(token);
  return owner !== undefined && !isSameProcess(owner.pid, owner.pidStarted);
}

/** False when somebody holds the lock. */
export function take({ path, token }: Hold, note: LockNote): boolean {
  if (tokenAt(path) !== undefined) return false; // The usual case of who waits: spares it four calls.
  const made = `${path}.lock.${token}`;
  mkdirSync(made, { mode: 0o700 });
  try {
    writeFileSync(join(made, token), `${JSON.stringify(note)}\n`, { flag: "wx", mode: 0o600 });
    renameSync(made, lockFolder(path));
    return true;
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "EPERM") return false; // EPERM: Windows says it so.
    throw error;
  }
}

/** Ends a hold, one's own or a dead process's. False when it had ended before. */
export function release({ path, token }: Hold): boolean {
  try {
    unlinkSync(join(lockFolder(path), token));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  try {
    rmdirSync(lockFolder(path));
  } catch {
    // Taken by the next one already, or removed by another.
  }
  return true;
}

export function owns({ path, token }: Hold): boolean {
  return existsSync(join(lockFolder(path), token));
}

/** A sign of life. @throws ENOENT when the hold was robbed */
export function touch({ path, token }: Hold): void {
  const now = new Date();
  utimesSync(join(lockFolder(path), token), now, now);
}

/** Changes with each sign of life; nothing else is read from it. Undefined when the hold has ended. */
export function lastSign({ path, token }: Hold): bigint | undefined {
  return statSync(join(lockFolder(path), token), { bigint: true, throwIfNoEntry: false })?.mtimeNs;
}

/** Adds to a hold's journal that it waits for a lock, or waits no more. False when the hold was robbed. */
export function record({ path, token }: Hold, entry: { readonly waits: string } | { readonly ends: string }): boolean {
  let file: number;
  try {
    file = openSync(join(lockFolder(path), token), constants.O_WRONLY | constants.O_APPEND);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  try {
    writeSync(file, `${JSON.stringify(entry)}\n`);
    return true;
  } finally {
    closeSync(file);
  }
}

/** The hold of the lock, dead or alive. */
export function holdAt(path: string): HoldNote | undefined {
  const token = tokenAt(path);
  const text = token === undefined ? undefined : readText(join(lockFolder(path), token));
  if (token === undefined || text === undefined) return undefined;
  const entries = linesOf(text);
  const waitsFor = new Set<string>();
  for (const { waits, ends } of entries) {
    if (waits !== undefined) waitsFor.add(waits);
    if (ends !== undefined) waitsFor.delete(ends);
  }
  const { command = "?", since = "?" } = entries[0] ?? {};
  return { ...ownerOf(token)!, token, command, since, waitsFor, length: text.length };
}

export function writeWaiter({ path, token }: Hold, note: LockNote & { readonly within: readonly Hold[] }): void {
  writeFileSync(`${path}.waiter.${token}`, `${JSON.stringify(note)}\n`, { flag: "wx", mode: 0o600 });
}

export function removeWaiter({ path, token }: Hold): void {
  rmSync(`${path}.waiter.${token}`, { force: true });
}

/** Who waits for the lock and lives, in no order. */
export function waitersAt(path: string): readonly WaiterNote[] {
  const prefix = `${basename(path)}.waiter.`;
  return namesIn(dirname(path)).flatMap((name) => {
    const token = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    const owner = ownerOf(token);
    const [note] = owner === undefined || isDead(token) ? [] : linesOf(readText(join(dirname(path), name)) ?? "");
    if (owner === undefined || note === undefined) return [];
    return [{ ...owner, token, command: note.command ?? "?", since: note.since ?? "?", within: note.within ?? [] }];
  });
}

/** Removes what killed processes left beside the lock. */
export function sweep(path: string): void {
  const prefixes = [`${basename(path)}.lock.`, `${basename(path)}.waiter.`];
  for (const name of namesIn(dirname(path))) {
    const prefix = prefixes.find((one) => name.startsWith(one));
    if (prefix === undefined || !isDead(name.slice(prefix.length))) continue;
    rmSync(join(dirname(path), name), { recursive: true, force: true });
  }
}

export function lockFolder(path: string): string {
  return `${path}.lock`;
}

function tokenAt(path: string): LockToken | undefined {
  return namesIn(lockFolder(path)).find((name) => ownerOf(name) !== undefined);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Not there, or gone in this moment.
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

type Entry = Partial<LockNote> & { readonly waits?: string; readonly ends?: string; readonly within?: readonly Hold[] };

/** Whole lines only: the last one may be half written. */
function linesOf(text: string): readonly Entry[] {
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Entry];
      } catch {
        return [];
      }
    });
}
