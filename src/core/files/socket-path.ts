import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { ChainCoreError } from "../errors.ts";
import type { Environment } from "./paths.ts";

/** sun_path has 104 bytes on macOS and 108 on Linux, each with a closing zero. */
export const SOCKET_PATH_BYTES_MAX = 103;

/**
 * Where a node's admin socket stands: in its folder where that path is short enough, else under $XDG_RUNTIME_DIR, else
 * under the temporary folder, there named by a hash of the node's folder.
 */
export function socketPath(folder: string, environment: Environment, uid = process.getuid?.() ?? 0): string {
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const runtime = environment["XDG_RUNTIME_DIR"];
  const candidates = [
    join(folder, "admin.sock"),
    ...(runtime && isAbsolute(runtime) ? [join(runtime, "chaincore", `${hash}.sock`)] : []),
    join(tmpdir(), `chaincore-${uid}`, `${hash}.sock`),
  ];
  const found = candidates.find((path) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX);
  if (found !== undefined) return found;
  throw new ChainCoreError(
    "bad-environment",
    `no path for the admin socket has at most ${SOCKET_PATH_BYTES_MAX} bytes; set CHAINCORE_HOME or TMPDIR to a shorter folder`,
    { detail: { candidates } },
  );
}
