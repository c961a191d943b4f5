import { open, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import writeFile from "write-file-atomic";

/**
 * Puts `content` where `path` stands: after a crash at any moment the file is the old one or the new one, whole. When
 * the promise resolves, the new one survives a power failure: file and folder have been fsynced.
 * Not ordered against other writers: for that there is fenced-file.ts.
 *
 * `whenMade` runs once the temporary file stands and before anything is renamed; what it throws ends the write.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly whenMade?: (temporaryPath: string) => void } = {},
): Promise<void> {
  const bytes = Buffer.from(content as Uint8Array);
  await writeFile(path, bytes, {
    mode: options.mode ?? 0o600,
    fsync: true,
    ...(options.whenMade ? { tmpfileCreated: options.whenMade } : {}),
  });
  await syncFolder(dirname(path));
}

/** Makes a rename, creation or deletion in `folder` survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // A folder cannot be opened there; NTFS journals its entries.
  const opened = await open(folder, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

/** Deletes the temporary files of other writers of `path`: left by killed ones, or about to be renamed by late ones. */
export async function removeTemporaryFiles(path: string): Promise<number> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  // write-file-atomic names them `<file>.<32-bit number>`.
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)));
  for (const name of names) await rm(join(folder, name), { force: true });
  return names.length;
}
