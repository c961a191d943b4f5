import { BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX } from "../consensus/limits.ts";
import { bytesToHex } from "../encoding/hex.ts";
import { bitsToTarget } from "../primitives/target.ts";
import type { Txid } from "../primitives/units.ts";
import type { BlockTemplate } from "./template.ts";

/** 4 MB, Core's MAX_BLOCK_SERIALIZED_SIZE. */
const BLOCK_BYTES_MAX = 4_000_000;

/** One transaction of a template (BIP22, BIP145). */
export interface TemplateTransactionAnswer {
  readonly data: string;
  readonly txid: string;
  /** The wtxid. */
  readonly hash: string;
  /** Positions of its parents among the template's transactions, from 1: one for each input that spends from there, as in Core. */
  readonly depends: readonly number[];
  /** Satoshis. */
  readonly fee: number;
  readonly sigops: number;
  readonly weight: number;
}

/** What getblocktemplate answers, fields and order as Bitcoin Core 31.1 has them. */
export interface BlockTemplateAnswer {
  readonly capabilities: readonly string[];
  readonly version: number;
  readonly rules: readonly string[];
  readonly vbavailable: Readonly<Record<string, number>>;
  readonly vbrequired: number;
  readonly previousblockhash: string;
  readonly transactions: readonly TemplateTransactionAnswer[];
  readonly coinbaseaux: Readonly<Record<string, never>>;
  readonly coinbasevalue: number;
  readonly longpollid: string;
  readonly target: string;
  readonly mintime: number;
  readonly mutable: readonly string[];
  readonly noncerange: string;
  readonly sigoplimit: number;
  readonly sizelimit: number;
  readonly weightlimit: number;
  readonly curtime: number;
  readonly bits: string;
  readonly height: number;
  readonly default_witness_commitment: string;
}

/** What identifies a template to long-polling: the parent, and a number that grows when the pool changes. */
export function longPollId(template: BlockTemplate, poolSequence: number): string {
  return `${template.prevHash}${poolSequence}`;
}

export interface AnswerOptions {
  /** Changes whenever the pool does. */
  readonly poolSequence: number;
  /** Version bits that may be set (BIP9), by name; regtest's {"testdummy": 28} where it is wanted. */
  readonly vbavailable?: Readonly<Record<string, number>>;
}

export function blockTemplateAnswer(template: BlockTemplate, options: AnswerOptions): BlockTemplateAnswer {
  return {
    capabilities: ["proposal"],
    version: template.version,
    rules: ["csv", "!segwit", "taproot"],
    vbavailable: options.vbavailable ?? {},
    vbrequired: 0,
    previousblockhash: template.prevHash,
    transactions: transactionAnswers(template),
    coinbaseaux: {},
    coinbasevalue: template.coinbaseValue,
    longpollid: longPollId(template, options.poolSequence),
    target: bitsToTarget(template.bits).target.toString(16).padStart(64, "0"),
    mintime: template.minTime,
    mutable: ["time", "transactions", "prevblock"],
    noncerange: "00000000ffffffff",
    sigoplimit: BLOCK_SIGOP_COST_MAX,
    sizelimit: BLOCK_BYTES_MAX,
    weightlimit: BLOCK_WEIGHT_MAX,
    curtime: template.time,
    bits: template.bits.toString(16).padStart(8, "0"),
    height: template.height,
    default_witness_commitment: bytesToHex(template.witnessCommitment),
  };
}

/** Clients that poll share a choice of transactions: a megabyte of hex is made once for it. */
const answersMade = new WeakMap<BlockTemplate["entries"], readonly TemplateTransactionAnswer[]>();

function transactionAnswers({ entries }: BlockTemplate): readonly TemplateTransactionAnswer[] {
  const answers = answersMade.get(entries) ?? answersOf(entries);
  answersMade.set(entries, answers);
  return answers;
}

function answersOf(entries: BlockTemplate["entries"]): readonly TemplateTransactionAnswer[] {
  const position = new Map<Txid, number>();
  return entries.map(({ tx, fee, sigopCost }, index) => {
    const depends = tx.inputs.map(({ txid }) => position.get(txid)).filter((at) => at !== undefined);
    position.set(tx.txid, index + 1);
    const { txid, wtxid: hash, weight } = tx;
    return { data: bytesToHex(tx.raw), txid, hash, depends, fee, sigops: sigopCost, weight };
  });
}
