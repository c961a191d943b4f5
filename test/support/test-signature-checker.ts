import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";

/** The signature engine of tests that are about rules. */
export const testChecker = defaultSignatureEngine();
