import type { SignatureChecker } from "../../src/core/script/signature-checker.ts";
import { verifyTransaction } from "../../src/core/script/verify-input.ts";
import type { ScriptVerifier } from "../../src/core/verify/verifier.ts";

/** Runs scripts where it is called, one after the other. Without a checker every script holds. */
export function inlineVerifier(checker?: SignatureChecker): ScriptVerifier {
  return {
    verify: async (jobs) => jobs.map(({ tx, spent, flags }) => checker && verifyTransaction(tx, spent, flags, checker)),
    close: async () => undefined,
  };
}
