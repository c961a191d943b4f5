import { expect, test } from "vitest";
import { compareChunks, type PoolEntry, withDescendants } from "../../src/core/mempool/cluster.ts";
import { type EntryFields, rawTxidOf } from "../../src/core/mempool/entry.ts";
import { PoolIndex } from "../../src/core/mempool/pool-index.ts";
import { outpointKey } from "../../src/core/primitives/outpoint.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Height, Sats, UnixSeconds } from "../../src/core/primitives/units.ts";
import { seededNumbers } from "../support/seeded.ts";
import { type Output, outputOf, spend, TestPool } from "./test-pool.ts";

/** Adds, removes and reprices entries that pay one of two rates: ties are the rule. */
class TiedPool {
  readonly index = new PoolIndex();
  readonly #coins = new TestPool();
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededNumbers(seed);
    this.index.eviction.worst(); // From here on it is kept.
  }

  #below(limit: number): number {
    return this.#next() % limit;
  }

  step(): void {
    const entries = [...this.index.entries()];
    const entry = entries[this.#below(entries.length + 1)];
    const dice = this.#below(10);
    if (entry === undefined || dice < 7) this.#add(entries);
    else if (dice < 9) this.index.remove(withDescendants([entry]));
    else this.index.addToFee(entry, entry.adjustedWeight * (this.#below(2) === 0 ? 1 : -1));
  }

  #add(entries: readonly PoolEntry[]): void {
    const parents = new Set<PoolEntry>();
    const from: Output[] = [];
    for (let wanted = 1 + this.#below(2); wanted > 0; wanted--) {
      const parent = entries[this.#below(entries.length + 3)];
      const output = parent && !parents.has(parent) ? this.#freeOutput(parent.tx) : undefined;
      if (parent && output) parents.add(parent);
      from.push(output ?? this.#coins.coin());
    }
    const tx = spend(from, { outputs: 1 + this.#below(3) });
    this.index.add(this.#fields(tx), [...parents], 0);
  }

  #freeOutput(tx: Transaction): Output | undefined {
    const vout = tx.outputs.findIndex((_, each) => this.index.spender(outpointKey(tx.txid, each)) === undefined);
    return vout < 0 ? undefined : outputOf(tx, vout);
  }

  #fields(tx: Transaction): EntryFields {
    const fee = (tx.weight * (1 + this.#below(2))) as Sats;
    const fixed = { sigopCost: 0, time: 0 as UnixSeconds, height: 0 as Height, dependsOnChain: false };
    return { tx, rawTxid: rawTxidOf(tx.txidBytes), fee, adjustedWeight: tx.weight, ...fixed };
  }
}

test("what pays least is found among equals too, whatever the clusters have gone through", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const pool = new TiedPool(seed);
    for (let step = 0; step < 120; step++) {
      pool.step();
      if (step % 3 !== 0) continue; // Between two questions several outdated clusters gather.
      const lasts = [...pool.index.clusters].map(({ chunks }) => chunks.at(-1)!);
      const worst = lasts.toSorted(compareChunks).at(-1);
      expect(pool.index.eviction.worst() === worst, `seed ${seed}, step ${step}`).toBe(true);
    }
  }
});
