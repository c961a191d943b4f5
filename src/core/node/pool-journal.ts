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
  #pending: Transaction[] = [];
  /** Of what is pending. */
  #written: Promise<void> | undefined;
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

  /**
   * Notes a transaction. Resolves when the system has it: one write takes all that were noted in one turn of the event loop, where
   * a write for each would cost 5 us.
   */
  append(tx: Transaction): Promise<void> {
    this.#pending.push(tx);
    this.#written ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#flush();
        resolve();
      });
    });
    return this.#written;
  }

  #flush(): void {
    this.#written = undefined;
    if (this.#pending.length === 0) return;
    const bytes = framed(this.#pending);
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
    const bytes = framed([...pooled]);
    this.close();
    await writeFileAtomic(this.#path, bytes, { mode: 0o600 });
    this.#bytes = bytes.length;
  }

  close(): void {
    this.#flush();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function framed(transactions: readonly Transaction[]): Uint8Array {
  const writer = new Writer(transactions.reduce((sum, tx) => sum + 4 + tx.size, 0));
  for (const tx of transactions) writer.u32(tx.size).bytes(tx.raw);
  return writer.finish();
}
