import type { CoinChange } from "../../../src/core/coins/changes.ts";
import type { Coin } from "../../../src/core/primitives/coin.ts";
import type { OutpointKey } from "../../../src/core/primitives/outpoint.ts";
import { outpointKeyAt } from "../../../src/core/primitives/outpoint.ts";
import { outpoint, randomCoin } from "./coins.ts";
import type { Random } from "./random.ts";

export type Coins = Map<OutpointKey, { readonly outpoint: Uint8Array; readonly coin: Coin }>;

/** One block's effect, or its reverse. */
export interface Step {
  readonly spent: Coins;
  readonly created: Coins;
}

/** Random blocks over a set of coins, and reorganisations of them, as net changes. Deterministic by its generator. */
export class History {
  readonly #random: Random;
  readonly coins: Coins = new Map();
  readonly #blocks: Step[] = [];
  #next = 1;

  constructor(random: Random) {
    this.#random = random;
  }

  get height(): number {
    return this.#blocks.length;
  }

  /** The next block: spends up to `spends` coins, makes up to `creates` and a coinbase. */
  connect(spends: number, creates: number): CoinChange {
    return netOf([this.#connect(spends, creates)]);
  }

  /** Takes `depth` blocks back and connects one more than that: one commit. */
  reorganise(depth: number, spends: number, creates: number): CoinChange {
    const steps: Step[] = [];
    for (let i = 0; i < depth && this.#blocks.length > 0; i++) steps.push(this.#disconnect());
    for (let i = steps.length; i >= 0; i--) steps.push(this.#connect(spends, creates));
    return netOf(steps);
  }

  #connect(spends: number, creates: number): Step {
    const block: Step = { spent: new Map(), created: new Map() };
    const keys = [...this.coins.keys()];
    for (let i = this.#random.below(spends + 1); i > 0 && keys.length > 0; i--) {
      const at = this.#random.below(keys.length);
      const key = keys[at]!;
      keys[at] = keys.at(-1)!;
      keys.pop();
      block.spent.set(key, this.coins.get(key)!);
      this.coins.delete(key);
    }
    for (let i = this.#random.below(creates + 1); i >= 0; i--) {
      const made = { outpoint: outpoint(this.#next++), coin: randomCoin(this.#random, this.height + 1) };
      block.created.set(outpointKeyAt(made.outpoint, 0), made);
    }
    for (const [key, made] of block.created) this.coins.set(key, made);
    this.#blocks.push(block);
    return block;
  }

  #disconnect(): Step {
    const block = this.#blocks.pop()!;
    for (const key of block.created.keys()) this.coins.delete(key);
    for (const [key, coin] of block.spent) this.coins.set(key, coin);
    return { spent: block.created, created: block.spent };
  }
}

/** The net change of several steps: what is made and spent on the way, or spent and comes back the same, is in neither list. */
export function netOf(steps: readonly Step[]): CoinChange {
  const spent: Coins = new Map();
  const created: Coins = new Map();
  for (const step of steps) {
    for (const [key, coin] of step.spent) if (!created.delete(key)) spent.set(key, coin);
    for (const [key, coin] of step.created) {
      if (spent.get(key)?.coin === coin.coin) spent.delete(key);
      else created.set(key, coin);
    }
  }
  return { spends: [...spent].map(([key, { coin }]) => ({ key, coin })), creates: [...created.values()] };
}
