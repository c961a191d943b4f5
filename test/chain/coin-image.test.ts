import { cpSync, existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChainDeps } from "../../src/core/chain/chain.ts";
import type { Log } from "../../src/core/ports.ts";
import { DISK_FAULTS, FailingDisk } from "../store/failing-disk.ts";
import { ChainBench } from "./harness.ts";
import { QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf, replayed } from "./replay.ts";

/** Notes what opening says of the coins. */
function listener() {
  const told: { from: "image" | "database"; coins: number }[] = [];
  const warnings: string[] = [];
  const log: Log = {
    debug: () => {},
    error: () => {},
    warn: (_fields, text) => void warnings.push(text),
    info: (fields, text) => void (text === "coins loaded" && told.push(fields as never)),
  };
  return { log, told, warnings };
}

async function withBlocks(count: number, deps: Partial<ChainDeps> = {}) {
  const bench = await ChainBench.open({ params: QUICK }, deps);
  bench.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(9);
  const grow = async (blocks: number): Promise<void> => {
    for (let i = 0; i < blocks; i++) {
      await bench.run((at, chain) => chain.acceptBlock(at, tree.extend(tree.branches.at(-1)!).block));
    }
  };
  await grow(count);
  return { bench, tree, grow, path: join(bench.directory, "coins.image") };
}

test("a clean end leaves an image, the next start takes it and removes it", async () => {
  const { log, told } = listener();
  const { bench, grow, path } = await withBlocks(20, { log });
  await using _ = bench;
  for (let round = 0; round < 3; round++) {
    const coins = coinsOf(bench.chain);
    await bench.reopen();
    expect(told.at(-1)).toMatchObject({ from: "image", coins: coins.size });
    expect(coinsOf(bench.chain)).toEqual(coins);
    expect(existsSync(path)).toBe(false);
    await grow(3);
    expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
  }
});

test("an image of another state is ignored and removed: an older one, one of another branch, one beside an older database", async () => {
  const { log, told } = listener();
  const { bench, grow, path } = await withBlocks(10, { log });
  await using _ = bench;
  await bench.run((at, chain) => chain.snapshots.save(at, "ten"));
  await bench.close();
  const [older, state] = [await readFile(path), `${bench.directory}-older`];
  cpSync(bench.directory, state, { recursive: true });
  await bench.reopen();
  await grow(1);
  await bench.run((at, chain) => chain.snapshots.restore(at, "ten")); // The same tip, and two commits later.
  for (const image of [older, Buffer.from("no image")]) {
    await bench.close();
    await writeFile(path, image);
    await bench.reopen();
    expect(told.at(-1)).toMatchObject({ from: "database" });
    expect(existsSync(path)).toBe(false);
    expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
  }
  await bench.close();
  const newer = await readFile(path);
  await rm(bench.directory, { recursive: true });
  cpSync(state, bench.directory, { recursive: true });
  await writeFile(path, newer);
  await bench.reopen();
  expect(told.at(-1)).toMatchObject({ from: "database" });
  expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
  await rm(state, { recursive: true });
});

test("an image of another chain with as many commits is ignored: the state's tip and sum tell them apart", async () => {
  const { log, told } = listener();
  const { bench, tree, grow, path } = await withBlocks(10, { log });
  await using _ = bench;
  await bench.close();
  const other = `${bench.directory}-other`;
  cpSync(bench.directory, other, { recursive: true });
  await bench.reopen();
  await grow(1);
  await bench.close();
  await using twin = await ChainBench.open({ params: QUICK, directory: other });
  twin.nowSeconds = bench.nowSeconds;
  const here = tree.branches.at(-1)!;
  let rival = tree.extend(tree.branches[10]!);
  while (rival.coins.size !== here.coins.size) rival = tree.extend(tree.branches[10]!); // As many coins, but others.
  await twin.run((at, chain) => chain.acceptBlock(at, rival.block));
  expect([twin.chain.coins.version, twin.chain.tip.height]).toEqual([11, 11]);
  await twin.close();
  cpSync(join(other, "coins.image"), path);
  await bench.reopen();
  expect(told.at(-1)).toMatchObject({ from: "database" });
  expect(coinsOf(bench.chain)).toEqual(await replayed(bench.chain));
});

test("a batch that the database's log lost in the middle is noticed though the image is whole", async () => {
  const { bench } = await withBlocks(300);
  await using _ = bench;
  await bench.close();
  const folder = join(bench.directory, "db");
  const [name] = (await readdir(folder)).filter((each) => each.endsWith(".log"));
  const log = await readFile(join(folder, name!));
  log[Math.floor(log.length / 3)]! ^= 4;
  await writeFile(join(folder, name!), log);
  await expect(bench.reopen()).rejects.toThrow(/is damaged \(the log \d+\.log\).*--reindex/);
  await bench.reopen({ reindex: true });
});

test.each(DISK_FAULTS)(
  "whichever step of writing the image fails, the node ends and starts as if there were none (%s)",
  async (fault) => {
    let failed = 0;
    for (let step = 1; ; step++) {
      const { log, told, warnings } = listener();
      const { bench, path } = await withBlocks(5, { log });
      await using _ = bench;
      await bench.close();
      const disk = new FailingDisk(Number.POSITIVE_INFINITY);
      await bench.reopen({ store: { files: disk.files } });
      const failing = new FailingDisk(disk.steps + step, fault);
      await bench.reopen({ store: { files: failing.files } });
      const coins = coinsOf(bench.chain);
      await bench.close();
      if (!failing.hasFailed) break;
      failed++;
      expect(warnings).toEqual(["the image of the coins cannot be written"]);
      expect([existsSync(path), existsSync(`${path}.new`), bench.failures]).toEqual([false, false, []]);
      await bench.reopen();
      expect(told.at(-1)).toMatchObject({ from: "database" });
      expect(coinsOf(bench.chain)).toEqual(coins);
    }
    expect(failed).toBeGreaterThan(6);
  },
);

test("a start that takes over a second says where it stands, a short one says nothing", async () => {
  const { bench, path } = await withBlocks(30);
  await using _ = bench;
  await bench.close();
  await rm(path);
  for (const msALook of [0, 1_100]) {
    const told: string[] = [];
    let nowMs = 0;
    const clock = { nowMs: () => 2e12, monotonicMs: () => (nowMs += msALook) };
    await using slow = await ChainBench.open(
      { params: QUICK, directory: bench.directory, onProgress: (sentence) => void told.push(sentence) },
      { clock },
    );
    slow.keep();
    if (msALook === 0) expect(told).toEqual([]);
    else expect(told.join("; ")).toMatch(/^(checking the database|reading the (blocks|coins)): \d+ of \d+/);
    await rm(path, { force: true });
  }
});
