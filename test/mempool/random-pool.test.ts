import { expect, test } from "vitest";
import type { Coin } from "../../src/core/primitives/coin.ts";
import type { OutpointKey } from "../../src/core/primitives/outpoint.ts";
import { outpointKey } from "../../src/core/primitives/outpoint.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import { seededNumbers } from "../support/seeded.ts";
import { faultsOf } from "./oracle.ts";
import { AT } from "./pool-replay.ts";
import { type Output, outputOf, spend, TestPool } from "./test-pool.ts";

interface Mined {
  readonly tx: Transaction;
  readonly spent: readonly (readonly [OutpointKey, Coin])[];
}

/** A pool that lives through random spends, replacements, blocks and reorganisations. */
class RandomLife {
  readonly bench = new TestPool({ poolBytesMax: 80_000, expirySeconds: 500 });
  readonly seen: Transaction[] = [];
  readonly #next: () => number;
  readonly #blocks: (readonly Mined[])[] = [];
  readonly #outputs: Output[] = [];
  readonly counts = { added: 0, rejected: 0, blocks: 0, reorganisations: 0, returned: 0, replaced: 0, evicted: 0 };

  constructor(seed: number) {
    this.#next = seededNumbers(seed);
  }

  #below(limit: number): number {
    return this.#next() % limit;
  }

  async step(): Promise<void> {
    const dice = this.#below(100);
    if (dice < 82) this.#spendSomething();
    else if (dice < 90) await this.#mine();
    else if (dice < 95) await this.#reorganise();
    else if (dice < 98) this.bench.now += this.#below(200);
    else this.#prioritise();
    if (dice === 97) this.bench.pool.expire(AT, this.bench.now);
  }

  #spendSomething(): void {
    const from = new Map<string, Output>();
    const wanted = 1 + this.#below(3);
    for (let i = 0; i < wanted; i++) {
      const output = this.#below(3) === 0 ? this.bench.coin() : this.#someOutput();
      from.set(`${output.txid}:${output.vout}`, output);
    }
    const outputs = 1 + this.#below(3);
    const value = [...from.values()].reduce((sum, each) => sum + each.value, 0);
    const fee = 20 + this.#below(20_000);
    if (value - fee < outputs * 1000) return;
    const tx = spend([...from.values()], { fee, outputs });
    this.seen.push(tx);
    const outcome = this.bench.offer(tx);
    if (outcome.kind !== "added") {
      this.counts.rejected++;
      return;
    }
    this.counts.added++;
    for (const { reason } of outcome.removed) this.counts[reason === "replaced" ? "replaced" : "evicted"]++;
    for (let vout = 0; vout < outputs; vout++) this.#outputs.push(outputOf(tx, vout));
  }

  /** Mostly a young one; it may be spent already, which makes a conflict, or gone, which makes an orphan. */
  #someOutput(): Output {
    const { length } = this.#outputs;
    if (length === 0) return this.bench.coin();
    return this.#outputs[Math.max(0, length - 1 - this.#below(Math.min(length, 30)))]!;
  }

  /** A block of some of the pool, parents first, and sometimes a double spend of the rest. */
  async #mine(): Promise<void> {
    const { pool } = this.bench;
    const { entries } = pool.select({ weight: 4000 * (1 + this.#below(5)), sigopCost: 80_000, minFeeRate: 0 as never });
    const txs = entries.map(({ tx }) => tx);
    const victim = [...pool.entries()].find(({ tx, parents }) => parents.length === 0 && !txs.includes(tx));
    if (victim && this.#below(2) === 0) txs.push(this.#rival(victim.tx));
    const mined = txs.map((tx) => ({ tx, spent: this.bench.move(tx) }));
    this.#blocks.push(mined);
    this.counts.blocks++;
    await this.bench.follow([txs], []);
  }

  #rival(tx: Transaction): Transaction {
    const from = tx.inputs.map(({ txid, vout }, i) => ({ txid, vout, value: this.bench.coins.get(tx.prevoutKey(i))!.value }));
    const rival = spend(from, { fee: 1 });
    this.seen.push(rival);
    return rival;
  }

  /** Takes one to three blocks back and puts another one there, of some of what they held. */
  async #reorganise(): Promise<void> {
    const taken = this.#blocks.splice(Math.max(0, this.#blocks.length - 1 - this.#below(3)));
    const displaced = taken.flat();
    for (const { tx, spent } of displaced.toReversed()) {
      for (let vout = 0; vout < tx.outputCount; vout++) this.bench.coins.delete(outpointKey(tx.txid, vout));
      for (const [key, coin] of spent) this.bench.coins.set(key, coin);
    }
    const again = displaced.slice(0, this.#below(displaced.length + 1)).map(({ tx }) => ({ tx, spent: this.bench.move(tx) }));
    this.#blocks.push(again);
    const txs = displaced.map(({ tx }) => tx);
    const { returned } = await this.bench.follow([again.map(({ tx }) => tx)], txs);
    this.counts.reorganisations++;
    this.counts.returned += returned.length;
  }

  #prioritise(): void {
    const entries = [...this.bench.pool.entries()];
    const entry = entries[this.#below(Math.max(1, entries.length))];
    if (entry) this.bench.pool.prioritise(AT, entry.tx.txid, this.#below(10_000) - 5000);
  }
}

test("through random spends, blocks and reorganisations every index agrees with a plain recount", async () => {
  const total: Record<string, number> = {};
  const firstSeed = Number(process.env["CHAINCORE_SEED"] ?? Math.random() * 2 ** 32) >>> 0;
  for (let run = 0; run < 12; run++) {
    const seed = (firstSeed + run) >>> 0; // What failed as run 7 fails again as run 0: CHAINCORE_SEED=<printed number>.
    const life = new RandomLife(seed);
    for (let step = 0; step < 250; step++) {
      await life.step();
      if (step % 5 === 4) expect(faultsOf(life.bench, life.seen), `seed ${seed}, step ${step}`).toEqual([]);
    }
    for (const [name, count] of Object.entries(life.counts)) total[name] = (total[name] ?? 0) + count;
  }
  console.log("random pools went through", total);
  for (const name of ["added", "rejected", "blocks", "reorganisations", "returned", "replaced", "evicted"]) {
    expect(total[name], name).toBeGreaterThan(0);
  }
});
