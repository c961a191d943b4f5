import { bytesToHex, hexToBytes } from "../encoding/hex.ts";
import { ChainCoreError } from "../errors.ts";
import { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, Height, Sats, UnixSeconds } from "../primitives/units.ts";
import { type BlockTemplate, Candidate } from "./template.ts";

/** A candidate as one JSON object, for a miner in another process. */
export interface WorkAnswer {
  readonly version: number;
  readonly prevHash: string;
  readonly height: number;
  readonly time: number;
  readonly minTime: number;
  readonly bits: number;
  /** Satoshis. */
  readonly coinbaseValue: number;
  readonly witnessCommitment: string;
  readonly transactions: readonly { readonly hex: string; readonly fee: number; readonly sigopCost: number }[];
  /** What the coinbase pays to, and its text. */
  readonly payoutScript: string;
  readonly tag?: string;
  /** Four bytes of extranonce that this miner alone uses. */
  readonly prefix: number;
}

export function workToJson(candidate: Candidate, prefix: number): WorkAnswer {
  const { template, payout } = candidate;
  const { version, prevHash, height, time, minTime, bits, coinbaseValue } = template;
  return {
    ...{ version, prevHash, height, time, minTime, bits, coinbaseValue, prefix },
    witnessCommitment: bytesToHex(template.witnessCommitment),
    transactions: template.entries.map(({ tx, fee, sigopCost }) => ({ hex: bytesToHex(tx.raw), fee, sigopCost })),
    payoutScript: bytesToHex(payout.script),
    ...(payout.tag === undefined ? {} : { tag: payout.tag }),
  };
}

const HASH = /^[0-9a-f]{64}$/;

/** The candidate in what a node sent, which is checked as anything from outside.
 * @throws ChainCoreError "bad-work" or a DecodeError */
export function workFromJson(json: unknown): { readonly candidate: Candidate; readonly prefix: number } {
  const answer = json as WorkAnswer;
  const numbers = [
    answer?.version,
    answer?.height,
    answer?.time,
    answer?.minTime,
    answer?.bits,
    answer?.coinbaseValue,
    answer?.prefix,
  ];
  if (
    !numbers.every((value) => Number.isSafeInteger(value)) ||
    !HASH.test(answer.prevHash) ||
    !Array.isArray(answer.transactions)
  ) {
    throw new ChainCoreError("bad-work", "What the node sent as work is none: is it another version of chaincore?");
  }
  const template: BlockTemplate = {
    version: answer.version,
    prevHash: answer.prevHash as BlockHash,
    height: answer.height as Height,
    time: answer.time as UnixSeconds,
    minTime: answer.minTime as UnixSeconds,
    bits: answer.bits,
    coinbaseValue: answer.coinbaseValue as Sats,
    witnessCommitment: hexToBytes(String(answer.witnessCommitment)),
    entries: answer.transactions.map(({ hex, fee, sigopCost }) => {
      return { tx: Transaction.decode(hexToBytes(String(hex))), fee: Number(fee) as Sats, sigopCost: Number(sigopCost) };
    }),
  };
  const script = hexToBytes(String(answer.payoutScript));
  const payout = answer.tag === undefined ? { script } : { script, tag: String(answer.tag) };
  return { candidate: new Candidate(template, payout), prefix: answer.prefix };
}
