import { expect, test } from "vitest";
import { coinSetStatistics } from "../../src/core/coins/set-hash.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { scanBlockFile } from "../../src/core/store/block-scan.ts";
import { createVerifier } from "../../src/core/verify/verifier.ts";
import { hasTestData, testDataPath, testJson } from "../support/test-data.ts";
import { ChainBench } from "./harness.ts";

test.skipIf(!hasTestData)("the 204 blocks of simple-1 lead to the tip, coins and branches that Bitcoin Core states", async () => {
  const wanted = testJson<Record<string, unknown>>("chains/simple-1.json");
  await using bench = await ChainBench.open({}, { verifier: createVerifier({ workers: 0 }) });
  bench.nowSeconds = 1_800_000_000;
  const kinds: string[] = [];
  for await (const bodies of scanBlockFile(testDataPath("chains/simple-1.dat"), REGTEST.magic)) {
    for (const { raw } of bodies) kinds.push((await bench.run((at, chain) => chain.acceptBlock(at, Block.decode(raw)))).kind);
  }
  expect(kinds.length).toBe(wanted["blocksInFile"]);
  expect(kinds[0]).toBe("known"); // Genesis.
  await bench.reopen(); // What it says below is what stands on disk.
  const { tip } = bench.chain;
  expect([tip.hash, tip.height, tip.medianTime]).toEqual([wanted["tip"], wanted["height"], wanted["mediantime"]]);
  expect(tip.chainwork).toBe(BigInt(`0x${wanted["chainwork"]}`));
  using snapshot = bench.chain.coins.snapshot();
  const { txouts, hash } = await coinSetStatistics(snapshot, "muhash");
  expect([txouts, hash]).toEqual([wanted["txouts"], wanted["muhash"]]);
  expect((await coinSetStatistics(snapshot, "hash_serialized_3")).hash).toBe(wanted["hashSerialized3"]);
  const tips = bench.chain.tips().map(({ branchLength, ...rest }) => ({ ...rest, branchlen: branchLength }));
  expect(tips).toEqual(wanted["chaintips"]);
});
