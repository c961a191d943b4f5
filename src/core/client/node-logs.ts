import { open } from "node:fs/promises";
import { join } from "node:path";
import { ChainCoreError } from "../errors.ts";
import { nodeFolder } from "../files/paths.ts";
import { currentSession, type Place } from "./find-node.ts";
import { findSessionMetadata } from "./session-metadata.ts";

/** How much of a long log is shown at first. */
const TAIL_BYTES = 64_000;

/** The logs of a session's nodes by node id; of one node where the place names it. @throws ChainCoreError no-such-session */
export async function logTails(place: Place): Promise<ReadonlyMap<string, LogTail>> {
  const session = await currentSession(place);
  const metadata = await findSessionMetadata(place.home, session);
  if (!metadata)
    throw new ChainCoreError(
      "no-such-session",
      `there is no session "${session}"; "chaincore session list" shows those that stand`,
    );
  const ids = metadata.nodes.map((node) => node.node_id).filter((id) => place.node === undefined || id === place.node);
  return new Map(ids.map((id) => [id, new LogTail(join(nodeFolder(place.home, session, id), "node.log"))]));
}

/** The end of a file that another process writes. */
export class LogTail {
  readonly #path: string;
  readonly #decoder = new TextDecoder();
  #inode: number | undefined;
  #at = 0;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole lines that came since the last call, at first the last 64 kB. After a rotation it goes on with the new file. */
  async more(): Promise<readonly string[]> {
    const file = await open(this.#path, "r").catch(() => undefined);
    if (!file) return [];
    try {
      const { ino, size } = await file.stat();
      let isCut = false;
      if (ino !== this.#inode || size < this.#at) {
        this.#at = this.#inode === undefined ? Math.max(0, size - TAIL_BYTES) : 0;
        isCut = this.#at > 0;
        this.#inode = ino;
        this.#rest = "";
      }
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(size - this.#at), position: this.#at });
      this.#at += bytesRead;
      const lines = (this.#rest + this.#decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split("\n");
      this.#rest = lines.pop() ?? "";
      return isCut ? lines.slice(1) : lines;
    } finally {
      await file.close();
    }
  }
}
