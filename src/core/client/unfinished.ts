import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDead, newToken } from "../files/lock-folder.ts";

/*
 * Work on whole sessions that a kill can leave half done, each under a name with its process in it, so that the next command finds
 * what nobody finishes any more. Both kinds hold a mnemonic.
 *
 *   sessions/.imported-<token>/   a session being unpacked
 *   sessions/.removed-<token>/    a session being deleted
 *   sessions/.exporting-<token>   the path of a session file being written, which may lie anywhere
 */
export type UnfinishedKind = "imported" | "removed" | "exporting";

export interface Unfinished {
  readonly kind: UnfinishedKind;
  /** What holds the mnemonic: a folder, or a part of a session file. */
  readonly path: string;
  /** Where it is noted; the same for folders. */
  readonly note: string;
}

/** A name under `sessions` that no other process draws. */
export function unfinishedPath(home: string, kind: UnfinishedKind): string {
  return join(home, "sessions", `.${kind}-${newToken()}`);
}

/** What killed processes have left; the work of those that run is not among it. */
export async function findUnfinished(home: string): Promise<readonly Unfinished[]> {
  const names = await readdir(join(home, "sessions")).catch(() => []);
  const found = names.flatMap((name) => {
    const [, kind, token] = /^\.(imported|removed|exporting)-(.+)$/.exec(name) ?? [];
    return kind === undefined || !isDead(token!) ? [] : [{ kind: kind as UnfinishedKind, note: join(home, "sessions", name) }];
  });
  return await Promise.all(
    found.map(async ({ kind, note }) => ({ kind, note, path: kind === "exporting" ? await partNamedIn(note) : note })),
  );
}

/** Removes it. Returns what was there. */
export async function removeUnfinished(home: string): Promise<readonly Unfinished[]> {
  const found = await findUnfinished(home);
  for (const { path, note } of found) {
    await rm(path, { recursive: true, force: true });
    await rm(note, { force: true }); // Last: a kill in between must not lose the path.
  }
  return found;
}

/** A note that was cut short names no file of ours. */
async function partNamedIn(note: string): Promise<string> {
  const path = await readFile(note, "utf8").catch(() => "");
  return path.endsWith(".part") ? path : note;
}
