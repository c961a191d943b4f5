import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { MemoryChain } from "../support/memory-chain.ts";
import { ChainBench } from "./harness.ts";
import type { KillMode } from "./killed-node.ts";
import { QUICK, RandomTree } from "./random-tree.ts";
import { coinsOf, replayed } from "./replay.ts";

const BLOCKS = 400;
const MODES: readonly KillMode[] = ["one", "many", "parts"];

/** What an undisturbed run of a seed goes through: the tip after each block, and which blocks are stored. */
function undisturbed(seed: number): { hashes: string[]; tips: string[]; isStored: boolean[] } {
  const oracle = new MemoryChain(QUICK);
  oracle.nowSeconds = 2_000_000_000;
  const tree = new RandomTree(seed);
  const run = { hashes: [] as string[], tips: [oracle.tip.hash as string], isStored: [] as boolean[] };
  for (let i = 0; i < BLOCKS; i++) {
    const { block } = tree.grow(0.05);
    const result = oracle.submit(block.raw);
    run.hashes.push(block.hash);
    run.tips.push(oracle.tip.hash);
    run.isStored.push(result === null || result === "inconclusive");
  }
  return run;
}

/** Starts the process, kills it `delayMs` after it is ready; returns how many blocks it had confirmed. */
async function runAndKill(
  directory: string,
  seed: number,
  mode: KillMode,
  delayMs: number,
): Promise<{ acknowledged: number; isDone: boolean }> {
  const script = join(import.meta.dirname, "killed-node.ts");
  const child = spawn(process.execPath, [script, directory, String(seed), String(BLOCKS), mode], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  let timer: NodeJS.Timeout | undefined;
  child.stderr.on("data", (data) => {
    errors += data;
  });
  child.stdout.on("data", (data) => {
    output += data;
    if (timer === undefined && output.includes("ready")) timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
  });
  await once(child, "close");
  clearTimeout(timer);
  if (!output.includes("ready")) throw new Error(`the process ended early: ${errors}`);
  const acks = [...output.matchAll(/ack (\d+)\n/g)];
  return { acknowledged: Number(acks.at(-1)?.[1] ?? 0), isDone: output.includes("done") };
}

/** Rounds of kill -9 at random moments; each goes on in the folder that the one before left. Returns how many hit a run that was under way. */
export async function killRounds(rounds: number, firstSeed: number): Promise<number> {
  const tree = new RandomTree(firstSeed); // For its numbers.
  let seed = firstSeed;
  let directory = await mkdtemp(join(tmpdir(), "chaincore-kill-"));
  let expected = undisturbed(seed);
  let acknowledged = 0;
  let hits = 0;
  for (let round = 0; round < rounds; round++) {
    const mode = MODES[round % MODES.length]!;
    const run = await runAndKill(directory, seed, mode, tree.below(300));
    acknowledged = Math.max(acknowledged, run.acknowledged);
    if (!run.isDone) hits++;
    await inspect(directory, expected, acknowledged, `seed ${seed}, round ${round}, mode ${mode}, ${acknowledged} acknowledged`);
    if (!run.isDone) continue;
    await rm(directory, { recursive: true });
    directory = await mkdtemp(join(tmpdir(), "chaincore-kill-"));
    expected = undisturbed(++seed);
    acknowledged = 0;
  }
  await rm(directory, { recursive: true });
  return hits;
}

/** The tip is the last one that was confirmed, or newer; every confirmed block is there; the coins are those of a replay. */
async function inspect(
  directory: string,
  run: ReturnType<typeof undisturbed>,
  acknowledged: number,
  where: string,
): Promise<void> {
  await using bench = await ChainBench.open({ params: QUICK, directory });
  bench.keep();
  const { chain } = bench;
  expect(run.tips.slice(acknowledged), where).toContain(chain.tip.hash);
  for (let i = 0; i < acknowledged; i++) {
    const entry = chain.find(run.hashes[i]! as never);
    if (run.isStored[i]) expect(entry?.hasBody, `${where}: block ${i}`).toBe(true);
  }
  expect(coinsOf(chain), where).toEqual(await replayed(chain));
  for (const { hash } of chain.tips()) await chain.readBlock(hash);
}
