import { findWitnessCommitment } from "../consensus/block-in-context.ts";
import { encodeHeight } from "../consensus/coinbase-height.ts";
import { Writer } from "../encoding/writer.ts";
import { ChainCoreError } from "../errors.ts";
import { Block } from "../primitives/block.ts";
import { SEQUENCE_FINAL, Transaction, type TxOutput } from "../primitives/transaction.ts";
import type { Txid } from "../primitives/units.ts";
import { EXTRANONCE_BYTES, extranonceBytes } from "./job.ts";

/** What a coinbase's script may hold in all (bad-cb-length). */
const SCRIPT_BYTES_MAX = 100;
/** Written behind height and extranonce, so that people see who mined a block. */
export const DEFAULT_TAG = "/ChainCore/";
/** The reserved value of a coinbase's witness (BIP141): this software commits to nothing else. */
export const WITNESS_RESERVED_VALUE: Uint8Array = new Uint8Array(32);

const NO_TXID = "0".repeat(64) as Txid;
const NO_VOUT = 0xffffffff;

export interface CoinbaseFields {
  readonly height: number;
  readonly outputs: readonly TxOutput[];
  readonly tag?: string;
}

/** A coinbase without witness, in parts around its extranonce. */
export interface CoinbaseParts {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Height (BIP34), a push of eight bytes of extranonce, a push of the tag.
 * @throws ChainCoreError "coinbase-tag-too-long" */
export function coinbaseParts({ height, outputs, tag = DEFAULT_TAG }: CoinbaseFields): CoinbaseParts {
  const start = new Writer().bytes(encodeHeight(height)).u8(EXTRANONCE_BYTES).finish();
  const tagBytes = new TextEncoder().encode(tag);
  const end = tagBytes.length === 0 ? new Uint8Array(0) : pushOf(tagBytes);
  const length = start.length + EXTRANONCE_BYTES + end.length;
  if (length > SCRIPT_BYTES_MAX) {
    const bytesMax = SCRIPT_BYTES_MAX - (length - tagBytes.length);
    throw new ChainCoreError("coinbase-tag-too-long", `The coinbase tag may have ${bytesMax} bytes, it has ${tagBytes.length}.`, {
      detail: { bytes: tagBytes.length, bytesMax },
    });
  }
  const script = Buffer.concat([start, new Uint8Array(EXTRANONCE_BYTES), end]);
  const input = { txid: NO_TXID, vout: NO_VOUT, scriptSig: script, sequence: SEQUENCE_FINAL, witness: [] };
  const { raw } = Transaction.build({ version: 2, inputs: [input], outputs, lockTime: 0 });
  const extranonceAt = raw.length - rawTailLength(raw, script) - EXTRANONCE_BYTES - end.length;
  return { before: raw.slice(0, extranonceAt), after: raw.slice(extranonceAt + EXTRANONCE_BYTES) };
}

/** Up to 75 bytes are pushed by their length, up to 255 by OP_PUSHDATA1. */
function pushOf(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.length <= 75 ? Uint8Array.of(bytes.length) : Uint8Array.of(0x4c, bytes.length), bytes]);
}

/** Bytes behind the script: version, input count, outpoint and length of the script stand before it. */
function rawTailLength(raw: Uint8Array, script: Uint8Array): number {
  return raw.length - (4 + 1 + 36 + 1) - script.length;
}

/** The coinbase with these extranonce bytes, and with the witness that its commitment asks for. */
export function buildCoinbase(parts: CoinbaseParts, prefix: number, extranonce: number): Transaction {
  const raw = Buffer.concat([parts.before, extranonceBytes(prefix, extranonce), parts.after]);
  return withReservedValue(Transaction.decode(raw));
}

function withReservedValue(coinbase: Transaction): Transaction {
  if (coinbase.hasWitness || findWitnessCommitment(coinbase) === undefined) return coinbase;
  const [input] = coinbase.inputs;
  return Transaction.build({
    version: coinbase.version,
    inputs: [{ ...input!, witness: [WITNESS_RESERVED_VALUE] }],
    outputs: coinbase.outputs,
    lockTime: coinbase.lockTime,
  });
}

/**
 * What submitblock does first: a coinbase that commits to witnesses but has none itself, as stock miners send it, is given the 32 zero
 * bytes (UpdateUncommittedBlockStructures). Any other block comes back as it is. `isSegwitActive` at the block's height.
 */
export function fillCoinbaseWitness(block: Block, isSegwitActive = true): Block {
  const [coinbase, ...others] = block.transactions;
  if (!isSegwitActive || !coinbase?.isCoinbase) return block;
  const filled = withReservedValue(coinbase);
  return filled === coinbase ? block : Block.build(block.header, [filled, ...others]);
}
