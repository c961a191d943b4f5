import { bytesToHex, hexToBytes } from "../encoding/hex.ts";
import type { BlockTemplate } from "../mining/template.ts";
import { Transaction } from "../primitives/transaction.ts";
import type { BlockHash, Height, Sats, UnixSeconds } from "../primitives/units.ts";

/** A line of /v1/work: a template and what only this miner has. Within /v1 fields are added, never changed or removed. */
export interface WorkLine {
  readonly version: number;
  readonly previous: string;
  readonly height: number;
  readonly time: number;
  readonly minTime: number;
  readonly bits: number;
  readonly coinbaseSats: number;
  readonly witnessCommitment: string;
  /** Raw, hex, parents first. */
  readonly transactions: readonly string[];
  /** The script that the coinbase shall pay. */
  readonly payTo: string;
  /** Extranonce prefix of this connection alone. */
  readonly prefix: number;
}

export function workLine(template: BlockTemplate, payTo: Uint8Array, prefix: number): WorkLine {
  return {
    version: template.version,
    previous: template.prevHash,
    height: template.height,
    time: template.time,
    minTime: template.minTime,
    bits: template.bits,
    coinbaseSats: template.coinbaseValue,
    witnessCommitment: bytesToHex(template.witnessCommitment),
    transactions: template.entries.map(({ tx }) => bytesToHex(tx.raw)),
    payTo: bytesToHex(payTo),
    prefix,
  };
}

/** The template behind a line. Fees and signature operations of its transactions are not carried: the sum stands in the coinbase. */
export function templateOfWork(line: WorkLine): BlockTemplate {
  return {
    version: line.version,
    prevHash: line.previous as BlockHash,
    height: line.height as Height,
    time: line.time as UnixSeconds,
    minTime: line.minTime as UnixSeconds,
    bits: line.bits,
    coinbaseValue: line.coinbaseSats as Sats,
    witnessCommitment: hexToBytes(line.witnessCommitment),
    entries: line.transactions.map((hex) => ({ tx: Transaction.decode(hexToBytes(hex)), fee: 0 as Sats, sigopCost: 0 })),
  };
}
