import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Block } from "../../src/core/primitives/block.ts";
import { type DiskFault, FailingDisk } from "../store/failing-disk.ts";
import { ChainBench } from "./harness.ts";
import { type Branch, QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf, replayed } from "./replay.ts";

type Limits = { readonly batchBytesMax?: number };

/** A folder with eight blocks, and what comes after: three connects, then a branch of four that leaves them behind. */
export class WriteFailures implements AsyncDisposable {
  readonly template: string;
  readonly #limits: Limits;
  readonly script: readonly Block[];
  /** The tips of an undisturbed run, each once, in order. */
  readonly tips: readonly string[];
  /** Steps of writing in such a run. */
  readonly steps: number;

  private constructor(
    template: string,
    script: readonly Block[],
    limits: Limits,
    run: { tips: readonly string[]; steps: number },
  ) {
    this.template = template;
    this.script = script;
    this.#limits = limits;
    this.tips = run.tips;
    this.steps = run.steps;
  }

  static async prepare(seed: number, limits: Limits = {}): Promise<WriteFailures> {
    const tree = new RandomTree(seed);
    const template = await mkdtemp(join(tmpdir(), "chaincore-template-"));
    const base = grow(tree, tree.branches[0]!, 8);
    await using bench = await open(template);
    await play(bench, base);
    await bench.close();
    bench.keep();
    const from = tree.branches.at(-1)!;
    const script = [...grow(tree, from, 3), ...grow(tree, from, 4)];
    return new WriteFailures(template, script, limits, await undisturbed(template, script, limits));
  }

  /** One step of writing fails: the node is told to stop, refuses all else, and what is on disk afterwards is a tip that it may have had. */
  async failAt(step: number, fault: DiskFault): Promise<void> {
    const directory = await copyOf(this.template);
    const disk = new FailingDisk(step, fault);
    const bench = await open(directory, disk, this.#limits).catch(() => undefined);
    const confirmed = bench === undefined ? [] : await play(bench, this.script);
    if (bench !== undefined) {
      expect(bench.failures, "fatal is told once").toEqual([
        expect.objectContaining({ code: expect.stringMatching(/^disk-(full|failed)$/) }),
      ]);
      await expect(bench.run((at, chain) => chain.acceptBlock(at, this.script[0]!))).rejects.toBe(bench.failures[0]);
      await bench.close();
    }
    await using after = await open(directory);
    const { tip } = after.chain;
    const reached = this.tips.indexOf(tip.hash);
    expect(reached).toBeGreaterThanOrEqual(confirmed.length === 0 ? 0 : this.tips.indexOf(confirmed.at(-1)!));
    expect(coinsOf(after.chain)).toEqual(await replayed(after.chain));
    await play(after, this.script);
    expect(after.chain.tip.hash).toBe(this.script.at(-1)!.hash);
    expect(coinsOf(after.chain)).toEqual(await replayed(after.chain));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.template, { recursive: true, force: true });
  }
}

function grow(tree: RandomTree, from: Branch, count: number): readonly Block[] {
  let at = from;
  return Array.from({ length: count }, () => {
    at = tree.extend(at);
    return at.block;
  });
}

async function undisturbed(template: string, script: readonly Block[], limits: Limits) {
  const disk = new FailingDisk(Number.POSITIVE_INFINITY);
  const directory = await copyOf(template);
  await using bench = await open(directory, disk, limits);
  const tips = [...new Set(await play(bench, script))];
  return { tips, steps: disk.steps };
}

async function copyOf(template: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-failing-"));
  await cp(template, directory, { recursive: true });
  return directory;
}

async function open(directory: string, disk?: FailingDisk, limits: Limits = {}): Promise<ChainBench> {
  const store =
    disk === undefined ? {} : { files: disk.files, wrapDatabase: disk.wrapDatabase, blockFileBytesMax: 2000, ...limits };
  const bench = await ChainBench.open({ params: QUICK, directory, store });
  bench.nowSeconds = 2_000_000_000;
  return bench;
}

/** Offers the blocks; returns the tips that were confirmed. A failure ends it. */
async function play(bench: ChainBench, script: readonly Block[]): Promise<string[]> {
  const confirmed = [bench.chain.tip.hash as string];
  for (const block of script) {
    try {
      await bench.run((at, chain) => chain.acceptBlock(at, block));
    } catch {
      return confirmed;
    }
    confirmed.push(bench.chain.tip.hash);
  }
  return confirmed;
}
