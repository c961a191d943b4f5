import type { Block } from "../../src/core/primitives/block.ts";
import { MemoryChain } from "../support/memory-chain.ts";
import { type Branch, QUICK, RandomTree } from "./random-tree.ts";

/**
 * What a process that is to be killed does, step by step. `reorganise`: the block that makes a branch of thirteen the best, twelve
 * blocks are left; `grow`: a block that makes 700 coins; `restart`: closes (which writes the image of the coins) and opens.
 */
export type KillKind = "one" | "many" | "reorganise" | "grow" | "save" | "restore" | "drop" | "restart" | "compact";

export interface KillStep {
  readonly kind: KillKind;
  readonly blocks: readonly string[];
  /** Of a snapshot. */
  readonly name: string;
}

export interface KillScript {
  readonly steps: readonly KillStep[];
  /** Before the first step, and after each: tip and names of snapshots. */
  readonly states: readonly string[];
  /** By step: tips that a start may end at which found the step half done. */
  readonly between: readonly ReadonlySet<string>[];
  /** By step: the blocks that are stored once it is confirmed. */
  readonly stored: readonly (readonly string[])[];
}

const STEPS = 110;
const DEPTH = 12;

export function stateText(tip: string, names: readonly string[]): string {
  return [tip, ...names].join(" ");
}

/** The steps of a seed, and what an undisturbed run of them goes through on a plain chain. */
export function killScript(seed: number): KillScript {
  return new ScriptWriter(seed).write();
}

class ScriptWriter {
  readonly #tree: RandomTree;
  readonly #oracle = new MemoryChain(QUICK);
  readonly #steps: KillStep[] = [];
  readonly #states: string[] = [];
  readonly #between: Set<string>[] = [];
  readonly #stored: string[][] = [];
  readonly #saved = new Map<string, string>();
  readonly #branches = new Map<string, Branch>();

  constructor(seed: number) {
    this.#tree = new RandomTree(seed);
    this.#oracle.nowSeconds = 2_000_000_000;
  }

  write(): KillScript {
    this.#states.push(stateText(this.#oracle.tip.hash, []));
    while (this.#steps.length < STEPS) this.#writeOne();
    return { steps: this.#steps, states: this.#states, between: this.#between, stored: this.#stored };
  }

  #writeOne(): void {
    const tree = this.#tree;
    const roll = tree.random();
    if (roll < 0.06) this.#note("restart");
    else if (roll < 0.09) this.#note("compact");
    else if (roll < 0.15) this.#save();
    else if (roll < 0.24 && this.#saved.size > 0) this.#restore();
    else if (roll < 0.26 && this.#saved.size > 3) this.#drop();
    else if (roll < 0.34 && this.#oracle.tip.height > DEPTH) this.#reorganise();
    else if (roll < 0.4) this.#grow();
    else if (roll < 0.6) this.#take("many", this.#grown(2 + tree.below(6)));
    else this.#take("one", this.#grown(1));
  }

  #grown(count: number): Branch[] {
    return Array.from({ length: count }, () => this.#tree.grow(0.05));
  }

  #note(kind: KillKind, name = "", blocks: readonly Block[] = []): void {
    this.#steps.push({ kind, name, blocks: blocks.map(({ raw }) => Buffer.from(raw).toString("hex")) });
    this.#states.push(stateText(this.#oracle.tip.hash, [...this.#saved.keys()]));
    this.#between[this.#steps.length - 1] ??= new Set();
    this.#stored[this.#steps.length - 1] ??= [];
  }

  #take(kind: KillKind, branches: readonly Branch[]): void {
    const tips = new Set<string>();
    const stored: string[] = [];
    for (const branch of branches) {
      this.#branches.set(branch.block.hash, branch);
      const result = this.#oracle.submit(branch.block.raw);
      if (result === null || result === "inconclusive") stored.push(branch.block.hash);
      tips.add(stateText(this.#oracle.tip.hash, [...this.#saved.keys()]));
    }
    this.#between[this.#steps.length] = tips;
    this.#stored[this.#steps.length] = stored;
    const blocks = branches.map(({ block }) => block);
    this.#note(kind, "", blocks);
  }

  #save(): void {
    const name = `s${this.#steps.length}`;
    this.#saved.set(name, this.#oracle.tip.hash);
    this.#note("save", name);
  }

  #restore(): void {
    const name = this.#tree.pick([...this.#saved.keys()]);
    this.#oracle.restore(this.#saved.get(name)! as never);
    this.#note("restore", name);
  }

  #drop(): void {
    const name = this.#tree.pick([...this.#saved.keys()]);
    this.#saved.delete(name);
    this.#note("drop", name);
  }

  #reorganise(): void {
    const from = this.#branches.get(this.#oracle.tip.ancestor(this.#oracle.tip.height - DEPTH)!.hash);
    if (from === undefined || from.isFaulty) return;
    const branch = [from];
    for (let i = 0; i <= DEPTH; i++) branch.push(this.#tree.extend(branch.at(-1)!));
    this.#take("many", branch.slice(1, -1));
    this.#take("reorganise", branch.slice(-1));
  }

  #grow(): void {
    const parent = this.#branches.get(this.#oracle.tip.hash);
    const wide = parent && this.#tree.fanOut(parent, 700);
    if (wide !== undefined) this.#take("grow", [wide]);
  }
}
