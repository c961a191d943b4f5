import { expect, test } from "vitest";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { MemoryChain } from "../support/memory-chain.ts";
import { hasTestData, testLines } from "../support/test-data.ts";
import { testChecker } from "../support/test-signature-checker.ts";

interface Batch {
  readonly n: number;
  readonly blocks: readonly string[];
  readonly tip: string;
  readonly mocktime: number;
  readonly then_invalidate: boolean;
  readonly submit: readonly (string | null)[];
}

/** feature_block.py runs its node with -testactivationheight=bip34@2. */
const PARAMS = { ...REGTEST, activation: { ...REGTEST.activation, bip34: 2 } };

test.skipIf(!hasTestData)("the rules give every verdict of Bitcoin Core's functional test feature_block", () => {
  const chain = new MemoryChain(PARAMS, testChecker);
  const differences: string[] = [];
  const batches = testLines<Batch>("vectors/feature_block_submit.jsonl.gz");
  let blocks = 0;
  for (const batch of batches) {
    blocks += batch.blocks.length;
    chain.nowSeconds = batch.mocktime;
    batch.blocks.forEach((hex, index) => {
      const result = chain.submit(Buffer.from(hex, "hex"));
      const wanted = batch.submit[index] === "RPC-22 Block decode failed" ? "undecodable" : batch.submit[index];
      if (result !== wanted) differences.push(`batch ${batch.n}, block ${index}: ${result}, Core says ${wanted}`);
    });
    if (chain.tip.hash !== batch.tip) differences.push(`batch ${batch.n}: tip ${chain.tip.hash}, Core's is ${batch.tip}`);
    if (batch.then_invalidate) chain.invalidateTip();
  }
  console.info(`feature_block_submit.jsonl: ${batches.length} batches, ${blocks} blocks`);
  expect(differences).toEqual([]);
  expect(batches.length).toBe(124);
});
