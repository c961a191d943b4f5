import { expect, test } from "vitest";
import { DISK, type FileSystem } from "../../src/core/store/block-files.ts";
import type { Database } from "../../src/core/store/database.ts";
import { ChainBench } from "./harness.ts";
import { QUICK, RandomTree } from "./random-tree.ts";

/** Notes each step of writing, and which version of the coins readers see at that moment. */
class Recorder {
  readonly steps: string[] = [];
  version: () => number = () => 0;

  readonly files: FileSystem = {
    ...DISK,
    open: (async (...args: Parameters<FileSystem["open"]>) => {
      const file = await DISK.open(...args);
      const name = String(args[0]).replace(/.*\//, "");
      for (const method of ["write", "datasync", "sync"] as const) {
        const original = file[method].bind(file) as (...args: unknown[]) => Promise<unknown>;
        Object.assign(file, {
          [method]: async (...args: unknown[]) => {
            const result = await original(...args);
            this.#note(`${name} ${method}`);
            return result;
          },
        });
      }
      return file;
    }) as FileSystem["open"],
  };

  readonly wrapDatabase = (database: Database): Database => ({
    ...database,
    batch: () => {
      const batch = database.batch();
      const write = async (options: { sync: boolean }) => {
        await batch.write(options);
        this.#note(`batch${options.sync ? " sync" : ""}`);
      };
      return { put: batch.put, del: batch.del, write };
    },
  });

  #note(step: string): void {
    this.steps.push(`${step} (${this.version()})`);
  }
}

test("body written and synced, batch synced, then published, then acknowledged", async () => {
  const recorder = new Recorder();
  const moves: string[] = [];
  const store = { files: recorder.files, wrapDatabase: recorder.wrapDatabase };
  const follow = (_: unknown, move: { tip: { height: number } }) => void moves.push(`tip ${move.tip.height}`);
  await using bench = await ChainBench.open({ params: QUICK, store }, { follow });
  bench.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(1);
  recorder.version = () => bench.chain.coins.version;
  recorder.steps.length = 0;
  await bench.run((at, chain) => chain.acceptBlock(at, tree.grow(0).block));
  expect(recorder.steps).toEqual(["blk00000.dat write (0)", "blk00000.dat datasync (0)", "batch sync (0)", "serial write (0)"]);
  expect([bench.chain.coins.version, moves]).toEqual([1, ["tip 1"]]);
});

test("a new block file has its name synced before its first body is referred to", async () => {
  const recorder = new Recorder();
  const store = { files: recorder.files, wrapDatabase: recorder.wrapDatabase, blockFileBytesMax: 100 };
  await using bench = await ChainBench.open({ params: QUICK, store });
  bench.nowSeconds = 2_000_000_000;
  recorder.steps.length = 0;
  await bench.run((at, chain) => chain.acceptBlock(at, new RandomTree(1).grow(0).block));
  const steps = recorder.steps.map((step) => step.replace(" (0)", ""));
  expect(steps.slice(-5)).toEqual(["blocks sync", "blk00001.dat write", "blk00001.dat datasync", "batch sync", "serial write"]);
});

test("a reorganisation publishes once; its undo data goes ahead", async () => {
  const recorder = new Recorder();
  await using bench = await ChainBench.open({ params: QUICK, store: { wrapDatabase: recorder.wrapDatabase } });
  bench.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(2);
  const genesis = tree.branches[0]!;
  const left = tree.extend(genesis);
  const right = [tree.extend(genesis)];
  right.push(tree.extend(right[0]!));
  for (const { block } of [left, right[0]!]) await bench.run((at, chain) => chain.acceptBlock(at, block));
  recorder.version = () => bench.chain.coins.version;
  recorder.steps.length = 0;
  await bench.run((at, chain) => chain.acceptBlock(at, right[1]!.block));
  expect(recorder.steps).toEqual(["batch sync (1)", "batch sync (1)"]);
  expect([bench.chain.coins.version, bench.chain.tip.hash]).toEqual([2, right[1]!.block.hash]);
});

test("a header alone costs no sync, a side branch costs one", async () => {
  const recorder = new Recorder();
  await using bench = await ChainBench.open({ params: QUICK, store: { wrapDatabase: recorder.wrapDatabase } });
  bench.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(3);
  const [a, b] = [tree.extend(tree.branches[0]!), tree.extend(tree.branches[0]!)];
  await bench.run((at, chain) => chain.acceptBlock(at, a.block));
  recorder.steps.length = 0;
  await bench.run((at, chain) => chain.acceptHeader(at, b.block.header));
  await bench.run((at, chain) => chain.acceptBlock(at, b.block));
  expect(recorder.steps).toEqual(["batch (0)", "batch sync (0)"]);
});
