import { encodeHeight } from "../../src/core/consensus/coinbase-height.ts";
import { type NetworkParams, REGTEST } from "../../src/core/consensus/params.ts";
import { subsidy } from "../../src/core/consensus/subsidy.ts";
import { merkleRoot } from "../../src/core/encoding/merkle.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Header } from "../../src/core/primitives/header.ts";
import { bitsToTarget, hashMeetsTarget } from "../../src/core/primitives/target.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import { type BlockHash, sats, type Txid, unixSeconds } from "../../src/core/primitives/units.ts";
import { seededNumbers } from "../support/seeded.ts";

/** Regtest, but coinbases can be spent at once, so that short branches already fight over coins. */
export const QUICK: NetworkParams = { ...REGTEST, coinbaseMaturity: 2 };

const START = 1_700_000_000;
const ANYONE = Uint8Array.of(0x51); // OP_TRUE

interface Output {
  readonly txid: Txid;
  readonly vout: number;
  readonly value: number;
  readonly height: number;
  readonly isCoinbase: boolean;
}

/** A block of the tree with the coins after it. */
export interface Branch {
  readonly block: Block;
  readonly height: number;
  readonly time: number;
  readonly coins: ReadonlyMap<string, Output>;
  readonly isFaulty: boolean;
}

/** Makes blocks on any branch of a growing tree: spends of anyone's coins, chains within a block, now and then a fault. */
export class RandomTree {
  readonly #next: () => number;
  readonly params: NetworkParams;
  readonly branches: Branch[];
  #made = 0;

  constructor(seed: number, params: NetworkParams = QUICK) {
    this.#next = seededNumbers(seed);
    this.params = params;
    const block = Block.decode(params.genesis);
    this.branches = [{ block, height: 0, time: START, coins: new Map(), isFaulty: false }];
  }

  /** From 0 up to 1. */
  random(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** A block on one of the last branches; `faults` is the chance of one that breaks a rule of coins. */
  grow(faults = 0.08): Branch {
    const recent = this.branches.slice(-14);
    const sound = recent.filter((branch) => !branch.isFaulty);
    const parent = sound.length > 0 && this.random() < 0.9 ? this.#tall(sound) : this.pick(recent);
    return this.extend(parent, this.random() < faults);
  }

  /** Rather a tall one: two or three branches race each other. */
  #tall(branches: readonly Branch[]): Branch {
    const byHeight = branches.toSorted((a, b) => b.height - a.height);
    return byHeight[this.below(Math.min(byHeight.length, 4))]!;
  }

  extend(parent: Branch, isFaulty = false, transactionsMax = 4): Branch {
    const height = parent.height + 1;
    const coins = new Map(parent.coins);
    const spends = Array.from({ length: this.below(transactionsMax + 1) }, () => this.#spend(coins, height)).filter(
      (tx) => tx !== undefined,
    );
    const fees = spends.reduce((sum, { fee }) => sum + fee, 0);
    const transactions = spends.map(({ tx }) => tx);
    const twice = isFaulty && this.random() < 0.5 ? spends[0] : undefined;
    if (twice !== undefined) transactions.push(this.#spendAll([twice.of], twice.of.value).tx);
    const cheats = isFaulty && twice === undefined;
    const coinbase = this.#coinbase(height, subsidy(height, this.params) + fees + (cheats ? 1 : 0));
    const time = parent.time + 1 + this.below(600);
    const block = mine(parent.block.hash, [coinbase, ...transactions], time);
    addOutputs(coins, coinbase, height);
    const branch = { block, height, time, coins, isFaulty: isFaulty || parent.isFaulty };
    this.branches.push(branch);
    return branch;
  }

  /** A block with just these transactions, which the parent's coins allow; for branches that share some. */
  extendWith(parent: Branch, transactions: readonly Transaction[]): Branch {
    const height = parent.height + 1;
    const coins = new Map(parent.coins);
    for (const tx of transactions) {
      for (const { txid, vout } of tx.inputs) coins.delete(`${txid}:${vout}`);
      addOutputs(coins, tx, height);
    }
    const coinbase = this.#coinbase(height, subsidy(height, this.params));
    const time = parent.time + 1 + this.below(600);
    const branch = {
      block: mine(parent.block.hash, [coinbase, ...transactions], time),
      height,
      time,
      coins,
      isFaulty: parent.isFaulty,
    };
    addOutputs(coins, coinbase, height);
    this.branches.push(branch);
    return branch;
  }

  /** A block whose one transaction spreads a ripe coin over many; undefined when none is ripe. */
  fanOut(parent: Branch, outputs: number): Branch | undefined {
    const isRipe = (coin: Output) => !coin.isCoinbase || parent.height + 1 - coin.height >= this.params.coinbaseMaturity;
    const of = [...parent.coins.values()].find((coin) => coin.value > 100_000_000 && isRipe(coin));
    return of && this.extendWith(parent, [this.#spendAll([of], of.value, outputs).tx]);
  }

  #coinbase(height: number, value: number): Transaction {
    const scriptSig = Buffer.concat([encodeHeight(height), Buffer.from(`\x08${String(this.#made++).padStart(8, "0")}`)]);
    const input = { txid: "0".repeat(64) as Txid, vout: 0xffffffff, scriptSig, sequence: 0xffffffff, witness: [] };
    const outputs = [{ value: sats(value), script: ANYONE }];
    return Transaction.build({ version: 2, inputs: [input], outputs, lockTime: 0 });
  }

  /** Spends one or two coins of `coins` into one to three, one of them perhaps unspendable; undefined when none is ripe. */
  #spend(coins: Map<string, Output>, height: number): { tx: Transaction; fee: number; of: Output } | undefined {
    const ripe = [...coins.values()].filter((coin) => !coin.isCoinbase || height - coin.height >= this.params.coinbaseMaturity);
    const of = ripe.length === 0 ? undefined : this.pick(ripe);
    if (of === undefined) return undefined;
    const second = this.pick(ripe);
    const spent = second === of || this.random() < 0.5 ? [of] : [of, second];
    const total = spent.reduce((sum, { value }) => sum + value, 0);
    const { tx, fee } = this.#spendAll(spent, total);
    for (const coin of spent) coins.delete(`${coin.txid}:${coin.vout}`);
    addOutputs(coins, tx, height);
    return { tx, fee, of };
  }

  #spendAll(spent: readonly Output[], total: number, outputCount?: number): { tx: Transaction; fee: number } {
    const fee = Math.min(total, this.below(1000));
    const parts = outputCount ?? 1 + this.below(3);
    const each = Math.floor((total - fee) / parts);
    const inputs = spent.map(({ txid, vout }) => ({
      txid,
      vout,
      scriptSig: new Uint8Array(0),
      sequence: 0xffffffff,
      witness: [],
    }));
    const outputs = Array.from({ length: parts }, () => ({
      value: sats(each),
      script: this.random() < 0.1 ? Uint8Array.of(0x6a) : ANYONE,
    }));
    const tx = Transaction.build({ version: 2, inputs, outputs, lockTime: 0 });
    return { tx, fee: total - each * parts };
  }
}

function addOutputs(coins: Map<string, Output>, tx: Transaction, height: number): void {
  for (let vout = 0; vout < tx.outputCount; vout++) {
    if (tx.outputScript(vout)[0] === 0x6a) continue;
    coins.set(`${tx.txid}:${vout}`, { txid: tx.txid, vout, value: tx.value(vout), height, isCoinbase: tx.isCoinbase });
  }
}

/** A block that meets regtest's target. */
export function mine(prevHash: BlockHash, transactions: readonly Transaction[], time: number): Block {
  const bits = 0x207fffff;
  const { target } = bitsToTarget(bits);
  const { root: merkleRootBytes } = merkleRoot(Buffer.concat(transactions.map((tx) => tx.txidBytes)));
  for (let nonce = 0; ; nonce++) {
    const header = Header.build({ version: 0x20000000, prevHash, merkleRootBytes, time: unixSeconds(time), bits, nonce });
    if (hashMeetsTarget(header.hashBytes, target)) return Block.build(header, transactions);
  }
}
