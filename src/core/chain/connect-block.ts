import { mustCheckBip30, OVERWRITES_COINS } from "../consensus/bip30.ts";
import { blockFlags } from "../consensus/block-flags.ts";
import { BlockTally } from "../consensus/block-tally.ts";
import type { HeaderAncestry } from "../consensus/header-ancestry.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { type Invalid, invalid, isInvalid } from "../consensus/verdict.ts";
import { MISSING_INPUTS } from "../consensus/verify-inputs.ts";
import { assert } from "../errors.ts";
import type { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH, outpointBytesOf, writeVout } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { Height } from "../primitives/units.ts";
import { isUnspendable } from "../script/script-forms.ts";
import { Turns } from "../turns.ts";
import type { ScriptVerifier } from "../verify/verifier.ts";
import type { VerifyJob } from "../verify/verify-call.ts";
import type { CoinOverlay } from "./coin-overlay.ts";
import { ScriptRun } from "./script-run.ts";

/** What connecting needs beside the block. */
export interface ConnectContext {
  readonly params: NetworkParams;
  readonly verifier: ScriptVerifier;
}

/** The coins that a block spent, in the order of its inputs, coinbase left out: what takes the block back. */
export type Undo = readonly Coin[];

/**
 * Holds a block against every rule that needs coins, in Bitcoin Core's order (ConnectBlock), and applies it to `coins`. The body
 * has passed checkBlock and checkBlockInContext. Scripts run on the verifier's threads while later transactions are still being
 * applied; their verdict counts last, as with Core's check queue. Gives the event loop its turns. After a verdict `coins` is to
 * be thrown away.
 */
export async function connectBlock(
  block: Block,
  parent: HeaderAncestry,
  coins: CoinOverlay,
  { params, verifier }: ConnectContext,
): Promise<Undo | Invalid> {
  const scripts = new ScriptRun(verifier);
  const applied = await applyChecked(block, parent, coins, params, (job) => scripts.add(job));
  if (!isInvalid(applied)) return (await scripts.finish()) ?? applied;
  await scripts.abandon();
  return applied;
}

/** All but the scripts, which are handed to `verify` on the way. */
async function applyChecked(
  block: Block,
  parent: HeaderAncestry,
  coins: CoinOverlay,
  params: NetworkParams,
  verify: (job: VerifyJob) => void,
): Promise<Undo | Invalid> {
  if (mustCheckBip30(block.hash, parent, params) && overwritesCoins(block, coins)) return OVERWRITES_COINS;
  const height = (parent.height + 1) as Height;
  const flags = blockFlags(height, block.hash, params);
  const tally = new BlockTally(parent, params, flags);
  const undo: Coin[] = [];
  const turns = new Turns();
  for (const tx of block.transactions) {
    if (turns.isDue) await turns.give();
    const spent = tx.isCoinbase ? [] : spendInputs(tx, coins);
    if (spent === undefined) return invalid(MISSING_INPUTS.code, `${MISSING_INPUTS.detail} in transaction ${tx.txid}`);
    const verdict = tally.add(tx, spent);
    if (verdict !== undefined) return verdict;
    if (!tx.isCoinbase) verify({ tx, spent, flags });
    for (const coin of spent) undo.push(coin);
    addOutputs(tx, height, coins);
  }
  return tally.finish() ?? undo;
}

/** BIP30: no transaction of the block may make a coin where one is unspent. */
function overwritesCoins(block: Block, coins: CoinOverlay): boolean {
  const outpoint = new Uint8Array(OUTPOINT_LENGTH); // One for all: this looks at every output of the block.
  const view = new DataView(outpoint.buffer);
  return block.transactions.some((tx) => {
    outpoint.set(tx.txidBytes);
    for (let vout = 0; vout < tx.outputCount; vout++) {
      view.setUint32(32, vout, true);
      if (coins.wasThere(outpoint)) return true;
    }
    return false;
  });
}

/** Undefined when an input has no coin. */
function spendInputs(tx: Transaction, coins: CoinOverlay): readonly Coin[] | undefined {
  const spent: Coin[] = [];
  for (let i = 0; i < tx.inputCount; i++) {
    const coin = coins.spend(tx.raw, tx.prevoutOffset(i));
    if (coin === undefined) return undefined;
    spent.push(coin);
  }
  return spent;
}

function addOutputs(tx: Transaction, height: Height, coins: CoinOverlay): void {
  const isCoinbase = tx.isCoinbase;
  const outpoint = outpointBytesOf(tx.txidBytes, 0);
  for (let vout = 0; vout < tx.outputCount; vout++) {
    const script = tx.outputScript(vout);
    if (isUnspendable(script)) continue;
    writeVout(outpoint, vout);
    coins.add(outpoint, { value: tx.value(vout), script, height, isCoinbase });
  }
}

/** Applies a block that was connected before: whether it holds depends on its ancestors alone, and they are the same. */
export function applyKnownBlock(block: Block, height: Height, coins: CoinOverlay): void {
  for (const tx of block.transactions) {
    if (!tx.isCoinbase) assert(spendInputs(tx, coins) !== undefined, `block ${block.hash} held before and lacks a coin now`);
    addOutputs(tx, height, coins);
  }
}

/** Takes a block back: its outputs go, what it spent returns. */
export function disconnectBlock(block: Block, undo: Undo, coins: CoinOverlay): void {
  let last = undo.length;
  for (const tx of block.transactions.toReversed()) {
    removeOutputs(tx, block, coins);
    if (tx.isCoinbase) continue;
    for (let i = tx.inputCount - 1; i >= 0; i--) {
      const coin = undo[--last];
      assert(coin !== undefined, `the undo data of block ${block.hash} ends too early`);
      coins.add(tx.raw, coin, tx.prevoutOffset(i));
    }
  }
  assert(last === 0, `the undo data of block ${block.hash} is too long`);
}

function removeOutputs(tx: Transaction, block: Block, coins: CoinOverlay): void {
  for (let vout = tx.outputCount - 1; vout >= 0; vout--) {
    if (isUnspendable(tx.outputScript(vout))) continue;
    const coin = coins.spend(outpointBytesOf(tx.txidBytes, vout), 0);
    assert(coin !== undefined, `an output of block ${block.hash} is gone before the block is taken back`);
  }
}

/** Undo data by transaction, the coinbase left out. */
export function spentByTransaction(block: Block, undo: Undo): readonly (readonly Coin[])[] {
  let at = 0;
  return block.transactions.slice(1).map((tx) => {
    const first = at;
    at += tx.inputCount;
    return undo.slice(first, at);
  });
}
