import { sha256 } from "../encoding/hash.ts";
import { Writer } from "../encoding/writer.ts";
import type { Transaction } from "../primitives/transaction.ts";

/** The output that an input spends. */
export interface SpentOutput {
  /** Satoshis. */
  readonly value: number;
  readonly script: Uint8Array;
}

/** How a signature hash treats outputs and inputs, from the byte at a signature's end. */
export const Sighash = { DEFAULT: 0, ALL: 1, NONE: 2, SINGLE: 3, ANYONECANPAY: 0x80 } as const;

/**
 * The hashes of one transaction that its signatures share, made when first asked for: without them every signature would
 * hash the whole transaction (BIP143, BIP341). `single` fields are one SHA-256 (BIP341), `double` ones two (BIP143).
 */
export class SighashCache {
  readonly tx: Transaction;
  /** Of every input, in order. */
  readonly spent: readonly SpentOutput[];
  #prevoutsSingle: Uint8Array | undefined;
  #prevoutsDouble: Uint8Array | undefined;
  #sequencesSingle: Uint8Array | undefined;
  #sequencesDouble: Uint8Array | undefined;
  #outputsSingle: Uint8Array | undefined;
  #outputsDouble: Uint8Array | undefined;
  #amountsSingle: Uint8Array | undefined;
  #scriptsSingle: Uint8Array | undefined;
  #legacyTemplate: Uint8Array | undefined;

  constructor(tx: Transaction, spent: readonly SpentOutput[]) {
    this.tx = tx;
    this.spent = spent;
  }

  get prevoutsSingle(): Uint8Array {
    this.#prevoutsSingle ??= sha256(this.#gather(36, (bytes, at, i) => bytes.set(this.prevout(i), at)));
    return this.#prevoutsSingle;
  }

  get prevoutsDouble(): Uint8Array {
    this.#prevoutsDouble ??= sha256(this.prevoutsSingle);
    return this.#prevoutsDouble;
  }

  get sequencesSingle(): Uint8Array {
    this.#sequencesSingle ??= sha256(this.#gather(4, (bytes, at, i) => bytes.writeUInt32LE(this.tx.sequence(i), at)));
    return this.#sequencesSingle;
  }

  get sequencesDouble(): Uint8Array {
    this.#sequencesDouble ??= sha256(this.sequencesSingle);
    return this.#sequencesDouble;
  }

  get outputsSingle(): Uint8Array {
    this.#outputsSingle ??= sha256(this.outputs());
    return this.#outputsSingle;
  }

  get outputsDouble(): Uint8Array {
    this.#outputsDouble ??= sha256(this.outputsSingle);
    return this.#outputsDouble;
  }

  get amountsSingle(): Uint8Array {
    this.#amountsSingle ??= sha256(this.#gather(8, (bytes, at, i) => writeAmount(bytes, at, this.spent[i]!.value)));
    return this.#amountsSingle;
  }

  get scriptsSingle(): Uint8Array {
    if (this.#scriptsSingle === undefined) {
      const writer = new Writer(40 * this.spent.length);
      for (const { script } of this.spent) writer.varBytes(script);
      this.#scriptsSingle = sha256(writer.finish());
    }
    return this.#scriptsSingle;
  }

  /** The 36 bytes of an input's outpoint; a view. */
  prevout(index: number): Uint8Array {
    const at = this.tx.prevoutOffset(index);
    return this.tx.raw.subarray(at, at + 36);
  }

  /** All outputs as they are serialized, without their count; a view. */
  outputs(): Uint8Array {
    return this.tx.raw.subarray(this.tx.outputOffset(0), this.tx.outputOffset(this.tx.outputCount));
  }

  /** One output as it is serialized; a view. */
  output(index: number): Uint8Array {
    return this.tx.raw.subarray(this.tx.outputOffset(index), this.tx.outputOffset(index + 1));
  }

  /** The transaction without witness and with every scriptSig empty, and four bytes for the hash type: what a legacy SIGHASH_ALL preimage differs from by one script. */
  get legacyTemplate(): Uint8Array {
    if (this.#legacyTemplate === undefined) {
      const { tx } = this;
      const writer = new Writer(41 * tx.inputCount + tx.raw.length).u32(tx.version).compactSize(tx.inputCount);
      for (let i = 0; i < tx.inputCount; i++) writer.bytes(this.prevout(i)).u8(0).u32(tx.sequence(i));
      this.#legacyTemplate = writer.compactSize(tx.outputCount).bytes(this.outputs()).u32(tx.lockTime).u32(0).finish();
    }
    return this.#legacyTemplate;
  }

  #gather(width: number, write: (bytes: Buffer, at: number, index: number) => void): Uint8Array {
    const count = this.tx.inputCount;
    const bytes = Buffer.allocUnsafe(width * count);
    for (let i = 0; i < count; i++) write(bytes, width * i, i);
    return bytes;
  }
}

/** An amount as int64; consensus has bounded it below 2^53. */
export function writeAmount(bytes: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x100000000);
  bytes.writeUInt32LE(value - high * 0x100000000, at);
  bytes.writeInt32LE(high, at + 4);
}
