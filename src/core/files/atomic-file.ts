import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Temporary files are named `.session_<id>.tmp`: an owner of the folder may delete those that a killed writer left. */
const TEMPORARY = /^\.session_[0-9a-f-]+\.tmp$/;

/**
 * Puts `content` where `path` stands: after a crash at any moment the file is the old one or the new one, whole. When
 * the promise resolves, the new one survives a power failure: file and folder have been fsynced.
 * Not ordered against other writers: take the file's lock for that.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.session_${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, "wx", options.mode ?? 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a rename, creation or deletion in `folder` survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // A folder cannot be opened there; NTFS journals its entries.
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Deletes what killed writers left in `folder`. The caller holds the lock under which they write. */
export async function removeTemporaryFiles(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => TEMPORARY.test(name));
  for (const name of names) await rm(join(folder, name), { force: true });
  return names.length;
}
