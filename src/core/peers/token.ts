import { createHmac, timingSafeEqual } from "node:crypto";

/*
 * Nodes that share a token prove it to each other and never send it: each signs both sides' nonces and its own role (HMAC-SHA256,
 * RFC 2104), so that neither a recorded proof nor the other side's own proof is of any use to somebody else.
 */

export type Role = "dialler" | "listener";

export const NONCE_BYTES = 32;

/** Hex. @param nonces hex, the dialler's first */
export function proofOf(token: string, role: Role, nonces: readonly [string, string]): string {
  return createHmac("sha256", token).update(`chaincore-peer 1 ${role} ${nonces[0]} ${nonces[1]}`).digest("hex");
}

/** Compares in constant time. */
export function isProof(token: string, role: Role, nonces: readonly [string, string], proof: unknown): boolean {
  if (typeof proof !== "string" || !/^[0-9a-f]{64}$/.test(proof)) return false;
  return timingSafeEqual(Buffer.from(proofOf(token, role, nonces), "hex"), Buffer.from(proof, "hex"));
}
