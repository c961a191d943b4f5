import { ChainCoreError } from "../errors.ts";

/** What can be wrong with a data folder, each with a sentence that says what to do. */
export type StoreErrorCode =
  | "disk-full"
  | "disk-failed"
  | "folder-not-writable"
  | "folder-in-use"
  | "data-newer"
  | "data-other-network"
  | "database-damaged"
  | "database-missing"
  | "block-file-damaged"
  | "snapshots-damaged";

/** The disk, or what is on it, failed. `detail.path` says where. */
export class StoreError extends ChainCoreError {
  declare readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options: { detail?: Record<string, unknown>; cause?: unknown } = {}) {
    super(code, message, options);
  }
}

const REINDEX = "rebuild the database from the block files with `chaincore node --reindex`";

/** Something under `path` is not what was written there. */
export function databaseDamaged(path: string, what: string, cause?: unknown): StoreError {
  return new StoreError("database-damaged", `The database in ${path} is damaged (${what}): ${REINDEX}.`, {
    detail: { path, what },
    cause,
  });
}

export function blockFileDamaged(path: string, what: string, cause?: unknown): StoreError {
  return new StoreError("block-file-damaged", `The block file ${path} is damaged (${what}): ${REINDEX}.`, {
    detail: { path, what },
    cause,
  });
}

export function databaseMissing(path: string): StoreError {
  return new StoreError("database-missing", `${path} holds block files but no database: ${REINDEX}.`, { detail: { path } });
}

/** Turns whatever a file call or LevelDB threw into one sentence; a StoreError passes unchanged. */
export function diskError(cause: unknown, path: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const { code, text } = innermost(cause);
  const options = { detail: { path, reason: code }, cause };
  if (code === "LEVEL_LOCKED") {
    const message = `Another node is running on ${path}: stop it with \`chaincore node stop\`, or choose another --node-id.`;
    return new StoreError("folder-in-use", message, options);
  }
  // A damaged CURRENT names a file that is not there.
  const isDamaged =
    code === "LEVEL_CORRUPTION" ||
    /corrupt/i.test(text) ||
    (code.startsWith("LEVEL") && /no such file|does not exist/i.test(text));
  if (isDamaged) return databaseDamaged(path, text, cause);
  if (code === "ENOSPC" || code === "EDQUOT" || /no space left|quota exceeded/i.test(text)) {
    return new StoreError("disk-full", `The disk that holds ${path} is full: free some space, then start again.`, options);
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || /permission denied|read-only/i.test(text)) {
    const message = `${path} cannot be written to (another user's folder, or read-only): give this user the right to write there, or choose another folder with --home.`;
    return new StoreError("folder-not-writable", message, options);
  }
  const message = `The disk failed under ${path} (${text}): nothing unconfirmed was kept; look at the disk, then start again.`;
  return new StoreError("disk-failed", message, options);
}

/** classic-level wraps LevelDB's error in one of its own; the inner one says what happened. */
function innermost(error: unknown): { code: string; text: string } {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  if (!(at instanceof Error)) return { code: "", text: String(at) };
  const code = "code" in at && typeof at.code === "string" ? at.code : "";
  return { code, text: at.message };
}
