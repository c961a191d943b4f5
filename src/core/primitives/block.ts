import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { HEADER_LENGTH, Header } from "./header.ts";
import { Transaction } from "./transaction.ts";
import { type BlockHash, type Weight, WITNESS_SCALE } from "./units.ts";

/** A header and its transactions over the block's raw bytes. */
export class Block {
  /** Exactly this block, witnesses included. */
  readonly raw: Uint8Array;
  readonly header: Header;
  readonly transactions: readonly Transaction[];

  private constructor(raw: Uint8Array, header: Header, transactions: readonly Transaction[]) {
    this.raw = raw;
    this.header = header;
    this.transactions = transactions;
  }

  /** Reads one block where the reader stands. @throws DecodeError */
  static read(reader: Reader): Block {
    const start = reader.offset;
    const header = Header.read(reader);
    const count = reader.compactSize();
    const transactions: Transaction[] = [];
    for (let i = 0; i < count; i++) transactions.push(Transaction.read(reader));
    return new Block(reader.source.subarray(start, reader.offset), header, transactions);
  }

  /** @throws DecodeError, also for bytes too many. */
  static decode(bytes: Uint8Array): Block {
    const reader = new Reader(bytes);
    const block = Block.read(reader);
    reader.finish();
    return block;
  }

  static build(header: Header, transactions: readonly Transaction[]): Block {
    const writer = new Writer(HEADER_LENGTH + 9 + transactions.reduce((sum, tx) => sum + tx.size, 0));
    writer.bytes(header.raw).compactSize(transactions.length);
    for (const transaction of transactions) writer.bytes(transaction.raw);
    return new Block(writer.finish(), header, transactions);
  }

  get hash(): BlockHash {
    return this.header.hash;
  }

  get size(): number {
    return this.raw.length;
  }

  /** Without any witness. */
  get strippedSize(): number {
    return this.transactions.reduce((sum, tx) => sum - tx.size + tx.strippedSize, this.raw.length);
  }

  /** BIP141. */
  get weight(): Weight {
    return (this.strippedSize * (WITNESS_SCALE - 1) + this.size) as Weight;
  }

  /** The transactions' ids one behind the other, 32 bytes each, internal order: the leaves of the merkle tree. */
  txidLeaves(): Uint8Array {
    return Buffer.concat(this.transactions.map((tx) => tx.txidBytes));
  }

  /** The same with wtxids, the coinbase's being zeros (BIP141). */
  wtxidLeaves(): Uint8Array {
    return Buffer.concat(this.transactions.map((tx, index) => (index === 0 ? new Uint8Array(32) : tx.wtxidBytes)));
  }
}
