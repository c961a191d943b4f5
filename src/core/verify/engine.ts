import type { SignatureChecker } from "../script/signature-checker.ts";

/**
 * Who does the elliptic-curve arithmetic.
 *
 * | name   | what | when |
 * |--------|------|------|
 * | native | the prebuilt addon of npm's secp256k1 (libsecp256k1 in C) | the default wherever it loads |
 * | ffi    | the system's libsecp256k1 through node:ffi, which Node calls experimental and warns of | only when asked for: CHAINCORE_SIGNATURES=ffi |
 * | pure   | @noble/curves: JavaScript, some twenty times slower | where no addon is built, and as oracle in tests |
 */
export type EngineName = (typeof ENGINE_NAMES)[number];

export const ENGINE_NAMES = ["native", "ffi", "pure"] as const;

export interface SignatureEngine extends SignatureChecker {
  readonly name: EngineName;
}
