import { latin1Bytes, sha256d, sha256dText } from "../encoding/hash.ts";
import { toDisplayHash } from "../encoding/hex.ts";
import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import {
  isNullOutpoint,
  OUTPOINT_LENGTH,
  type Outpoint,
  type OutpointKey,
  outpointAt,
  outpointBytes,
  outpointKeyAt,
} from "./outpoint.ts";
import { type LayoutForm, readLayout, type TransactionLayout } from "./transaction-layout.ts";
import { type RawTxid, type Sats, type Txid, type VBytes, type Weight, WITNESS_SCALE, type Wtxid } from "./units.ts";

export interface TxInput extends Outpoint {
  readonly scriptSig: Uint8Array;
  readonly sequence: number;
  /** Empty where the input has none. */
  readonly witness: readonly Uint8Array[];
}

export interface TxOutput {
  readonly value: Sats;
  readonly script: Uint8Array;
}

export interface TransactionFields {
  /** Unsigned, 32 bits. */
  readonly version: number;
  readonly inputs: readonly TxInput[];
  readonly outputs: readonly TxOutput[];
  readonly lockTime: number;
}

/** The sequence of an input that opts out of lock times. */
export const SEQUENCE_FINAL = 0xffffffff;

/** Empty scripts and witnesses are the rule: one of each serves all. */
const NO_BYTES = new Uint8Array(0);
const NO_WITNESS: readonly Uint8Array[] = [];

/** Where `stripped` forms are put together to be hashed; replaced by a larger one when it does not do. */
let stage = new Uint8Array(4096);

/**
 * A transaction as its raw bytes and where the parts stand in them. Parts are read when asked for, as views;
 * what is encoded again is the same bytes. Whoever keeps one out of a block keeps the block's buffer alive: `copy()`.
 */
export class Transaction {
  /** Exactly this transaction, witness included. */
  readonly raw: Uint8Array;
  readonly inputCount: number;
  readonly outputCount: number;
  /** Whether it is encoded with BIP144's marker, which demands at least one witness item. */
  readonly hasWitness: boolean;
  readonly #layout: TransactionLayout;
  #rawTxid: RawTxid | undefined;
  #txidBytes: Uint8Array | undefined;
  #wtxidBytes: Uint8Array | undefined;
  #txid: Txid | undefined;
  #wtxid: Wtxid | undefined;
  #inputs: readonly TxInput[] | undefined;
  #outputs: readonly TxOutput[] | undefined;
  #prevoutKeys: OutpointKey[] | undefined;

  private constructor(raw: Uint8Array, layout: TransactionLayout) {
    this.raw = raw;
    this.inputCount = layout.inputCount;
    this.outputCount = layout.outputCount;
    this.hasWitness = layout.hasWitness;
    this.#layout = layout;
  }

  /** Reads one transaction where the reader stands. @throws DecodeError */
  static read(reader: Reader, form: LayoutForm = "extended"): Transaction {
    const start = reader.offset;
    const layout = readLayout(reader, form);
    return new Transaction(reader.source.subarray(start, reader.offset), layout);
  }

  /** @throws DecodeError, also for bytes too many. `form` "legacy" reads 0 inputs as just that (BIP144's marker otherwise). */
  static decode(bytes: Uint8Array, form: LayoutForm = "extended"): Transaction {
    const reader = new Reader(bytes);
    const transaction = Transaction.read(reader, form);
    reader.finish();
    return transaction;
  }

  /** Encodes parts; with BIP144's marker when some input has a witness. */
  static build(fields: TransactionFields): Transaction {
    const hasWitness = fields.inputs.some((input) => input.witness.length > 0);
    const writer = new Writer().u32(fields.version);
    if (hasWitness) writer.u8(0).u8(1);
    writer.compactSize(fields.inputs.length);
    for (const input of fields.inputs) {
      writer.bytes(outpointBytes(input.txid, input.vout)).varBytes(input.scriptSig).u32(input.sequence);
    }
    writer.compactSize(fields.outputs.length);
    for (const output of fields.outputs) writer.i64(output.value).varBytes(output.script);
    if (hasWitness) {
      for (const input of fields.inputs) {
        writer.compactSize(input.witness.length);
        for (const item of input.witness) writer.varBytes(item);
      }
    }
    return Transaction.decode(writer.u32(fields.lockTime).finish(), hasWitness ? "extended" : "legacy");
  }

  get version(): number {
    return this.#u32(0);
  }

  get lockTime(): number {
    return this.#u32(this.raw.length - 4);
  }

  /** One input that spends nothing: 32 zero bytes and index 0xffffffff. */
  get isCoinbase(): boolean {
    return this.inputCount === 1 && isNullOutpoint(this.raw, this.prevoutOffset(0));
  }

  /** Where the 36 bytes of the outpoint that input `index` spends stand in `raw`. */
  prevoutOffset(index: number): number {
    return this.#layout.marks[index]!;
  }

  get #outputsEnd(): number {
    return this.outputOffset(this.outputCount);
  }

  /** Made when first asked for, then kept: whoever asks once, such as a pool, asks often. */
  prevoutKey(index: number): OutpointKey {
    this.#prevoutKeys ??= this.#layout.marks.slice(0, this.inputCount).map((at) => outpointKeyAt(this.raw, at));
    return this.#prevoutKeys[index]!;
  }

  scriptSig(index: number): Uint8Array {
    return this.#varBytes(this.prevoutOffset(index) + OUTPOINT_LENGTH);
  }

  sequence(index: number): number {
    return this.#u32(this.#layout.marks[index + 1]! - 4); // Before the next input, or where the last one ends.
  }

  witness(index: number): readonly Uint8Array[] {
    if (!this.hasWitnessItems(index)) return NO_WITNESS;
    const reader = new Reader(this.raw, this.#witnessOffset(index));
    const items: Uint8Array[] = [];
    for (let left = reader.compactSize(); left > 0; left--) items.push(reader.varBytes());
    return items;
  }

  /** Whether input `index` has a witness. */
  hasWitnessItems(index: number): boolean {
    return this.hasWitness && this.raw[this.#witnessOffset(index)] !== 0;
  }

  #witnessOffset(index: number): number {
    return this.#layout.marks[this.inputCount + this.outputCount + 2 + index]!;
  }

  /** Any int64 as a number: consensus/check-transaction rejects what is no amount. */
  value(index: number): Sats {
    const at = this.outputOffset(index);
    return ((this.#u32(at + 4) | 0) * 0x1_0000_0000 + this.#u32(at)) as Sats;
  }

  /** Where output `index` stands in `raw`; for `outputCount` where the last one ends. */
  outputOffset(index: number): number {
    return this.#layout.marks[this.inputCount + 1 + index]!;
  }

  /** Where the script of output `index` begins in `raw`; it ends where the output does. */
  outputScriptOffset(index: number): number {
    const at = this.outputOffset(index) + 8;
    const first = this.raw[at]!;
    return at + (first < 0xfd ? 1 : first === 0xfd ? 3 : 5);
  }

  outputScript(index: number): Uint8Array {
    return this.#varBytes(this.outputOffset(index) + 8);
  }

  #u32(at: number): number {
    const { raw } = this;
    return (raw[at]! | (raw[at + 1]! << 8) | (raw[at + 2]! << 16) | (raw[at + 3]! << 24)) >>> 0;
  }

  /** Lengths below 253, which nearly all are, without a Reader; the layout has checked them. */
  #varBytes(at: number): Uint8Array {
    const length = this.raw[at]!;
    if (length === 0) return NO_BYTES;
    return length < 0xfd ? this.raw.subarray(at + 1, at + 1 + length) : new Reader(this.raw, at).varBytes();
  }

  get inputs(): readonly TxInput[] {
    this.#inputs ??= Array.from({ length: this.inputCount }, (_, index) => ({
      ...outpointAt(this.raw, this.prevoutOffset(index)),
      scriptSig: this.scriptSig(index),
      sequence: this.sequence(index),
      witness: this.witness(index),
    }));
    return this.#inputs;
  }

  get outputs(): readonly TxOutput[] {
    this.#outputs ??= Array.from({ length: this.outputCount }, (_, index) => ({
      value: this.value(index),
      script: this.outputScript(index),
    }));
    return this.#outputs;
  }

  get size(): number {
    return this.raw.length;
  }

  /** Without marker, flag and witnesses. */
  get strippedSize(): number {
    return this.hasWitness ? 4 + (this.#outputsEnd - 6) + 4 : this.raw.length;
  }

  get weight(): Weight {
    return (this.strippedSize * (WITNESS_SCALE - 1) + this.size) as Weight;
  }

  get vsize(): VBytes {
    return Math.ceil(this.weight / WITNESS_SCALE) as VBytes;
  }

  /** The form without witnesses, which the txid hashes; `raw` itself where there are none. */
  stripped(): Uint8Array {
    return this.hasWitness ? this.#stripInto(new Uint8Array(this.strippedSize)) : this.raw;
  }

  #stripInto(bytes: Uint8Array): Uint8Array {
    const { raw } = this;
    const last = this.strippedSize - 4;
    bytes.set(raw.subarray(6, this.#outputsEnd), 4);
    for (let i = 0; i < 4; i++) {
      bytes[i] = raw[i]!;
      bytes[last + i] = raw[raw.length - 4 + i]!;
    }
    return bytes;
  }

  /** The txid as node:crypto gives it, which all other forms are made of. */
  get rawTxid(): RawTxid {
    this.#rawTxid ??= sha256dText(this.#hashed()) as RawTxid;
    return this.#rawTxid;
  }

  /** As `stripped`, but in bytes that are used again: a new array costs more than hashing it. */
  #hashed(): Uint8Array {
    if (!this.hasWitness) return this.raw;
    const size = this.strippedSize;
    if (stage.length < size) stage = new Uint8Array(2 * size);
    this.#stripInto(stage);
    return stage.subarray(0, size);
  }

  /** Internal order. */
  get txidBytes(): Uint8Array {
    this.#txidBytes ??= latin1Bytes(this.rawTxid);
    return this.#txidBytes;
  }

  get txid(): Txid {
    this.#txid ??= toDisplayHash(this.txidBytes) as Txid;
    return this.#txid;
  }

  /** Internal order; the same object as txidBytes where there is no witness. */
  get wtxidBytes(): Uint8Array {
    this.#wtxidBytes ??= this.hasWitness ? sha256d(this.raw) : this.txidBytes;
    return this.#wtxidBytes;
  }

  get wtxid(): Wtxid {
    this.#wtxid ??= toDisplayHash(this.wtxidBytes) as Wtxid;
    return this.#wtxid;
  }

  /** The same transaction over bytes of its own. */
  copy(): Transaction {
    return new Transaction(this.raw.slice(), this.#layout);
  }
}
