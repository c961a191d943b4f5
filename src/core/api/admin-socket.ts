import { chmod, lstat, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { ChainCoreError } from "../errors.ts";
import { FileLock } from "../files/file-lock.ts";
import { ensurePrivateFolder } from "../files/paths.ts";
import type { HttpServer } from "../http/server.ts";

/**
 * Makes `server` the one owner of the socket file at `path`. Looking whether somebody listens, removing what a dead one left and
 * binding are three steps: they run under a lock between processes, or two that start together both become owner.
 * Who may connect is decided by the folder (0700, ours); the file's own mode (0600) comes a moment later.
 * @throws ChainCoreError node-running when somebody answers there, bad-environment
 */
export async function listenOnSocket(server: HttpServer, path: string): Promise<void> {
  const folder = dirname(path);
  await ensurePrivateFolder(folder);
  await closeFolder(folder);
  await new FileLock(path).withLock(async () => {
    if (await someoneAnswers(path)) {
      throw new ChainCoreError(
        "node-running",
        `a node already answers on ${path}; stop it with "chaincore node stop" or choose another --node-id`,
        {
          detail: { path },
        },
      );
    }
    await removeStaleSocket(path);
    await server.listen({ path });
    await chmod(path, 0o600);
  });
}

/** A folder that stood before may have been made with a wider mode. */
async function closeFolder(folder: string): Promise<void> {
  const { mode } = await lstat(folder);
  if ((mode & 0o077) !== 0) await chmod(folder, 0o700);
}

async function someoneAnswers(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => resolve(true));
  socket.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED" || error.code === "ENOENT" || error.code === "ENOTSOCK") resolve(false);
    else reject(new ChainCoreError("bad-environment", `cannot ask who listens on ${path} (${error.code})`, { cause: error }));
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  let found: Awaited<ReturnType<typeof lstat>>;
  try {
    found = await lstat(path);
  } catch {
    return; // Nothing there.
  }
  if (!found.isSocket()) {
    throw new ChainCoreError("bad-environment", `${path} is no socket; move it away`, { detail: { path } });
  }
  await rm(path, { force: true });
}
