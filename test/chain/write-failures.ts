import { cpSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Chain } from "../../src/core/chain/chain.ts";
import type { MayTake } from "../../src/core/locks/context.ts";
import type { Block } from "../../src/core/primitives/block.ts";
import { type DiskFault, FailingDisk } from "../store/failing-disk.ts";
import { ChainBench } from "./harness.ts";
import { type Branch, QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf, replayed } from "./replay.ts";

/**
 * A block is offered; a name is saved, or restored: what an undisturbed run has gone through is told by tip and names.
 */
type Step = Block | { readonly save: string } | { readonly restore: string };

type Limits = { readonly batchBytesMax?: number };

/**
 * A folder with eight blocks, and what comes after: three connects, then a branch of four that leaves them behind; or, with
 * `restores`, a snapshot of the eighth restored from there, and another one of a block upon it.
 */
export class WriteFailures implements AsyncDisposable {
  readonly template: string;
  readonly #limits: Limits;
  readonly script: readonly Step[];
  /** What an undisturbed run goes through, each once, in order. */
  readonly states: readonly string[];
  /** By state: the steps that lead to it. */
  readonly #taken: readonly number[];
  /** Steps of writing in such a run. */
  readonly steps: number;

  private constructor(
    template: string,
    script: readonly Step[],
    limits: Limits,
    run: { states: readonly string[]; taken: readonly number[]; steps: number },
  ) {
    this.template = template;
    this.script = script;
    this.#limits = limits;
    this.states = run.states;
    this.#taken = run.taken;
    this.steps = run.steps;
  }

  static async prepare(seed: number, limits: Limits = {}, restores = false): Promise<WriteFailures> {
    const tree = new RandomTree(seed);
    const template = await mkdtemp(join(tmpdir(), "chaincore-template-"));
    const base = grow(tree, tree.branches[0]!, 8);
    await using bench = await open(template);
    await play(bench, base);
    await bench.close();
    bench.keep();
    const from = tree.branches.at(-1)!;
    const branches: Step[] = [...grow(tree, from, 3), ...grow(tree, from, 4)];
    const script = restores
      ? [{ save: "eight" }, ...branches, { save: "left" }, { restore: "eight" }, ...grow(tree, from, 1), { save: "nine" }]
      : branches;
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
      await expect(bench.run((at, chain) => chain.invalidate(at, chain.tip.hash))).rejects.toBe(bench.failures[0]);
      await bench.close();
    }
    await using after = await open(directory);
    const reached = this.states.indexOf(stateOf(after));
    expect(reached).toBeGreaterThanOrEqual(confirmed.length === 0 ? 0 : this.states.indexOf(confirmed.at(-1)!));
    expect(coinsOf(after.chain)).toEqual(await replayed(after.chain));
    await play(after, this.script.slice(this.#taken[reached]));
    expect(stateOf(after)).toBe(this.states.at(-1));
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

async function undisturbed(template: string, script: readonly Step[], limits: Limits) {
  const disk = new FailingDisk(Number.POSITIVE_INFINITY);
  const directory = await copyOf(template);
  await using bench = await open(directory, disk, limits);
  const all = await play(bench, script);
  const { steps } = disk; // Closing writes too.
  const states = [...new Set(all)];
  return { states, taken: states.map((state) => all.indexOf(state)), steps };
}

async function copyOf(template: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-failing-"));
  cpSync(template, directory, { recursive: true });
  return directory;
}

async function open(directory: string, disk?: FailingDisk, limits: Limits = {}): Promise<ChainBench> {
  const store =
    disk === undefined ? {} : { files: disk.files, wrapDatabase: disk.wrapDatabase, blockFileBytesMax: 2000, ...limits };
  const bench = await ChainBench.open({ params: QUICK, directory, store });
  bench.nowSeconds = 2_000_000_000;
  return bench;
}

function stateOf({ chain }: ChainBench): string {
  return [chain.tip.hash, ...chain.snapshots.list().map(({ name }) => name)].join(" ");
}

/** Takes the steps; returns the states that were confirmed. A failure ends it. */
async function play(bench: ChainBench, script: readonly Step[]): Promise<string[]> {
  const confirmed = [stateOf(bench)];
  for (const step of script) {
    try {
      await bench.run((at, chain) => take(at, chain, step));
    } catch {
      return confirmed;
    }
    confirmed.push(stateOf(bench));
  }
  return confirmed;
}

function take(at: MayTake<"BLOCKCHAIN">, chain: Chain, step: Step): Promise<unknown> {
  if ("save" in step) return chain.snapshots.save(at, step.save);
  if ("restore" in step) return chain.snapshots.restore(at, step.restore);
  return chain.acceptBlock(at, step);
}
