import { readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportBlockFile, importBlockFile } from "../../src/core/chain/block-file-exchange.ts";
import { reindex } from "../../src/core/chain/reindex.ts";
import { coinSetStatistics } from "../../src/core/coins/set-hash.ts";
import { REGTEST } from "../../src/core/consensus/params.ts";
import { scanBlockFile } from "../../src/core/store/block-scan.ts";
import { hasTestData, testDataPath, testJson } from "../support/test-data.ts";
import { ChainBench } from "./harness.ts";

const FILE = testDataPath("chains/simple-1.dat");

async function stateOf({ chain }: ChainBench) {
  using snapshot = chain.coins.snapshot();
  const { txouts, hash } = await coinSetStatistics(snapshot, "muhash");
  return { tip: chain.tip, txouts, hash, tips: chain.tips() };
}

async function imported(path = FILE): Promise<ChainBench> {
  const bench = await ChainBench.open();
  bench.nowSeconds = 1_800_000_000;
  await bench.run((at, chain) => importBlockFile(at, chain, path));
  return bench;
}

test.skipIf(!hasTestData)("importing simple-1 ends where Bitcoin Core says, and importing again adds nothing", async () => {
  await using bench = await imported();
  const wanted = testJson<Record<string, unknown>>("chains/simple-1.json");
  const state = await stateOf(bench);
  expect([state.tip.hash, state.txouts, state.hash]).toEqual([wanted["tip"], wanted["txouts"], wanted["muhash"]]);
  expect(state.tips.map(({ status }) => status)).toEqual(["active", "valid-fork"]);
  const again = await bench.run((at, chain) => importBlockFile(at, chain, FILE));
  expect(again).toEqual({ read: 204, added: 0, known: 204, invalid: 0, undecodable: 0, orphans: 0 });
});

test.skipIf(!hasTestData)("what is exported is the active chain and imports to the same", async () => {
  await using bench = await imported();
  const path = join(bench.directory, "out.dat");
  const written = await exportBlockFile(bench.chain, path);
  expect(written).toEqual({ blocks: 201, bytes: (await stat(path)).size });
  await using other = await imported(path);
  const [first, second] = [await stateOf(bench), await stateOf(other)];
  expect({ ...second, tips: [] }).toEqual({ ...first, tips: [] });
});

test.skipIf(!hasTestData)("blocks that stand before their parents are taken in all the same", async () => {
  const frames: Buffer[] = [];
  for await (const bodies of scanBlockFile(FILE, REGTEST.magic)) {
    for (const { raw } of bodies) {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(raw.length);
      frames.push(Buffer.concat([REGTEST.magic, size, raw]));
    }
  }
  await using bench = await ChainBench.open();
  bench.nowSeconds = 1_800_000_000;
  const path = join(bench.directory, "backwards.dat");
  await writeFile(path, Buffer.concat([...frames.reverse(), Buffer.from("torn")]));
  const report = await bench.run((at, chain) => importBlockFile(at, chain, path));
  expect(report).toEqual({ read: 204, added: 203, known: 1, invalid: 0, undecodable: 0, orphans: 0 });
  expect(bench.chain.tip.hash).toBe(testJson<{ tip: string }>("chains/simple-1.json").tip);
});

test.skipIf(!hasTestData)("an import that is aborted keeps what was committed", async () => {
  await using bench = await ChainBench.open();
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(bench.run((at, chain) => importBlockFile(at, chain, FILE, { signal }))).rejects.toThrow("enough");
  expect(bench.chain.tip.height).toBe(0);
});

test("a file without blocks, and none at all, are refused with a sentence", async () => {
  await using bench = await ChainBench.open();
  const path = join(bench.directory, "text");
  await writeFile(path, "not a block file");
  await expect(bench.run((at, chain) => importBlockFile(at, chain, path))).rejects.toThrow(
    /holds no block of the network "regtest"/,
  );
  await expect(bench.run((at, chain) => importBlockFile(at, chain, `${path}-none`))).rejects.toThrow(/text-none/);
});

test.skipIf(!hasTestData)("reindexing builds the same state from the block files alone", async () => {
  await using bench = await imported();
  const before = await stateOf(bench);
  const genesis = bench.chain.genesis.hash;
  await bench.close();
  await rm(join(bench.directory, "db"), { recursive: true });
  await expect(bench.reopen()).rejects.toThrow(/--reindex/);
  await bench.reopen({ reindex: true });
  expect([bench.chain.isReindexing, bench.chain.tip.height]).toEqual([true, 0]);
  await bench.reopen(); // Cut short: the next start goes on.
  expect(bench.chain.isReindexing).toBe(true);
  const bytes = (await stat(join(bench.directory, "blocks/blk00000.dat"))).size;
  await bench.run((at, chain) => reindex(at, chain));
  await bench.reopen();
  expect(bench.chain.isReindexing).toBe(false);
  expect(await stateOf(bench)).toEqual(before);
  expect((await stat(join(bench.directory, "blocks/blk00000.dat"))).size).toBe(bytes);
  expect((await bench.chain.readBlock(genesis))?.hash).toBe(genesis);
  const middle = bench.chain.atHeight(100)!.hash;
  expect((await bench.chain.readBlock(middle))?.hash).toBe(middle);
});

test.skipIf(!hasTestData)("a reindex gets along with a damaged block: it and what builds on it are left out", async () => {
  await using bench = await imported();
  await bench.close();
  const path = join(bench.directory, "blocks/blk00000.dat");
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
  await truncate(path, bytes.length - 1);
  await bench.reopen({ reindex: true });
  const report = await bench.run((at, chain) => reindex(at, chain));
  expect(report.read).toBe(203);
  expect(report.invalid + report.undecodable).toBe(1);
  expect(bench.chain.tip.height).toBeGreaterThan(50);
  expect(bench.chain.tip.height).toBeLessThan(150);
});
