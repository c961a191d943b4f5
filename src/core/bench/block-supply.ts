import { createRequire } from "node:module";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { witnessCommitmentHash, witnessCommitmentScript } from "../consensus/block-in-context.ts";
import { encodeHeight } from "../consensus/coinbase-height.ts";
import { type NetworkParams, REGTEST } from "../consensus/params.ts";
import { hash160, sha256 } from "../encoding/hash.ts";
import { merkleRoot } from "../encoding/merkle.ts";
import { Block } from "../primitives/block.ts";
import { Header } from "../primitives/header.ts";
import { bitsToTarget, hashMeetsTarget } from "../primitives/target.ts";
import { Transaction } from "../primitives/transaction.ts";
import { type BlockHash, type Sats, sats, type Txid, unixSeconds } from "../primitives/units.ts";
import { Op } from "../script/opcodes.ts";
import { payToKeyHash } from "../script/script-forms.ts";
import { Sighash, SighashCache } from "../script/sighash-cache.ts";
import { sighashSegwit } from "../script/sighash-segwit.ts";

/** Regtest, but a coinbase may be spent by the next block: a bench needs no hundred blocks before it begins. */
export const BENCH_NETWORK: NetworkParams = { ...REGTEST, coinbaseMaturity: 1 };
/** Before this time no block of the bench lies. */
export const BENCH_START = 1_700_000_000;

const SECRET_KEY = sha256(Buffer.from("block supply"));
const PUBLIC_KEY = secp256k1.getPublicKey(SECRET_KEY);
const SCRIPT = Buffer.concat([Uint8Array.of(Op.OP_0, 20), hash160(PUBLIC_KEY)]);
const SCRIPT_CODE = payToKeyHash(hash160(PUBLIC_KEY));
const COIN_VALUE = 100_000;

interface BlockShape {
  /** How many chains of transactions, each spending the one before it, the block's are; by default each stands alone. Their ends can be spent later. */
  readonly chains?: number;
  /** The spend whose signature is for another amount. */
  readonly spoils?: number;
  /** Begin with the coins that were made last. */
  readonly fromLast?: boolean;
}

/** A chain of blocks, one upon the other, full of P2WPKH spends with valid signatures: one input, two outputs each. */
export class BlockSupply {
  readonly blocks: Block[] = [];
  #tip: BlockHash = Block.decode(BENCH_NETWORK.genesis).hash;
  readonly #coins: { txid: Txid; vout: number; value: number }[] = [];

  /** A block whose coinbase makes `count` coins to spend; at most 30,000 fit. */
  fund(count: number): Block {
    const outputs = Array.from({ length: count }, () => ({ value: sats(COIN_VALUE), script: SCRIPT }));
    const block = this.#mine([], outputs);
    const { txid } = block.transactions[0]!;
    for (let vout = 0; vout < count; vout++) this.#coins.push({ txid, vout, value: COIN_VALUE });
    return block;
  }

  /** A block of so many spends. The coins must have been made. */
  spend(count: number, shape: BlockShape = {}): Block {
    return this.#mine(this.#spends(count, shape), [{ value: sats(0), script: SCRIPT }]);
  }

  #spends(count: number, { chains = count, spoils, fromLast = false }: BlockShape): readonly Transaction[] {
    const ends = this.#coins.splice(fromLast ? -chains : 0, chains);
    const spends: Transaction[] = [];
    for (let i = 0; i < count; i++) {
      const coin = ends[i % chains]!;
      const tx = signedSpend(i === spoils ? { ...coin, value: coin.value - 1 } : coin);
      spends.push(tx);
      ends[i % chains] = { txid: tx.txid, vout: 0, value: tx.value(0) };
    }
    if (chains < count) this.#coins.push(...ends);
    return spends;
  }

  /** Leaves so many coins unspent. */
  skip(count: number): void {
    this.#coins.splice(0, count);
  }

  /** So many spends in no block. The coins must have been made. */
  loose(count: number): readonly Transaction[] {
    return this.#coins.splice(0, count).map((coin) => signedSpend(coin));
  }

  #mine(transactions: readonly Transaction[], outputs: readonly { value: Sats; script: Uint8Array }[]): Block {
    const height = this.blocks.length + 1;
    const all = [coinbase(height, outputs, transactions), ...transactions];
    const block = solve(this.#tip, all, BENCH_START + height);
    this.#tip = block.hash;
    this.blocks.push(block);
    return block;
  }
}

function coinbase(
  height: number,
  outputs: readonly { value: Sats; script: Uint8Array }[],
  others: readonly Transaction[],
): Transaction {
  const reserved = new Uint8Array(32);
  const leaves = Buffer.concat([reserved, ...others.map((tx) => tx.wtxidBytes)]);
  const commitment = { value: sats(0), script: witnessCommitmentScript(witnessCommitmentHash(leaves, reserved)) };
  const scriptSig = Buffer.concat([encodeHeight(height), Uint8Array.of(Op.OP_0)]);
  const input = { txid: "0".repeat(64) as Txid, vout: 0xffffffff, scriptSig, sequence: 0xffffffff, witness: [reserved] };
  return Transaction.build({ version: 2, inputs: [input], outputs: [...outputs, commitment], lockTime: 0 });
}

function signedSpend({ txid, vout, value }: { txid: Txid; vout: number; value: number }): Transaction {
  const input = { txid, vout, scriptSig: new Uint8Array(0), sequence: 0xffffffff, witness: [] as Uint8Array[] };
  const outputs = [value - 6_000, 1_000].map((part) => ({ value: sats(part), script: SCRIPT }));
  const fields = { version: 2, outputs, lockTime: 0 };
  const sighashes = new SighashCache(Transaction.build({ ...fields, inputs: [input] }), [{ value: sats(value), script: SCRIPT }]);
  const hash = sighashSegwit(sighashes, 0, SCRIPT_CODE, Sighash.ALL);
  const signature = derSignature(hash);
  const witness = [Buffer.concat([signature, Uint8Array.of(Sighash.ALL)]), PUBLIC_KEY];
  return Transaction.build({ ...fields, inputs: [{ ...input, witness }] });
}

interface Signer {
  ecdsaSign(hash: Uint8Array, secretKey: Uint8Array): { readonly signature: Uint8Array };
  signatureExport(signature: Uint8Array): Uint8Array;
}

/** The compiled library signs seven times as fast as noble; a bench waits for tens of thousands. */
const signer = ((): Signer | undefined => {
  try {
    return createRequire(import.meta.url)("secp256k1/bindings.js") as Signer;
  } catch {
    return undefined;
  }
})();

function derSignature(hash: Uint8Array): Uint8Array {
  if (signer === undefined) return secp256k1.sign(hash, SECRET_KEY, { prehash: false, format: "der" });
  return signer.signatureExport(signer.ecdsaSign(hash, SECRET_KEY).signature);
}

function solve(prevHash: BlockHash, transactions: readonly Transaction[], time: number): Block {
  const bits = BENCH_NETWORK.powLimitBits;
  const { target } = bitsToTarget(bits);
  const { root: merkleRootBytes } = merkleRoot(Buffer.concat(transactions.map((tx) => tx.txidBytes)));
  for (let nonce = 0; ; nonce++) {
    const header = Header.build({ version: 0x20000000, prevHash, merkleRootBytes, time: unixSeconds(time), bits, nonce });
    if (hashMeetsTarget(header.hashBytes, target)) return Block.build(header, transactions);
  }
}
