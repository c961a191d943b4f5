import type { BlockAnswer, ChainInfo, CoinsAnswer, MempoolAnswer, TransactionAnswer } from "../client/answers.ts";
import { bytesToHex, toDisplayHash } from "../encoding/hex.ts";
import { ChainCoreError } from "../errors.ts";
import { addressOfScript, decodeAddress } from "../primitives/address.ts";
import { outpointKeyAt, parseOutpointKey } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { findBlockHash, findTxid } from "../primitives/units.ts";
import { difficultyOf, hex32, hex256 } from "./format/block-json.ts";
import type { ApiDeps, BlockView, ChainReader } from "./ports.ts";
import { confirmations, isActive } from "./rpc/find-block.ts";

/** Entries that `/v1/mempool` lists at most. */
const ENTRIES_MAX = 1_000;

export async function chainAnswer({ chain, params }: ApiDeps): Promise<ChainInfo> {
  const { tip } = chain;
  return {
    network: params.name,
    height: tip.height,
    tip: tip.hash,
    time: tip.time,
    medianTime: tip.medianTime,
    bits: hex32(tip.bits),
    difficulty: difficultyOf(tip.bits),
    chainwork: hex256(tip.chainwork),
    coins: chain.coins.count,
    bytesOnDisk: await chain.bytesOnDisk(),
    tips: chain.tips(),
  };
}

/** @throws ChainCoreError unknown-block */
export async function blockAnswer({ chain }: ApiDeps, name: string): Promise<BlockAnswer> {
  const view = findByName(chain, name);
  const block = view === undefined ? undefined : await chain.readBlock(view.hash);
  if (view === undefined || block === undefined) throw new ChainCoreError("unknown-block", `this node has no block ${name}`);
  return {
    hash: view.hash,
    height: view.height,
    confirmations: confirmations(chain, view),
    previous: view.prev?.hash ?? null,
    next: isActive(chain, view) ? (chain.atHeight(view.height + 1)?.hash ?? null) : null,
    time: view.time,
    bits: hex32(view.bits),
    nonce: block.header.nonce,
    version: block.header.version,
    merkleRoot: toDisplayHash(block.header.merkleRootBytes),
    chainwork: hex256(view.chainwork),
    size: block.size,
    weight: block.weight,
    transactions: block.transactions.map((tx) => tx.txid),
  };
}

function findByName(chain: ChainReader, name: string): BlockView | undefined {
  if (name === "tip") return chain.find(chain.tip.hash);
  if (/^\d{1,10}$/.test(name)) return chain.atHeight(Number(name));
  const hash = findBlockHash(name.toLowerCase());
  return hash === undefined ? undefined : chain.find(hash);
}

/** What an address pays to. @throws ChainCoreError bad-address */
export function scriptOf({ params }: ApiDeps, address: string): Uint8Array {
  const decoded = decodeAddress(address, params.prefixes);
  if (!("error" in decoded)) return decoded.script;
  throw new ChainCoreError("bad-address", `${JSON.stringify(address)} is no address of ${params.name}: ${decoded.error}`);
}

/** @throws ChainCoreError bad-address */
export function coinsAnswer(deps: ApiDeps, address: string): CoinsAnswer {
  const script = scriptOf(deps, address);
  using snapshot = deps.chain.coins.snapshot();
  const coins = snapshot.coinsOf(script).map(([outpoint, coin]) => ({
    ...parseOutpointKey(outpointKeyAt(outpoint, 0)),
    valueSats: coin.value as number,
    height: coin.height as number,
    coinbase: coin.isCoinbase,
  }));
  return { address, height: deps.chain.tip.height, totalSats: coins.reduce((sum, { valueSats }) => sum + valueSats, 0), coins };
}

/** @throws ChainCoreError unknown-transaction */
export async function transactionAnswer(deps: ApiDeps, name: string): Promise<TransactionAnswer> {
  const txid = findTxid(name.toLowerCase());
  const pooled = txid === undefined ? undefined : deps.pool.find(txid);
  if (pooled !== undefined) return transactionFacts(deps, pooled, undefined);
  const place = txid === undefined ? undefined : await deps.chain.findTransaction(txid);
  const block = place === undefined ? undefined : await deps.chain.readBlock(place.block);
  if (place === undefined || block === undefined) {
    throw new ChainCoreError("unknown-transaction", `neither pool nor chain of this node holds a transaction ${name}`);
  }
  return transactionFacts(deps, block.transactions[place.index]!, deps.chain.find(place.block));
}

function transactionFacts({ chain, params }: ApiDeps, tx: Transaction, block: BlockView | undefined): TransactionAnswer {
  const { txid, wtxid, size, vsize, weight, version, lockTime } = tx;
  return {
    txid,
    wtxid,
    size,
    vsize,
    weight,
    version,
    lockTime,
    block: block === undefined ? null : { hash: block.hash, height: block.height, confirmations: confirmations(chain, block) },
    inputs: tx.inputs.map((input) => ({ txid: input.txid, vout: input.vout, coinbase: tx.isCoinbase })),
    outputs: tx.outputs.map(({ value, script }) => ({
      valueSats: value,
      address: addressOfScript(script, params.prefixes) ?? null,
      script: bytesToHex(script),
    })),
    hex: bytesToHex(tx.raw),
  };
}

export function mempoolAnswer({ pool }: ApiDeps): MempoolAnswer {
  const entries = pool.txids().map((txid) => pool.entry(txid)!);
  const best = entries.toSorted((a, b) => b.modifiedFee / b.vsize - a.modifiedFee / a.vsize).slice(0, ENTRIES_MAX);
  return {
    transactions: pool.size,
    bytes: pool.bytes,
    bytesMax: pool.bytesMax,
    feesSats: pool.totalFee,
    feeRateMin: pool.feeRateMin,
    entries: best.map(({ tx, vsize, fee, time, ancestors, descendants }) => ({
      txid: tx.txid,
      vsize,
      feeSats: fee,
      time,
      ancestors: ancestors.count,
      descendants: descendants.count,
    })),
  };
}
