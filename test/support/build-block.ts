import { witnessCommitmentHash, witnessCommitmentScript } from "../../src/core/consensus/block-in-context.ts";
import { encodeHeight } from "../../src/core/consensus/coinbase-height.ts";
import { type HeaderAncestry, MEDIAN_TIME_SPAN, medianTime } from "../../src/core/consensus/header-ancestry.ts";
import { merkleRoot } from "../../src/core/encoding/merkle.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Header, type HeaderFields } from "../../src/core/primitives/header.ts";
import { bitsToTarget, hashMeetsTarget } from "../../src/core/primitives/target.ts";
import { Transaction, type TxInput, type TxOutput } from "../../src/core/primitives/transaction.ts";
import type { BlockHash, Height, Sats, Txid, UnixSeconds } from "../../src/core/primitives/units.ts";

/** Anyone may spend it: OP_TRUE. */
export const OPEN_SCRIPT = Uint8Array.of(0x51);
export const NULL_TXID = "0".repeat(64) as Txid;

/** A hash with a number in it. */
export function fakeTxid(number: number): Txid {
  return number.toString(16).padStart(64, "0") as Txid;
}

export interface TxParts {
  readonly version?: number;
  readonly inputs?: readonly Partial<TxInput>[];
  readonly outputs?: readonly (Partial<Omit<TxOutput, "value">> & { readonly value?: number })[];
  readonly lockTime?: number;
}

/** A transaction with usual values for what is left out. */
export function buildTx(parts: TxParts = {}): Transaction {
  return Transaction.build({
    version: parts.version ?? 2,
    inputs: (parts.inputs ?? [{}]).map((input) => ({
      txid: fakeTxid(1),
      vout: 0,
      scriptSig: new Uint8Array(0),
      sequence: 0xffffffff,
      witness: [],
      ...input,
    })),
    outputs: (parts.outputs ?? [{}]).map(({ value = 1000, script = OPEN_SCRIPT }) => ({ value: value as Sats, script })),
    lockTime: parts.lockTime ?? 0,
  });
}

export function buildCoinbase(height: number, parts: TxParts & { readonly scriptSig?: Uint8Array } = {}): Transaction {
  const scriptSig = parts.scriptSig ?? Buffer.concat([encodeHeight(height), Uint8Array.of(0)]);
  const [input] = parts.inputs ?? [{}];
  return buildTx({ ...parts, inputs: [{ txid: NULL_TXID, vout: 0xffffffff, scriptSig, ...input }] });
}

/** A coinbase that commits to the witnesses of `others`. */
export function committingCoinbase(height: number, others: readonly Transaction[], value = 5_000_000_000): Transaction {
  const reserved = new Uint8Array(32);
  const leaves = Buffer.concat([new Uint8Array(32), ...others.map((tx) => tx.wtxidBytes)]);
  const commitment = witnessCommitmentScript(witnessCommitmentHash(leaves, reserved));
  return buildCoinbase(height, { inputs: [{ witness: [reserved] }], outputs: [{ value }, { value: 0, script: commitment }] });
}

/** A block over these transactions with proof of work, as far as the header's bits are easy. */
export function solveBlock(fields: Partial<HeaderFields>, txs: readonly Transaction[]): Block {
  const merkleRootBytes = merkleRoot(Buffer.concat(txs.map((tx) => tx.txidBytes))).root;
  return Block.build(solveHeader({ merkleRootBytes, ...fields }), txs);
}

export function solveHeader(fields: Partial<HeaderFields>): Header {
  const all = {
    version: 4,
    prevHash: NULL_TXID as string as BlockHash,
    merkleRootBytes: new Uint8Array(32),
    time: 1_700_000_000 as UnixSeconds,
    bits: 0x207fffff,
    ...fields,
  };
  for (let nonce = fields.nonce ?? 0; ; nonce++) {
    const header = Header.build({ ...all, nonce });
    if (fields.nonce !== undefined || hashMeetsTarget(header.hashBytes, bitsToTarget(all.bits).target)) return header;
  }
}

/** Headers in a row from genesis on with these times; the last one is the tip. */
export function ancestry(times: readonly number[], bits = 0x207fffff): HeaderAncestry {
  const links: HeaderAncestry[] = [];
  times.forEach((time, height) => {
    const span = times.slice(Math.max(0, height - MEDIAN_TIME_SPAN + 1), height + 1);
    links.push({
      height: height as Height,
      hash: fakeTxid(height) as string as BlockHash,
      time: time as UnixSeconds,
      bits,
      medianTimePast: medianTime(span),
      ancestor: (wanted) => (wanted <= height ? links[wanted] : undefined),
    });
  });
  return links.at(-1)!;
}
