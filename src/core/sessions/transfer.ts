import { createReadStream } from "node:fs";
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { currentSession, type Place } from "../client/find-node.ts";
import { findSessionMetadata, METADATA_FILE, type NodeEntry, parseMetadata } from "../client/session-metadata.ts";
import { removeUnfinished, unfinishedPath } from "../client/unfinished.ts";
import { ChainCoreError } from "../errors.ts";
import { syncFolder, writeFileAtomic } from "../files/atomic-file.ts";
import { ensurePrivateFolder, sessionFolder } from "../files/paths.ts";
import { getSession, refuseRunning, sessionExists } from "./manage.ts";
import { type PackSource, readSessionFile, writeSessionFile } from "./session-file.ts";

export interface TransferAnswer {
  readonly session: string;
  readonly path: string;
  readonly files: number;
  /** Of the files, before they were packed. */
  readonly bytes: number;
}

/** What belongs to processes and to this machine: logs, cookies, sockets, locks, and the peers that were met here. */
const LEFT_OUT =
  /(^|\/)(\.cookie|[^/]*\.(out|sock)|[^/]*\.(lock|waiter)[./].*|node\.log[^/]*|peers\.json|db\/(LOCK|LOG(\.old)?)|session_metadata\.json\..*)$/;

/**
 * Writes a session, its mnemonic included, to one file (0600). No node of it may run, nor start meanwhile: a node registers before
 * it opens its database and after it has closed it, so that an unchanged registry without running nodes tells that none did.
 * @throws ChainCoreError no-such-session, nodes-run, session-changed
 */
export async function exportSession(place: Place, path: string): Promise<TransferAnswer> {
  await removeUnfinished(place.home);
  const name = await currentSession(place);
  const before = await getSession(place.home, name);
  await refuseRunning(place.home, name, before);
  const sources = await sourcesOf(sessionFolder(place.home, name));
  const note = unfinishedPath(place.home, "exporting");
  const temporary = `${path}.${basename(note).slice(1)}.part`;
  const lastCheck = async () => {
    const now = await getSession(place.home, name);
    await refuseRunning(place.home, name, now);
    if (now.revision === before.revision) return;
    throw new ChainCoreError("session-changed", `session "${name}" changed while it was read; try again`);
  };
  await writeFileAtomic(note, temporary);
  try {
    const header = await writeSessionFile({ path, temporary }, name, sources, lastCheck);
    return answerOf(name, path, header.files);
  } catch (error) {
    throw fileError(path, error, "written");
  } finally {
    await rm(note, { force: true });
  }
}

/**
 * Makes a session of such a file, under its own name or another; its nodes are as if they had stopped.
 * It appears whole or not at all.
 * @throws ChainCoreError session-exists, session-file-damaged, session-file-too-new, session-too-new, bad-session-name
 */
export async function importSession(home: string, path: string, name?: string): Promise<TransferAnswer> {
  await removeUnfinished(home);
  if (name !== undefined) await refuseExisting(home, name);
  const sessions = join(home, "sessions");
  await ensurePrivateFolder(home);
  await ensurePrivateFolder(sessions);
  const temporary = unfinishedPath(home, "imported");
  try {
    const header = await readSessionFile(path, () => temporary).catch((error: unknown) =>
      Promise.reject(fileError(path, error, "read")),
    );
    const chosen = name ?? header.session;
    await refuseExisting(home, chosen);
    await rewriteMetadata(temporary, chosen);
    await rename(temporary, sessionFolder(home, chosen)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOTEMPTY" || error.code === "EEXIST" ? sessionExists(chosen) : error;
    });
    await syncFolder(sessions);
    return answerOf(chosen, path, header.files);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function refuseExisting(home: string, name: string): Promise<void> {
  const stands = await stat(sessionFolder(home, name)).then(
    () => true,
    () => false,
  );
  if (stands || (await findSessionMetadata(home, name))) throw sessionExists(name);
}

async function sourcesOf(folder: string): Promise<readonly PackSource[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => !LEFT_OUT.test(path))
    .sort()
    .map((path) => ({ path, read: () => createReadStream(join(folder, path)) }));
}

/** Ports and accounts stay, so that each node finds its own again; what names a process or a path of another machine goes. */
async function rewriteMetadata(folder: string, name: string): Promise<void> {
  const path = join(folder, METADATA_FILE);
  const text = await readFile(path, "utf8").catch(() => ""); // Without one it is refused like one that is no JSON.
  const { miners: _, ...metadata } = parseMetadata(text, path);
  const ended = { is_active: false, pid: 0, pid_started: null, socket: "", cookie: "", api_url: null, p2p_url: null };
  const nodes: NodeEntry[] = metadata.nodes.map((node) => ({ ...node, ...ended }));
  await writeFileAtomic(path, `${JSON.stringify({ ...metadata, name, nodes }, null, 2)}\n`);
}

function fileError(path: string, error: unknown, done: "read" | "written"): unknown {
  const { code, path: where } = error as NodeJS.ErrnoException;
  const missing = code === "ENOENT" || code === "EACCES" || code === "EISDIR" || code === "ENOTDIR";
  if (error instanceof ChainCoreError || !missing || !where?.startsWith(path)) return error;
  return new ChainCoreError("session-file", `${path} cannot be ${done} (${code}); check its path and mode`, { cause: error });
}

function answerOf(session: string, path: string, files: readonly { readonly size: number }[]): TransferAnswer {
  return { session, path, files: files.length, bytes: files.reduce((sum, file) => sum + file.size, 0) };
}
