import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, metadataPath, type NodeEntry } from "../client/session-metadata.ts";
import { holdAt, isDead } from "../files/lock-folder.ts";
import { sessionFolder } from "../files/paths.ts";

/** A process that has files of a node open, though the registry knows no such process. */
export interface Orphan {
  readonly pid: number;
  readonly node: string;
}

/**
 * Processes of this user that work in a session's node folders and are not among `nodes` that run: a node whose registry was
 * removed or overwritten by hand, for example. Looks at open files, which no process can misstate; empty where the
 * system does not tell them (only Linux does). Looks at every process once.
 */
export async function findOrphans(home: string, session: string, nodes: readonly NodeEntry[]): Promise<readonly Orphan[]> {
  const known = new Set([process.pid, ...nodes.filter(isRunning).map((node) => node.pid)]);
  const folder = join(sessionFolder(home, session), "nodes", "/");
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.filter((pid) => !known.has(pid)).map((pid) => nodeThatItHasOpen(pid, folder)));
  return found.filter((orphan) => orphan !== undefined).toSorted((a, b) => a.pid - b.pid);
}

async function nodeThatItHasOpen(pid: number, folder: string): Promise<Orphan | undefined> {
  const open = `/proc/${pid}/fd`;
  // Another user's process, or one that has just ended, does not show its files.
  for (const name of await readdir(open).catch(() => [])) {
    const path = await readlink(join(open, name)).catch(() => "");
    if (!path.startsWith(folder)) continue;
    const [node = "", file = ""] = path.slice(folder.length).split("/");
    if (file === "db") return { pid, node }; // The database is its owner's alone; a log may be open in a pager.
  }
  return undefined;
}

/** True where the lock of a session's registry belongs to a process that is gone: the next writer removes it. */
export function isLockLeftBehind(home: string, session: string): boolean {
  const hold = holdAt(metadataPath(home, session));
  return hold !== undefined && isDead(hold.token);
}
