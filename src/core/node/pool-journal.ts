import { closeSync, openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { DecodeError, Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { writeFileAtomic } from "../files/atomic-file.ts";
import type { Log } from "../ports.ts";
import { Transaction } from "../primitives/transaction.ts";

/**
 * The pool's memory over a kill -9: raw transactions in the order in which they were taken in, each behind its length. No sync:
 * a crash of the process loses nothing that was acknowledged, a loss of power may lose what was not mined yet.
 */
export class PoolJournal {
  readonly #path: string;
  readonly #log: Log;
  #file: number | undefined;
  #pending: Uint8Array[] = [];
  #bytes = 0;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Bytes in the file, of transactions in the pool and of those that have left it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What was taken in and not known to have left, parents first; a torn end is left out. */
  async read(): Promise<readonly Transaction[]> {
    const bytes = await readFile(this.#path).catch(() => new Uint8Array());
    const reader = new Reader(bytes);
    const transactions: Transaction[] = [];
    try {
      while (reader.remaining > 0) transactions.push(Transaction.decode(reader.bytes(reader.u32())));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#log.warn({ path: this.#path, offset: reader.offset }, "the end of the pool's journal is torn");
    }
    return transactions;
  }

  /** Notes a transaction; written with the next `flush`, or in a later turn of the event loop. */
  append(tx: Transaction): void {
    if (this.#pending.length === 0) setImmediate(() => this.flush());
    this.#pending.push(frame(tx));
  }

  /** Hands to the system what was noted. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    try {
      this.#file ??= openSync(this.#path, "a", 0o600);
      writeSync(this.#file, bytes);
      this.#bytes += bytes.length;
    } catch (error) {
      // The pool is no promise of durability; the chain, which is, will say the same of its disk.
      this.#log.warn({ path: this.#path, error: String(error) }, "the pool's journal cannot be written");
    }
  }

  /** Replaces the file by what is in the pool now. */
  async rewrite(pooled: Iterable<Transaction>): Promise<void> {
    const bytes = Buffer.concat(Array.from(pooled, frame));
    this.close();
    await writeFileAtomic(this.#path, bytes, { mode: 0o600 });
    this.#bytes = bytes.length;
  }

  close(): void {
    this.flush();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function frame(tx: Transaction): Uint8Array {
  return new Writer(4 + tx.size).u32(tx.size).bytes(tx.raw).finish();
}
