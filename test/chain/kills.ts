import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { expect } from "vitest";
import { seededNumbers } from "../support/seeded.ts";
import { ChainBench } from "./harness.ts";
import { type KillKind, type KillScript, killScript, stateText } from "./kill-script.ts";
import type { KillMode } from "./killed-node.ts";
import { QUICK } from "./random-tree.ts";
import { coinsOf, replayed } from "./replay.ts";

/** What half of the rounds wait for before they kill; the other half kills at any moment. */
const TARGETS: readonly KillKind[] = ["reorganise", "restart", "restore", "save", "grow", "compact", "many"];
const MODES: readonly KillMode[] = ["whole", "parts"];

/** Where kills hit: the kind of the step that was under way. */
export type Hits = Partial<Record<KillKind, number>>;

interface Round {
  readonly directory: string;
  readonly from: number;
  readonly mode: KillMode;
  /** Kill so long after this kind of step has begun; undefined: after the start. */
  readonly target: KillKind | undefined;
  readonly delayMs: number;
}

/** The process as one file: it starts in a third of the time. */
async function bundle(): Promise<string> {
  const outfile = join(import.meta.dirname, "../../node_modules/.cache/chaincore", `killed-node-${process.pid}.mjs`);
  const entry = join(import.meta.dirname, "killed-node.ts");
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    target: "esnext",
  });
  return outfile;
}

/** Rounds of kill -9; each goes on in the folder that the one before left, and each is looked at with the oracle. */
export class Killer implements AsyncDisposable {
  readonly hits: Hits = {};
  /** Steps that were not confirmed and yet done. */
  aheads = 0;
  readonly #next: () => number;
  readonly #program: string;
  readonly #folder: string;
  #seed: number;
  #script: KillScript;
  #directory = "";
  /** Steps that are done. */
  #done = 0;

  private constructor(seed: number, program: string, folder: string) {
    this.#next = seededNumbers(seed);
    this.#program = program;
    this.#folder = folder;
    this.#seed = seed;
    this.#script = killScript(seed);
  }

  static async create(seed: number): Promise<Killer> {
    const killer = new Killer(seed, await bundle(), await mkdtemp(join(tmpdir(), "chaincore-kills-")));
    await killer.#begin();
    return killer;
  }

  async #begin(): Promise<void> {
    this.#done = 0;
    this.#directory = join(this.#folder, `node-${this.#seed}`);
    await writeFile(join(this.#folder, "script.json"), JSON.stringify(this.#script.steps));
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) await this.#round(round);
  }

  async #round(round: number): Promise<void> {
    const mode = MODES[round % MODES.length]!;
    const target = round % 4 < 2 ? TARGETS[(round >> 2) % TARGETS.length] : undefined;
    const delayMs = target === undefined ? this.#next() % 400 : (this.#next() % 1000) / 60;
    const run = await this.#runAndKill({ directory: this.#directory, from: this.#done, mode, target, delayMs });
    if (run.begun !== undefined) this.hits[run.begun] = (this.hits[run.begun] ?? 0) + 1;
    const where = `seed ${this.#seed}, round ${round}, mode ${mode}, ${run.acknowledged} acknowledged, in ${run.begun}`;
    const done = await this.#inspect(run.acknowledged, where);
    this.#done = done ?? 0;
    if (done !== undefined && done < this.#script.steps.length) return;
    await rm(this.#directory, { recursive: true });
    this.#script = killScript(++this.#seed);
    await this.#begin();
  }

  /** Starts the process and kills it; returns what it had confirmed and what it was at. */
  async #runAndKill({ directory, from, mode, target, delayMs }: Round): Promise<{ acknowledged: number; begun?: KillKind }> {
    const args = [this.#program, directory, join(this.#folder, "script.json"), String(from), mode];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    let timer: NodeJS.Timeout | undefined;
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.stdout.on("data", (data) => {
      output += data;
      const isTime = target === undefined ? output.includes("ready") : new RegExp(`begin \\d+ ${target}\n`).test(output);
      if (timer === undefined && isTime) timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
    });
    await once(child, "close");
    clearTimeout(timer);
    if (!output.includes("ready")) throw new Error(`the process ended early: ${errors}`);
    if (errors !== "") throw new Error(errors);
    const acknowledged = Number([...output.matchAll(/ack (\d+)\n/g)].at(-1)?.[1] ?? from);
    const begun = [...output.matchAll(/begin (\d+) (\w+)\n/g)].at(-1);
    const isUnderWay = begun !== undefined && Number(begun[1]) === acknowledged;
    return isUnderWay ? { acknowledged, begun: begun[2] as KillKind } : { acknowledged };
  }

  /**
   * Opens the folder: tip and snapshots are those of the last confirmed step, or of the one under way; what was stored is there;
   * the coins are those of a replay from genesis on a plain map. Returns how many steps are done; undefined where one of several
   * blocks was done in part, for those that follow would come in another order than the script has.
   */
  async #inspect(acknowledged: number, where: string): Promise<number | undefined> {
    const { states, between, stored } = this.#script;
    await using bench = await ChainBench.open({ params: QUICK, directory: this.#directory });
    bench.keep();
    const { chain } = bench;
    const names = chain.snapshots.list().map(({ name }) => name);
    const state = stateText(chain.tip.hash, names);
    const possible = [states[acknowledged]!, ...(between[acknowledged] ?? []), states[acknowledged + 1]];
    expect(possible, where).toContain(state);
    const isStored = (hash: string) => chain.find(hash as never)?.hasBody === true;
    expect(
      stored
        .slice(0, acknowledged)
        .flat()
        .filter((hash) => !isStored(hash)),
      where,
    ).toEqual([]);
    expect(coinsOf(chain), where).toEqual(await replayed(chain));
    for (const { hash } of chain.tips()) await chain.readBlock(hash);
    const [before, after] = [states[acknowledged], states[acknowledged + 1]];
    const underWay = stored[acknowledged] ?? [];
    if (state === before && !underWay.some(isStored)) return acknowledged;
    this.aheads++;
    return state === after && underWay.every(isStored) ? acknowledged + 1 : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await rm(this.#program, { force: true });
  }
}
