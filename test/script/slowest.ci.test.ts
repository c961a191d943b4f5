import { expect, test } from "vitest";
import { verifyTransaction } from "../../src/core/script/verify-input.ts";
import { defaultSignatureEngine } from "../../src/core/verify/signature-engine.ts";
import { slowLegacy, slowTapscripts } from "./slow-spends.ts";

/** A tenth of a block: a whole one takes ten times as long. */
const BYTES = 400_000;

test("scripts made to be slow end in their verdict; their times are printed", () => {
  const engine = defaultSignatureEngine();
  for (const { name, tx, spent, flags } of [...slowTapscripts(BYTES), slowLegacy()]) {
    const start = process.threadCpuUsage();
    expect(verifyTransaction(tx, spent, flags, engine), name).toBeUndefined();
    const { user, system } = process.threadCpuUsage(start);
    console.info(`${name}: weight ${tx.weight}, ${Math.round((user + system) / 1000)} ms of CPU`);
  }
});
