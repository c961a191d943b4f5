import { Block } from "../../primitives/block.ts";
import { Transaction } from "../../primitives/transaction.ts";
import type { CompactBlock } from "../announcement.ts";
import { type SipKey, shortId, shortIdKey } from "../short-id.ts";

/** A block whose transactions the other side is thought to have: all but the coinbase by short id. @param nonce 8 fresh random bytes */
export function compactOf(block: Block, nonce: Uint8Array): CompactBlock {
  const key = shortIdKey(block.header.raw, nonce);
  const [coinbase, ...others] = block.transactions;
  return {
    header: block.header,
    nonce,
    shortIds: others.map(({ wtxidBytes }) => shortId(key, wtxidBytes)),
    prefilled: [{ place: 0, raw: coinbase!.raw }],
  };
}

/**
 * A block that is put together from what the pool has. Two pooled transactions with one short id count as none; one that is not
 * the block's shows in its merkle root, and the block is then fetched whole (BIP152).
 */
export class Reconstruction {
  readonly #compact: CompactBlock;
  readonly #slots: (Transaction | undefined)[];

  /** Undefined for one that contradicts itself. @throws DecodeError for a prefilled transaction that is none */
  static start(compact: CompactBlock, pool: Iterable<{ readonly tx: Transaction }>): Reconstruction | undefined {
    const { shortIds, prefilled } = compact;
    const count = shortIds.length + prefilled.length;
    if (prefilled[0]?.place !== 0 || prefilled.some(({ place }) => place >= count)) return undefined;
    if (new Set(shortIds).size !== shortIds.length) return undefined;
    return new Reconstruction(compact, count, pool);
  }

  private constructor(compact: CompactBlock, count: number, pool: Iterable<{ readonly tx: Transaction }>) {
    this.#compact = compact;
    this.#slots = new Array<Transaction | undefined>(count).fill(undefined);
    for (const { place, raw } of compact.prefilled) this.#slots[place] = Transaction.decode(raw);
    this.#fillFrom(pool, shortIdKey(compact.header.raw, compact.nonce));
  }

  /** Where transactions are missing, ascending. */
  get missing(): readonly number[] {
    return this.#slots.flatMap((tx, place) => (tx === undefined ? [place] : []));
  }

  /** Puts the missing ones in, in order, and builds the block. @throws DecodeError */
  finish(missing: readonly Uint8Array[]): Block {
    let next = 0;
    const transactions = this.#slots.map((tx) => tx ?? Transaction.decode(missing[next++]!));
    return Block.build(this.#compact.header, transactions);
  }

  #fillFrom(pool: Iterable<{ readonly tx: Transaction }>, key: SipKey): void {
    const open = this.#slots.flatMap((tx, place) => (tx === undefined ? [place] : []));
    const placeOf = new Map(this.#compact.shortIds.map((id, index) => [id, open[index]!]));
    const ambiguous = new Set<number>();
    for (const { tx } of pool) {
      const place = placeOf.get(shortId(key, tx.wtxidBytes));
      if (place === undefined) continue;
      if (this.#slots[place] !== undefined) ambiguous.add(place);
      this.#slots[place] = tx;
    }
    for (const place of ambiguous) this.#slots[place] = undefined;
  }
}
