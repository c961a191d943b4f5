import { expect, test } from "vitest";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { hexToBytes } from "../../src/core/encoding/hex.ts";
import { MemoryChain } from "../support/memory-chain.ts";
import { hasTestData, testLines } from "../support/test-data.ts";
import { testChecker } from "../support/test-signature-checker.ts";

interface Step {
  readonly op: string;
  readonly hex?: string;
  readonly time?: number;
  readonly result?: string | null;
  readonly tip?: string;
  readonly note?: string;
  readonly rpc_error?: { readonly code: number } | null;
}

test.skipIf(!hasTestData)("the rules give every verdict of Bitcoin Core on the chain open-1, scripts included", () => {
  const chain = new MemoryChain(REGTEST, testChecker);
  const differences: string[] = [];
  const steps = testLines<Step>("chains/open-1/blocks.jsonl.gz");
  steps.forEach((step, index) => {
    if (step.op === "setmocktime") chain.nowSeconds = step.time!;
    if (step.op === "submitheader" && step.hex!.length === 160) chain.submitHeader(hexToBytes(step.hex!));
    if (step.op !== "submitblock") return;
    const result = chain.submit(Buffer.from(step.hex!, "hex"));
    const wanted = step.rpc_error ? "undecodable" : step.result;
    if (result !== wanted || chain.tip.hash !== step.tip)
      differences.push(`${index} ${step.note}: ${result}, Core says ${wanted}`);
  });
  console.info(`open-1/blocks.jsonl: ${steps.length} steps`);
  expect(differences).toEqual([]);
  expect(steps.length).toBe(674);
});
