import { hash, timingSafeEqual } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { bytesToHex } from "../encoding/hex.ts";
import type { Entropy } from "../ports.ts";

/** The user name that Bitcoin Core's cookie has; clients send what stands in the file. */
const COOKIE_USER = "__cookie__";

/**
 * Makes new credentials and leaves them at `path` for whoever may read this user's files.
 * Written under a name of its own, which nobody can have made before, then renamed: a reader sees all of it or the one before.
 */
export async function writeCookie(path: string, entropy: Entropy): Promise<string> {
  const credentials = `${COOKIE_USER}:${bytesToHex(entropy.bytes(32))}`;
  const temporary = `${path}.${bytesToHex(entropy.bytes(8))}.tmp`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(credentials);
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  return credentials;
}

export async function removeCookie(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Checks HTTP Basic credentials without telling by its duration how much of them is right. */
export class BasicAuth {
  readonly #wanted: Buffer;

  /** `user:password`. */
  constructor(credentials: string) {
    this.#wanted = digest(credentials);
  }

  /** `header` is the Authorization header as it came. */
  admits(header: string | undefined): boolean {
    const given = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? "")?.[1];
    return given !== undefined && timingSafeEqual(this.#wanted, digest(Buffer.from(given, "base64").toString("utf8")));
  }
}

/** Digests are of one length, and what of them is equal tells nothing of the credentials. */
function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
