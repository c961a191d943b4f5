/*
 * A small file that many processes read, change and write back.
 *
 * The file lock lets one of them in at a time, but it is a lease: a holder that was suspended, or whose clock jumped,
 * can lose it without knowing and go on to write. So every change is fenced as well, and the fence alone is enough for
 * "nothing acknowledged is ever overwritten"; the lock only spares the work of trying again. A writer
 *
 *   1. claims the file: removes the claim that stands, makes its own by exclusive create;
 *   2. deletes the temporary files of all other writers;
 *   3. reads the file, computes the next version;
 *   4. makes its temporary file, and then, last of all, looks whether the claim is still its own;
 *   5. fsyncs, renames, fsyncs the folder: acknowledged.
 *
 * Proof. Let A commit (5) and let B claim (1) at any moment. If B claimed before A looked (4), A found a foreign claim
 * and gave up. Else A's temporary file stood before B claimed, so B's step 2 comes after it was made: either A had
 * renamed it already, and then B reads (3) A's version; or B deletes it, and A's rename fails for want of its source.
 * So B either builds on A's version or A never committed. No clock, no lease and no process's liveness occurs in this.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { ChainCoreError } from "../errors.ts";
import { removeTemporaryFiles, writeFileAtomic } from "./atomic-file.ts";
import { FileLock, type FileLockOptions } from "./file-lock.ts";

/** Others can push a writer out only when they believe that the lock is theirs; more than a few in a row is no accident. */
const TRIES_MAX = 10;

export class FencedFile {
  readonly path: string;
  readonly lock: FileLock;

  /** The file need not exist, its folder must. */
  constructor(path: string) {
    this.path = path;
    this.lock = new FileLock(path);
  }

  /** The file as last written, without waiting for anybody; undefined where there is none. */
  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /**
   * Replaces the text by what `change` makes of the newest one. `change` may run more than once and must not act on the
   * world; when it returns undefined nothing is written.
   * @throws ChainCoreError file-lock-timeout, fence-lost
   */
  async update(change: (text: string | undefined) => string | undefined, options: FileLockOptions = {}): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.lock.withLock(() => this.#replace(change), options);
      } catch (error) {
        if (!(error instanceof FenceLost) || tries === TRIES_MAX) throw error;
      }
    }
  }

  async #replace(change: (text: string | undefined) => string | undefined): Promise<void> {
    const claimPath = `${this.path}.claim`;
    const claim = randomUUID();
    await makeClaim(claimPath, claim);
    await removeTemporaryFiles(this.path);
    const next = change(await this.read());
    if (next === undefined) return;
    const whenMade = () => {
      if (readFileSync(claimPath, { encoding: "utf8", flag: "r" }) !== claim) throw new FenceLost(this.path);
    };
    try {
      await writeFileAtomic(this.path, next, { whenMade });
    } catch (error) {
      // The temporary file or the claim was taken away by a writer that came later.
      throw (error as NodeJS.ErrnoException).code === "ENOENT" ? new FenceLost(this.path) : error;
    }
  }
}

async function makeClaim(path: string, claim: string): Promise<void> {
  for (;;) {
    await rm(path, { force: true });
    try {
      return await writeFile(path, claim, { flag: "wx", mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

class FenceLost extends ChainCoreError {
  constructor(path: string) {
    super("fence-lost", `another process changed ${path} again and again while this one was about to; try again`, {
      detail: { path },
    });
  }
}
