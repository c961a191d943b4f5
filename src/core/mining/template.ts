import { witnessCommitmentHash, witnessCommitmentScript } from "../consensus/block-in-context.ts";
import { nextBits } from "../consensus/difficulty.ts";
import type { HeaderAncestry } from "../consensus/header-ancestry.ts";
import { BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX } from "../consensus/limits.ts";
import { isFinalTx } from "../consensus/lock-time.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { subsidy } from "../consensus/subsidy.ts";
import { merkleBranch } from "../encoding/merkle.ts";
import { Block } from "../primitives/block.ts";
import { HEADER_LENGTH, Header } from "../primitives/header.ts";
import { bitsToTarget } from "../primitives/target.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, Height, Sats, Txid, UnixSeconds } from "../primitives/units.ts";
import { buildCoinbase, coinbaseParts, WITNESS_RESERVED_VALUE } from "./coinbase.ts";
import type { JobDraft } from "./coordinator.ts";
import { headerAt } from "./job.ts";

/** A pooled transaction as a template needs it. Parents stand before their children. */
export interface TemplateEntry {
  readonly tx: Transaction;
  readonly fee: Sats;
  /** BIP141's cost: a legacy signature operation counts four. */
  readonly sigopCost: number;
}

/** A block but for coinbase, merkle root and nonce. */
export interface BlockTemplate {
  readonly version: number;
  readonly prevHash: BlockHash;
  readonly height: Height;
  readonly time: UnixSeconds;
  /** The earliest time that the rules allow. */
  readonly minTime: UnixSeconds;
  readonly bits: number;
  readonly entries: readonly TemplateEntry[];
  /** Subsidy and fees. */
  readonly coinbaseValue: Sats;
  /** The output that commits to the witnesses of `entries`. */
  readonly witnessCommitment: Uint8Array;
}

/** As Bitcoin Core reserves: what header, count and coinbase weigh, and what signature operations the coinbase may have. */
export const RESERVED_WEIGHT = 8_000;
export const RESERVED_SIGOP_COST = 400;
/** All of BIP9's bits clear. */
const VERSION = 0x20000000;

export interface TemplateRequest {
  readonly parent: HeaderAncestry;
  readonly params: NetworkParams;
  /** By preference; what does not fit, or is not final, is left out with whatever spends it. */
  readonly entries: readonly TemplateEntry[];
  readonly nowSeconds: number;
  /** For blocks that signal (BIP9); all bits clear by default. */
  readonly version?: number;
}

/** A template on `parent`. Pure; in time linear in the entries that are taken. */
export function buildTemplate({ parent, params, entries, nowSeconds, version = VERSION }: TemplateRequest): BlockTemplate {
  const height = (parent.height + 1) as Height;
  const minTime = (parent.medianTimePast + 1) as UnixSeconds;
  const taken = fittingEntries(entries, height, parent.medianTimePast);
  const fees = taken.reduce((sum, { fee }) => sum + fee, 0);
  return {
    version,
    prevHash: parent.hash,
    height,
    time: Math.max(minTime, Math.floor(nowSeconds)) as UnixSeconds,
    minTime,
    bits: nextBits(parent, params),
    entries: taken,
    coinbaseValue: (subsidy(height, params) + fees) as Sats,
    witnessCommitment: witnessCommitmentScript(witnessCommitmentHash(leaves(taken, "wtxidBytes"), WITNESS_RESERVED_VALUE)),
  };
}

function fittingEntries(entries: readonly TemplateEntry[], height: number, medianTimePast: number): TemplateEntry[] {
  const taken: TemplateEntry[] = [];
  const leftOut = new Set<Txid>();
  let weight = RESERVED_WEIGHT;
  let sigopCost = RESERVED_SIGOP_COST;
  for (const entry of entries) {
    const { tx } = entry;
    const fits = weight + tx.weight <= BLOCK_WEIGHT_MAX && sigopCost + entry.sigopCost <= BLOCK_SIGOP_COST_MAX;
    const spendsLeftOut = leftOut.size > 0 && tx.inputs.some(({ txid }) => leftOut.has(txid));
    if (!fits || spendsLeftOut || !isFinalTx(tx, height, medianTimePast)) {
      leftOut.add(tx.txid);
      continue;
    }
    weight += tx.weight;
    sigopCost += entry.sigopCost;
    taken.push(entry);
  }
  return taken;
}

/** 32 bytes a transaction, zeros for the coinbase: its place in the witness tree (BIP141), and in a merkle branch it does not matter. */
function leaves(entries: readonly TemplateEntry[], id: "txidBytes" | "wtxidBytes"): Uint8Array {
  return Buffer.concat([new Uint8Array(32), ...entries.map(({ tx }) => tx[id])]);
}

export interface Payout {
  /** The script that the coinbase pays. */
  readonly script: Uint8Array;
  /** Written into the coinbase's script; "/ChainCore/" by default. */
  readonly tag?: string;
}

/** What a miner chose in a candidate. */
export interface Solution {
  readonly prefix: number;
  readonly extranonce: number;
  readonly nonce: number;
  /** Where the miner rolls the time too; else the template's. */
  readonly time?: number;
}

/** A template made ready to be mined for somebody: what changes with the nonce is small and apart. */
export class Candidate {
  readonly template: BlockTemplate;
  readonly payout: Payout;
  readonly #coinbase: { readonly before: Uint8Array; readonly after: Uint8Array };
  readonly #branch: readonly Uint8Array[];

  /** @throws ChainCoreError "coinbase-tag-too-long" */
  constructor(template: BlockTemplate, payout: Payout) {
    this.template = template;
    this.payout = payout;
    const paid = { value: template.coinbaseValue, script: payout.script };
    const committed = { value: 0 as Sats, script: template.witnessCommitment };
    const tag = payout.tag === undefined ? {} : { tag: payout.tag };
    this.#coinbase = coinbaseParts({ height: template.height, outputs: [paid, committed], ...tag });
    this.#branch = merkleBranch(leaves(template.entries, "txidBytes"), 0);
  }

  /** The network's target. */
  get target(): bigint {
    return bitsToTarget(this.template.bits).target;
  }

  /** What the coordinator publishes; a lower `target` paces the miner. */
  job(options: { readonly target?: bigint; readonly prefix?: number } = {}): JobDraft {
    const { version, prevHash, time, bits } = this.template;
    const header = Header.build({ version, prevHash, merkleRootBytes: new Uint8Array(32), time, bits, nonce: 0 });
    return {
      header: header.raw,
      target: options.target ?? this.target,
      coinbaseBefore: this.#coinbase.before,
      coinbaseAfter: this.#coinbase.after,
      branch: this.#branch,
      prefix: options.prefix ?? 0,
    };
  }

  /** The 80 bytes that a solution stands for. */
  header({ prefix, extranonce, nonce, time }: Solution): Header {
    const header = headerAt({ prefix: 0, ...this.job({ prefix }) }, extranonce);
    const view = new DataView(header.buffer);
    if (time !== undefined) view.setUint32(HEADER_LENGTH - 12, time, true);
    view.setUint32(HEADER_LENGTH - 4, nonce, true);
    return Header.decode(header);
  }

  /** The whole block around that header. */
  block(solution: Solution): Block {
    const coinbase = buildCoinbase(this.#coinbase, solution.prefix, solution.extranonce);
    return Block.build(this.header(solution), [coinbase, ...this.template.entries.map(({ tx }) => tx)]);
  }
}
