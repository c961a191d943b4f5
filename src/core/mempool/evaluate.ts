import type { HeaderAncestry } from "../consensus/header-ancestry.ts";
import type { NetworkParams } from "../consensus/params.ts";
import type { Coin } from "../primitives/coin.ts";
import type { OutpointKey } from "../primitives/outpoint.ts";
import { SEQUENCE_FINAL, type Transaction } from "../primitives/transaction.ts";
import type { BlockHash, FeeRate, RawTxid, UnixSeconds } from "../primitives/units.ts";
import { checkForm, checkSpending } from "./check-alone.ts";
import { ancestorsOf, type PoolEntry } from "./cluster.ts";
import { dustOutputs } from "./dust.ts";
import { type EntryFields, UNCONFIRMED_HEIGHT, unconfirmedCoin, virtualSize } from "./entry.ts";
import { feeFor } from "./fee-fraction.ts";
import type { Policy } from "./policy.ts";
import { type Rejection, rejected } from "./rejection.ts";
import { checkClusterLimits, checkReplacement, type Incoming } from "./replacement.ts";
import { checkTruc } from "./truc.ts";

/** The confirmed coins and the block behind which they stand; a snapshot of the coin table serves. */
export interface ChainView {
  readonly tip: HeaderAncestry;
  /** The unspent coin whose outpoint (36 bytes) stands in `bytes` at `offset`. */
  findCoin(bytes: Uint8Array, offset: number): Coin | undefined;
}

/** What the rules ask of the pool. */
export interface PoolReads {
  readonly policy: Policy;
  readonly params: NetworkParams;
  findRaw(rawTxid: RawTxid): PoolEntry | undefined;
  spenderEntry(key: OutpointKey): PoolEntry | undefined;
  feeDelta(rawTxid: RawTxid): number;
  minFeeRate(nowSeconds: number): FeeRate;
}

export interface EvaluateOptions {
  readonly nowSeconds: UnixSeconds;
  /** For transactions of disconnected blocks: no fee floor, no rules of version 3. */
  readonly bypassLimits?: boolean;
  /** For members of a package: it is judged as a whole whether dust is swept, and no sibling is evicted. */
  readonly inPackage?: boolean;
  /** The fees of the package are judged together: no fee floor for this one. */
  readonly sharesFees?: boolean;
  /** False refuses what conflicts with the pool. */
  readonly allowReplacement?: boolean;
}

/** A transaction that may enter the pool when its scripts hold. */
export interface Candidate extends EntryFields, Incoming {
  readonly rawTxid: RawTxid;
  /** The coins of its inputs, in order; unconfirmed ones have UNCONFIRMED_HEIGHT. */
  readonly spent: readonly Coin[];
  readonly evicted: ReadonlySet<PoolEntry>;
  /** The tip that it was judged under. */
  readonly tipHash: BlockHash;
  readonly options: EvaluateOptions;
}

/** Everything but scripts, in Core's order (MemPoolAccept::PreChecks and what follows it). Changes nothing. */
export function evaluate(tx: Transaction, pool: PoolReads, view: ChainView, options: EvaluateOptions): Candidate | Rejection {
  const { rawTxid } = tx;
  const early = checkForm(tx, pool.policy, view.tip) ?? checkKnown(tx, rawTxid, pool, options);
  if (early) return early;
  const spent = findCoins(tx, pool, view);
  if ("kind" in spent) return spent;
  const feeDelta = pool.feeDelta(rawTxid);
  const appraisal = checkSpending(tx, spent, { policy: pool.policy, params: pool.params, tip: view.tip, feeDelta });
  if ("kind" in appraisal) return appraisal;
  const fields = {
    ...appraisal,
    tx,
    rawTxid,
    spent,
    modifiedFee: appraisal.fee + feeDelta,
    time: options.nowSeconds,
    height: view.tip.height,
    dependsOnChain: spent.some(({ isCoinbase }) => isCoinbase) || hasRelativeLock(tx),
    tipHash: view.tip.hash,
    options,
  };
  return evaluateInPool(fields, pool);
}

/** The part that must be said again when the pool has changed: fees, version 3, replacement, limits. */
export function evaluateInPool(fields: Omit<Candidate, "parents" | "evicted">, pool: PoolReads): Candidate | Rejection {
  const { tx, options } = fields;
  const vsize = virtualSize(fields.adjustedWeight);
  const early = options.bypassLimits || options.sharesFees ? undefined : checkFeeFloor(vsize, fields.modifiedFee, pool, options);
  if (early) return early;
  const parents = parentsOf(fields, pool);
  const direct = conflictsOf(tx, pool);
  const truc = options.bypassLimits ? undefined : checkTruc(tx, vsize, parents, direct);
  const sibling = options.inPackage || options.allowReplacement === false ? undefined : truc?.sibling;
  if (truc && sibling === undefined) return rejected("policy", "TRUC-violation", truc.detail);
  const conflicts = sibling ? new Set(direct).add(sibling) : direct;
  const candidate = { ...fields, parents, evicted: NOBODY };
  if (conflicts.size > 0) {
    const replaced = checkReplacement(candidate, conflicts, pool.policy, sibling !== undefined);
    if ("kind" in replaced) return replaced;
    candidate.evicted = replaced.evicted;
  }
  const late =
    checkClusterLimits(candidate, candidate.evicted, pool.policy) ??
    checkNoConflictAbove(candidate, conflicts) ??
    (options.inPackage ? undefined : checkDustIsSwept(candidate, pool.policy));
  return late ?? candidate;
}

const NOBODY: ReadonlySet<PoolEntry> = new Set();

function checkKnown(tx: Transaction, rawTxid: RawTxid, pool: PoolReads, options: EvaluateOptions): Rejection | undefined {
  const known = pool.findRaw(rawTxid);
  if (known) {
    return rejected("known", known.tx.wtxid === tx.wtxid ? "txn-already-in-mempool" : "txn-same-nonwitness-data-in-mempool");
  }
  if (options.allowReplacement === false && conflictsOf(tx, pool).size > 0) {
    return rejected("policy", "bip125-replacement-disallowed");
  }
  return undefined;
}

function findCoins(tx: Transaction, pool: PoolReads, view: ChainView): readonly Coin[] | Rejection {
  const spent: Coin[] = [];
  const missing: OutpointKey[] = [];
  for (let i = 0; i < tx.inputCount; i++) {
    const coin = view.findCoin(tx.raw, tx.prevoutOffset(i)) ?? findPooledCoin(tx, i, pool);
    if (coin) spent.push(coin);
    else missing.push(tx.prevoutKey(i));
  }
  return missing.length > 0 ? { ...rejected("missing-inputs", "bad-txns-inputs-missingorspent"), missing } : spent;
}

function findPooledCoin(tx: Transaction, input: number, pool: PoolReads): Coin | undefined {
  const parent = pool.findRaw(spentTxid(tx, input));
  const vout = new DataView(tx.raw.buffer, tx.raw.byteOffset).getUint32(tx.prevoutOffset(input) + 32, true);
  return parent && vout < parent.tx.outputCount ? unconfirmedCoin(parent.tx, vout) : undefined;
}

/** An outpoint's key begins with the txid. */
function spentTxid(tx: Transaction, input: number): RawTxid {
  return tx.prevoutKey(input).slice(0, 32) as RawTxid;
}

function parentsOf({ tx, spent }: Pick<Candidate, "tx" | "spent">, pool: PoolReads): readonly PoolEntry[] {
  const parents: PoolEntry[] = [];
  for (const [i, coin] of spent.entries()) {
    const parent = coin.height === UNCONFIRMED_HEIGHT ? pool.findRaw(spentTxid(tx, i)) : undefined;
    if (parent && !parents.includes(parent)) parents.push(parent);
  }
  return parents;
}

/** Pooled ones that spend what `tx` spends. */
function conflictsOf(tx: Transaction, pool: PoolReads): ReadonlySet<PoolEntry> {
  let conflicts: Set<PoolEntry> | undefined;
  for (let i = 0; i < tx.inputCount; i++) {
    const spender = pool.spenderEntry(tx.prevoutKey(i));
    if (spender) conflicts = (conflicts ?? new Set()).add(spender);
  }
  return conflicts ?? NOBODY;
}

function hasRelativeLock(tx: Transaction): boolean {
  if (tx.version < 2) return false;
  for (let i = 0; i < tx.inputCount; i++) if (tx.sequence(i) !== SEQUENCE_FINAL && tx.sequence(i) < 0x80000000) return true;
  return false;
}

/** What the pool asks for a size: more while it is full, never less than the relay floor. */
export function checkFeeFloor(
  vsize: number,
  fee: number,
  pool: PoolReads,
  { nowSeconds }: Pick<EvaluateOptions, "nowSeconds">,
): Rejection | undefined {
  const poolFloor = feeFor(pool.minFeeRate(nowSeconds), vsize);
  if (fee < poolFloor) return rejected("reconsiderable", "mempool min fee not met", `${fee} < ${poolFloor}`);
  const relayFloor = feeFor(pool.policy.minRelayFeeRate, vsize);
  return fee < relayFloor ? rejected("reconsiderable", "min relay fee not met", `${fee} < ${relayFloor}`) : undefined;
}

/** A transaction cannot both replace another and build on it. */
function checkNoConflictAbove({ tx, parents }: Incoming, conflicts: ReadonlySet<PoolEntry>): Rejection | undefined {
  if (conflicts.size === 0) return undefined;
  for (const ancestor of ancestorsOf(parents)) {
    if (!conflicts.has(ancestor)) continue;
    const detail = `${tx.txid} spends conflicting transaction ${ancestor.tx.txid}`;
    return rejected("consensus", "bad-txns-spends-conflicting-tx", detail);
  }
  return undefined;
}

/** Whoever spends from a transaction with dust spends the dust too. */
export function checkDustIsSwept({ tx, parents }: Incoming, policy: Policy): Rejection | undefined {
  if (!policy.requireStandard || parents.length === 0) return undefined;
  const spentKeys = new Set(Array.from({ length: tx.inputCount }, (_, i) => tx.prevoutKey(i)));
  for (const parent of parents) {
    const isSwept = dustOutputs(parent.tx, policy.dustFeeRate).every((vout) => spentKeys.has(outpointOf(parent, vout)));
    if (isSwept) continue;
    const detail = `tx ${tx.txid} (wtxid=${tx.wtxid}) did not spend parent's ephemeral dust`;
    return rejected("policy", "missing-ephemeral-spends", detail);
  }
  return undefined;
}

function outpointOf(parent: PoolEntry, vout: number): OutpointKey {
  const index = Buffer.alloc(4);
  index.writeUInt32LE(vout);
  return `${parent.rawTxid}${index.toString("latin1")}` as OutpointKey;
}
