import { Block } from "../primitives/block.ts";
import { Header } from "../primitives/header.ts";
import { bitsToTarget, hashMeetsTarget, workOfBits } from "../primitives/target.ts";
import { Transaction } from "../primitives/transaction.ts";
import { NO_BLOCK, type Sats, type Txid, type UnixSeconds } from "../primitives/units.ts";

export interface GenesisFields {
  /** 1 to 90 bytes of UTF-8. */
  readonly message: string;
  readonly time: UnixSeconds;
  readonly bits: number;
  /** Searched from 0 on where it is not given. */
  readonly nonce: number | undefined;
  readonly subsidy: Sats;
}

export type Genesis = { readonly kind: "found"; readonly block: Uint8Array } | { readonly kind: "wrong-nonce" | "too-hard" };

/** One second or two: above this many expected hashes the nonce must be given. */
const SEARCH_HASHES_MAX = 1n << 20n;

const DIRECT_PUSH_MAX = 75;
const OP_PUSHDATA1 = 0x4c;

/** The first block of a private network, made as Bitcoin's was: its coinbase carries a message, its output can never be spent. */
export function buildGenesis(fields: GenesisFields): Genesis {
  const coinbase = genesisCoinbase(fields);
  const header = Header.build({
    version: 1,
    prevHash: NO_BLOCK,
    merkleRootBytes: coinbase.txidBytes,
    time: fields.time,
    bits: fields.bits,
    nonce: fields.nonce ?? 0,
  });
  if (fields.nonce === undefined && workOfBits(fields.bits) > SEARCH_HASHES_MAX) return { kind: "too-hard" };
  const solved = fields.nonce === undefined ? searchNonce(header) : header;
  if (solved === undefined || !hashMeetsTarget(solved.hashBytes, bitsToTarget(fields.bits).target))
    return { kind: "wrong-nonce" };
  return { kind: "found", block: Block.build(solved, [coinbase]).raw };
}

function genesisCoinbase({ message, subsidy }: GenesisFields): Transaction {
  const text = Buffer.from(message, "utf8");
  const push = text.length > DIRECT_PUSH_MAX ? [OP_PUSHDATA1, text.length] : [text.length];
  const scriptSig = Buffer.concat([Buffer.from("04ffff001d0104", "hex"), Uint8Array.from(push), text]);
  return Transaction.build({
    version: 1,
    inputs: [{ txid: NO_BLOCK as string as Txid, vout: 0xffffffff, scriptSig, sequence: 0xffffffff, witness: [] }],
    outputs: [{ value: subsidy, script: Uint8Array.of(0x6a) }],
    lockTime: 0,
  });
}

function searchNonce(header: Header): Header | undefined {
  const { target } = bitsToTarget(header.bits);
  const raw = new Uint8Array(header.raw);
  const view = new DataView(raw.buffer);
  for (let nonce = 0; nonce <= 0xffffffff; nonce++) {
    view.setUint32(76, nonce, true);
    const candidate = Header.decode(raw);
    if (hashMeetsTarget(candidate.hashBytes, target)) return Header.decode(raw.slice());
  }
  return undefined;
}
