import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import { LockManager } from "../locks/manager.ts";
import { acceptBlock } from "../node/accept-block.ts";
import { acceptTransaction } from "../node/accept-transaction.ts";
import { openParts } from "../node/open-parts.ts";
import type { NodeParts } from "../node/parts.ts";
import { SystemClock } from "../node/system.ts";
import type { Log } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import { Transaction } from "../primitives/transaction.ts";
import { BENCH_NETWORK, BENCH_START } from "./block-supply.ts";

export const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** Senders that wait for their answers at the same time. */
const SENDERS = 256;

/** A node without doors in a folder of its own: chain, pool, verifier, journal. `await using`. */
export class BenchNode {
  readonly directory: string;
  readonly parts: NodeParts;
  readonly #close: () => Promise<void>;

  private constructor(directory: string, { parts, close }: Awaited<ReturnType<typeof openParts>>) {
    this.directory = directory;
    this.parts = parts;
    this.#close = close;
  }

  static async open(verifiers = Math.min(8, availableParallelism())): Promise<BenchNode> {
    const directory = await mkdtemp(join(tmpdir(), "chaincore-bench-"));
    const clock = new SystemClock();
    clock.setMock(BENCH_START + 1_000_000);
    const fatal = (error: unknown) => {
      throw error;
    };
    const options = { directory, params: BENCH_NETWORK, verifiers, reindex: false };
    return new BenchNode(directory, await openParts(options, { clock, locks: new LockManager(), log: () => QUIET, fatal }));
  }

  run<R>(step: (at: Root) => Promise<R>): Promise<R> {
    return this.parts.locks.task("bench", step);
  }

  /** Takes a block in, from its bytes; milliseconds until it is durable and visible. */
  async connect(raw: Uint8Array): Promise<number> {
    const start = performance.now();
    const outcome = await this.run((at) => acceptBlock(at, this.parts, Block.decode(raw)));
    assert(outcome.kind === "connected", `a block of the bench is ${outcome.kind}`);
    return performance.now() - start;
  }

  /** Takes transactions into the pool, from their bytes, each on its own; milliseconds until the last is acknowledged. */
  async pool(raws: readonly Uint8Array[]): Promise<number> {
    const start = performance.now();
    let next = 0;
    const send = async (): Promise<void> => {
      while (next < raws.length) {
        const tx = Transaction.decode(raws[next++]!);
        const outcome = await this.run((at) => acceptTransaction(at, this.parts, tx));
        assert(outcome.kind === "accepted", `a transaction of the bench is ${outcome.kind}`);
      }
    };
    await Promise.all(Array.from({ length: SENDERS }, send));
    return performance.now() - start;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.parts.journal.close();
    await this.#close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The bytes of a block's transactions, the coinbase left out, each in an array of its own: nothing is known of them. */
export function spendsOf(raw: Uint8Array): readonly Uint8Array[] {
  return Block.decode(raw)
    .transactions.slice(1)
    .map((tx) => tx.raw.slice());
}
