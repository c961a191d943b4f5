import { subsidy } from "../../consensus/subsidy.ts";
import { compactSizeLength } from "../../encoding/compact-size.ts";
import type { Block } from "../../primitives/block.ts";
import type { Coin } from "../../primitives/coin.ts";
import type { Transaction } from "../../primitives/transaction.ts";
import { isUnspendable } from "../../script/script-forms.ts";
import type { ApiDeps, BlockView } from "../ports.ts";
import { typed } from "./args.ts";
import { readBody } from "./blocks.ts";
import { blockByHashOrHeight } from "./find-block.ts";
import type { RpcMethod } from "./method.ts";
import { optional, param, result } from "./params.ts";
import { RPC, RpcError } from "./rpc-error.ts";

/** Bytes that an unspent output takes beside itself: outpoint, height, whether of a coinbase. */
const UTXO_OVERHEAD = 36 + 4 + 1;
const PERCENTILES = [10, 25, 50, 75, 90] as const;

export function getblockstats(deps: ApiDeps): RpcMethod {
  return {
    name: "getblockstats",
    group: "Blockchain",
    about:
      "Compute per block statistics for a given window. All amounts are in satoshis.\n" +
      "It won't work for some heights with pruning.",
    params: [
      param("hash_or_height", "any", "The block hash or height of the target block"),
      optional("stats", "array", "Values to plot", "all values"),
    ],
    results: result("{...}", "(json object)"),
    examples: ["1000"],
    async run(args) {
      const view = blockByHashOrHeight(deps.chain, args.values[0]);
      const block = await readBody(deps, view);
      const spent = view.height === 0 ? [] : await deps.chain.readSpentCoins(view.hash);
      if (spent === undefined) throw new RpcError(RPC.MISC, "Undo data not available");
      return chosen(statsOf(view, block, spent, subsidy(view.height, deps.params)), args.array(1));
    },
  };
}

function chosen(all: Readonly<Record<string, unknown>>, names: readonly unknown[]): Record<string, unknown> {
  if (names.length === 0) return all;
  for (const name of names) {
    if (Object.hasOwn(all, typed(name, "string"))) continue;
    throw new RpcError(RPC.INVALID_PARAMETER, `Invalid selected statistic '${name}'`);
  }
  return Object.fromEntries((names as string[]).toSorted().map((name) => [name, all[name]]));
}

interface Paid {
  readonly tx: Transaction;
  readonly fee: number;
  /** Whole satoshis per virtual byte. */
  readonly rate: number;
}

function statsOf(
  view: BlockView,
  block: Block,
  spent: readonly (readonly Coin[])[],
  reward: number,
): Readonly<Record<string, unknown>> {
  const paid = block.transactions.slice(1).map((tx, index) => paidOf(tx, spent[index]!));
  const fees = paid.map(({ fee }) => fee);
  const rates = paid.map(({ rate }) => rate);
  const sizes = paid.map(({ tx }) => tx.size);
  const segwit = paid.filter(({ tx }) => tx.hasWitness).map(({ tx }) => tx);
  const [totalFee, totalSize, totalWeight] = [sum(fees), sum(sizes), sum(paid.map(({ tx }) => tx.weight))];
  const change = coinChange(block, spent, view.height === 0);
  return {
    avgfee: average(totalFee, paid.length),
    avgfeerate: average(totalFee * 4, totalWeight),
    avgtxsize: average(totalSize, paid.length),
    blockhash: view.hash,
    feerate_percentiles: percentiles(paid, totalWeight),
    height: view.height,
    ins: change.inputs,
    maxfee: Math.max(0, ...fees),
    maxfeerate: Math.max(0, ...rates),
    maxtxsize: Math.max(0, ...sizes),
    medianfee: median(fees),
    mediantime: view.medianTimePast,
    mediantxsize: median(sizes),
    minfee: least(fees),
    minfeerate: least(rates),
    mintxsize: least(sizes),
    outs: change.outputs,
    subsidy: reward,
    swtotal_size: sum(segwit.map((tx) => tx.size)),
    swtotal_weight: sum(segwit.map((tx) => tx.weight)),
    swtxs: segwit.length,
    time: view.time,
    total_out: sum(paid.map(({ tx }) => outputValue(tx))),
    total_size: totalSize,
    total_weight: totalWeight,
    totalfee: totalFee,
    txs: block.transactions.length,
    utxo_increase: change.outputs - change.inputs,
    utxo_size_inc: change.bytes,
    utxo_increase_actual: change.coins - change.inputs,
    utxo_size_inc_actual: change.coinBytes,
  };
}

function paidOf(tx: Transaction, spent: readonly Coin[]): Paid {
  const fee = sum(spent.map((coin) => coin.value)) - outputValue(tx);
  return { tx, fee, rate: average(fee * 4, tx.weight) };
}

/** What the block adds to and takes from the set of coins; genesis adds nothing, nor does what nobody can spend. */
function coinChange(block: Block, spent: readonly (readonly Coin[])[], isGenesis: boolean) {
  const outputs = block.transactions.flatMap((tx) => tx.outputs);
  const coins = isGenesis ? [] : outputs.filter(({ script }) => !isUnspendable(script));
  const taken = spent.flat();
  const takenBytes = sum(taken.map(coinBytes));
  return {
    inputs: taken.length,
    outputs: outputs.length,
    coins: coins.length,
    bytes: sum(outputs.map(coinBytes)) - takenBytes,
    coinBytes: sum(coins.map(coinBytes)) - takenBytes,
  };
}

function coinBytes({ script }: { readonly script: Uint8Array }): number {
  return 8 + compactSizeLength(script.length) + script.length + UTXO_OVERHEAD;
}

/** Fee rates below which lie 10, 25, ... per cent of the weight. */
function percentiles(paid: readonly Paid[], totalWeight: number): readonly number[] {
  const sorted = paid.toSorted((a, b) => a.rate - b.rate || a.tx.weight - b.tx.weight);
  let weight = 0;
  let at = 0;
  return PERCENTILES.map((percentile) => {
    while (at < sorted.length && weight + sorted[at]!.tx.weight < (totalWeight * percentile) / 100)
      weight += sorted[at++]!.tx.weight;
    return sorted[Math.min(at, sorted.length - 1)]?.rate ?? 0;
  });
}

/** The lower whole number between the two in the middle where there are two. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >>> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[half]! : Math.floor((sorted[half - 1]! + sorted[half]!) / 2);
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
}

function average(total: number, count: number): number {
  return count === 0 ? 0 : Math.floor(total / count);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function outputValue(tx: Transaction): number {
  return sum(tx.outputs.map(({ value }) => value));
}
