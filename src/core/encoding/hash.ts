import { hash } from "node:crypto";

/** SHA-256 (FIPS 180-4). */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/** SHA-256 of the SHA-256: Bitcoin's hash of headers and transactions. */
export function sha256d(bytes: Uint8Array): Uint8Array {
  return hash("sha256", hash("sha256", bytes, "buffer"), "buffer");
}

export function ripemd160(bytes: Uint8Array): Uint8Array {
  return hash("ripemd160", bytes, "buffer");
}

export function sha1(bytes: Uint8Array): Uint8Array {
  return hash("sha1", bytes, "buffer");
}

/** RIPEMD-160 of the SHA-256: Bitcoin's hash of keys and scripts. */
export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes));
}

const tagPrefixes = new Map<string, Uint8Array>();

/** BIP340's tagged hash: SHA-256(SHA-256(tag) || SHA-256(tag) || parts...). */
export function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  let prefix = tagPrefixes.get(tag);
  if (prefix === undefined) {
    const tagHash = sha256(Buffer.from(tag, "utf8"));
    prefix = Buffer.concat([tagHash, tagHash]);
    tagPrefixes.set(tag, prefix);
  }
  return sha256(Buffer.concat([prefix, ...parts]));
}

/** Equal content; not in constant time. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
