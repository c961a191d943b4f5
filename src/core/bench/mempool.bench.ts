import type { HeaderAncestry } from "../consensus/header-ancestry.ts";
import { REGTEST } from "../consensus/params.ts";
import type { Holds } from "../locks/context.ts";
import type { Candidate } from "../mempool/evaluate.ts";
import { Mempool } from "../mempool/mempool.ts";
import { DEFAULT_POLICY } from "../mempool/policy.ts";
import { type VerifiedCandidate, withScripts } from "../mempool/script-verdict.ts";
import { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { type OutpointKey, outpointKey, outpointKeyAt } from "../primitives/outpoint.ts";
import { Transaction } from "../primitives/transaction.ts";
import type { Height, Sats, Txid, UnixSeconds } from "../primitives/units.ts";
import { threadCpuNs } from "./measure.ts";
import { type BenchRow, median, row } from "./report.ts";

/*
 * The pool without scripts (the suite "verify" has those) and without locks (the suite "locks"): what one transaction
 * costs the main thread, and whether a large pool is slower than a small one. CPU time of the thread.
 */

/** The bench is alone: no lock is needed to be. */
const AT = undefined as unknown as Holds<"MEMPOOL", "write">;
const TIP: HeaderAncestry = {
  ...Block.decode(REGTEST.genesis).header,
  hash: Block.decode(REGTEST.genesis).hash,
  height: 500 as Height,
  time: 1_700_000_000 as UnixSeconds,
  medianTimePast: 1_700_000_000,
  ancestor: () => TIP,
};
const NOW = TIP.time;
const SCRIPT = Buffer.concat([Uint8Array.of(0, 20), Buffer.alloc(20, 7)]);
/** As long as a signature and a key. */
const WITNESS = [new Uint8Array(71), new Uint8Array(33)];

/** Transactions of the usual size and the coins that they spend; `length` of them in each chain of descendants. */
class Supply {
  readonly coins = new Map<OutpointKey, Coin>();
  #made = 0;

  readonly view = {
    tip: TIP,
    findCoin: (bytes: Uint8Array, offset: number) => this.coins.get(outpointKeyAt(bytes, offset)),
  };

  make(count: number, length = 1): readonly Transaction[] {
    const txs: Transaction[] = [];
    for (let i = 0; i < count; i++) {
      const parent = i % length === 0 ? this.#coin() : { txid: txs[i - 1]!.txid, value: txs[i - 1]!.value(0) };
      const value = (parent.value - 200 - ((i * 7919) % 1000)) as Sats;
      txs.push(
        Transaction.build({
          version: 2,
          inputs: [{ txid: parent.txid, vout: 0, scriptSig: new Uint8Array(0), sequence: 0xfffffffd, witness: WITNESS }],
          outputs: [
            { value: (value - 10_000) as Sats, script: SCRIPT },
            { value: 10_000 as Sats, script: SCRIPT },
          ],
          lockTime: 0,
        }),
      );
    }
    return txs.map((tx) => Transaction.decode(tx.raw)); // As it comes from outside: nothing hashed yet.
  }

  #coin(): { txid: Txid; value: number } {
    const txid = (++this.#made).toString(16).padStart(64, "0") as Txid;
    const value = 5_000_000 as Sats;
    this.coins.set(outpointKey(txid, 0), { value, script: SCRIPT, height: 100 as Height, isCoinbase: false });
    return { txid, value };
  }
}

function insert(pool: Mempool, supply: Supply, txs: readonly Transaction[]): void {
  for (const tx of txs) {
    const candidate = pool.evaluate(tx, supply.view, { nowSeconds: NOW });
    if ("kind" in candidate) throw new Error(candidate.code);
    const outcome = pool.add(AT, withScripts(candidate as Candidate, undefined) as VerifiedCandidate);
    if (outcome.kind !== "added") throw new Error(outcome.kind);
  }
}

function newPool(): Mempool {
  return new Mempool({ policy: DEFAULT_POLICY, params: REGTEST, tip: TIP });
}

const RUNS = 7;

/** CPU microseconds a transaction of putting `count` into a pool that holds `before`, one figure a run. */
function insertCost(before: number, count: number, length = 1): number[] {
  const samples: number[] = [];
  for (let run = -1; run < RUNS; run++) {
    const supply = new Supply();
    const pool = newPool();
    insert(pool, supply, supply.make(before));
    const txs = supply.make(count, length);
    const start = threadCpuNs();
    insert(pool, supply, txs);
    if (run >= 0) samples.push((threadCpuNs() - start) / 1000 / count);
  }
  return samples;
}

/** CPU milliseconds of an operation on a fresh pool of 10,000, one figure a run. */
function costAt10k(operation: (pool: Mempool, txs: readonly Transaction[]) => void, length = 1): number[] {
  const samples: number[] = [];
  for (let run = -1; run < RUNS; run++) {
    const supply = new Supply();
    const pool = newPool();
    const txs = supply.make(10_000, length);
    insert(pool, supply, txs);
    const start = threadCpuNs();
    operation(pool, txs);
    if (run >= 0) samples.push((threadCpuNs() - start) / 1e6);
  }
  return samples;
}

function select(pool: Mempool): void {
  pool.select({ weight: 3_992_000, sigopCost: 79_600, minFeeRate: DEFAULT_POLICY.blockMinFeeRate });
}

function connect(pool: Mempool, txs: readonly Transaction[]): void {
  const block = Block.build(Block.decode(REGTEST.genesis).header, txs.slice(0, 2_000));
  pool.connectBlock(AT, block, TIP, NOW);
}

export async function rows(): Promise<readonly BenchRow[]> {
  const small = insertCost(1_000, 1_000);
  const large = insertCost(10_000, 1_000);
  const reference = { name: "with 1,000 pooled", value: median(small) };
  return [
    row({ name: "insert, 1,000 pooled (no scripts)", unit: "us", samples: small, goal: { on: "value", sign: "<=", bound: 60 } }),
    row({
      name: "insert, 10,000 pooled",
      unit: "us",
      samples: large,
      reference,
      goal: { on: "ratio", sign: "<=", bound: 1.3 },
    }),
    row({ name: "insert, chains of 25", unit: "us", samples: insertCost(0, 5_000, 25) }),
    row({
      name: "template from 10,000 single ones",
      unit: "ms",
      samples: costAt10k(select),
      goal: { on: "value", sign: "<=", bound: 50 },
    }),
    row({ name: "template from 400 chains of 25", unit: "ms", samples: costAt10k(select, 25) }),
    row({
      name: "block of 2,000 leaves a pool of 10,000",
      unit: "ms",
      samples: costAt10k(connect),
      goal: { on: "value", sign: "<=", bound: 25 },
    }),
  ];
}
