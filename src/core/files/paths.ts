import { constants } from "node:fs";
import { access, lstat, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ChainCoreError } from "../errors.ts";
import { fileSystemOf } from "./file-system.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of all sessions: `explicit` (a flag), else $CHAINCORE_HOME, $XDG_STATE_HOME/chaincore, ~/.local/state/chaincore. */
export function chaincoreHome(explicit: string | undefined, environment: Environment): string {
  const chosen = explicit || environment["CHAINCORE_HOME"];
  if (chosen) return resolve(chosen);
  return join(xdgFolder(environment["XDG_STATE_HOME"], ".local/state", environment), "chaincore");
}

/** The file with a user's own defaults: $XDG_CONFIG_HOME/chaincore/config.json, else ~/.config/chaincore/config.json. */
export function configFile(environment: Environment): string {
  return join(xdgFolder(environment["XDG_CONFIG_HOME"], ".config", environment), "chaincore", "config.json");
}

/** The XDG rules ignore a relative path. */
function xdgFolder(value: string | undefined, fallback: string, environment: Environment): string {
  return value && isAbsolute(value) ? value : join(environment["HOME"] || homedir(), fallback);
}

/** @throws ChainCoreError bad-session-name */
export function sessionFolder(home: string, session: string): string {
  return join(home, "sessions", checkName("session", session));
}

/** @throws ChainCoreError bad-session-name, bad-node-name */
export function nodeFolder(home: string, session: string, node: string): string {
  return join(sessionFolder(home, session), "nodes", checkName("node", node));
}

/** Names become folders, host parts of messages and words of shell scripts. */
function checkName(kind: "session" | "node", name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  const shown = JSON.stringify(name.slice(0, 80));
  throw new ChainCoreError(
    `bad-${kind}-name`,
    `${shown} is no ${kind} name; use 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first`,
    { detail: { name } },
  );
}

/**
 * Makes a folder (0700) and its parents, or takes the one that stands, if it is ours, writable, and on a local disk.
 * @throws ChainCoreError bad-environment
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw folderError(path, error);
  }
  const found = await lstat(path);
  const uid = process.getuid?.();
  if (!found.isDirectory()) throw badFolder(path, "is no folder; move it away or choose another home with CHAINCORE_HOME");
  if (uid !== undefined && found.uid !== uid) {
    throw badFolder(path, `belongs to user ${found.uid}, not to you (${uid}); choose another home with CHAINCORE_HOME`);
  }
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw folderError(path, error);
  }
  await refuseNetworkFileSystem(path);
}

async function refuseNetworkFileSystem(path: string): Promise<void> {
  const verdict = await fileSystemOf(path);
  if (verdict.kind !== "network") return; // Of one that nobody knows `doctor` warns.
  throw badFolder(
    path,
    `is on a network file system (${verdict.name}), where file locks do not hold; choose a local folder with CHAINCORE_HOME`,
  );
}

function folderError(path: string, error: unknown): ChainCoreError {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  const why: Readonly<Record<string, string>> = {
    EROFS: "is on a read-only file system",
    EACCES: "may not be written by you",
    EPERM: "may not be written by you",
    ENOSPC: "cannot be made, for the disk is full",
    ENOTDIR: `cannot be made, for ${dirname(path)} or a parent of it is a file`,
    EEXIST: "is a file, not a folder",
  };
  return badFolder(path, `${why[code] ?? `cannot be used (${code})`}; choose another home with --home or CHAINCORE_HOME`, error);
}

function badFolder(path: string, why: string, cause?: unknown): ChainCoreError {
  return new ChainCoreError("bad-environment", `${path} ${why}`, { detail: { path }, cause });
}
