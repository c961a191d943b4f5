import { describe, expect, test } from "vitest";
import { Flag } from "../../src/core/script/flags.ts";
import { verifyInput } from "../../src/core/script/verify-input.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { hasTestData } from "../support/test-data.ts";
import { trimFlags } from "./flag-sets.ts";
import { readTaprootCase, taprootCases } from "./taproot-cases.ts";

const engine = defaultSignatureEngine();
const CONSENSUS = [
  Flag.P2SH,
  Flag.DERSIG,
  Flag.NULLDUMMY,
  Flag.CHECKLOCKTIMEVERIFY,
  Flag.CHECKSEQUENCEVERIFY,
  Flag.WITNESS,
  Flag.TAPROOT,
];
/** Every set of consensus flags that goes together. */
const SETS = [
  ...new Set(
    Array.from({ length: 2 ** CONSENSUS.length }, (_, bits) =>
      trimFlags(CONSENSUS.reduce((set, flag, i) => (bits & (1 << i) ? set | flag : set), 0)),
    ),
  ),
];

describe.skipIf(!hasTestData)("taproot-ref.jsonl under every set of consensus flags", () => {
  test(`passes under each subset of its own flags, final cases under all ${SETS.length}, twins fail under each superset`, () => {
    let checks = 0;
    for (const line of taprootCases()) {
      const { comment, flags, isFinal, index, spent, success, failure } = readTaprootCase(line);
      for (const set of SETS) {
        if (isFinal || (set & flags) === set) {
          checks++;
          if (verifyInput(success, index, spent, set, engine) !== "OK") expect.fail(`${comment}, flags ${set}`);
        }
        if (failure !== undefined && (set & flags) === flags) {
          checks++;
          if (verifyInput(failure, index, spent, set, engine) === "OK") expect.fail(`the twin of ${comment}, flags ${set}`);
        }
      }
    }
    console.info(`taproot-ref.jsonl: ${checks} checks under ${SETS.length} sets of flags`);
  });
});
