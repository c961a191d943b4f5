import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type HoldNote, holdAt, isDead, type WaiterNote, waitersAt } from "./lock-folder.ts";

/** A lock between processes that somebody holds or waits for. */
export interface FileLockState {
  readonly path: string;
  /** Undefined in the moment between two holders. */
  readonly holder: HoldNote | undefined;
  readonly waiters: readonly WaiterNote[];
}

/** Locks in these folders, not below them, whose holder or waiters live. A glimpse: they move on while it is taken. */
export function listFileLocks(folders: readonly string[]): readonly FileLockState[] {
  return [...new Set(folders)].flatMap((folder) => {
    const paths = new Set(namesIn(folder).flatMap((name) => /^(.+)\.(?:lock|waiter\.[^/]+)$/.exec(name)?.[1] ?? []));
    return [...paths].sort().flatMap((name) => stateOf(join(folder, name)));
  });
}

function stateOf(path: string): readonly FileLockState[] {
  const hold = holdAt(path);
  const holder = hold === undefined || isDead(hold.token) ? undefined : hold;
  const waiters = waitersAt(path);
  return holder === undefined && waiters.length === 0 ? [] : [{ path, holder, waiters }];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // A node that has not made its folder yet, or not ours to read.
  }
}
