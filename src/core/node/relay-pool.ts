import { unreachable } from "../errors.ts";
import type { PoolEntry } from "../mempool/cluster.ts";
import { OrphanPool } from "../mempool/orphans.ts";
import type { PeerPool, PooledTransaction, RelayVerdict } from "../peers/ports.ts";
import { type OutpointKey, parseOutpointKey } from "../primitives/outpoint.ts";
import type { Transaction } from "../primitives/transaction.ts";
import type { FeeRate, Txid } from "../primitives/units.ts";
import { acceptTransaction } from "./accept-transaction.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";

/** The pool as peers see it. What waits for its parents is kept beside it, and judged again when one of them is taken. */
export class RelayPool implements PeerPool {
  readonly #node: NodeParts;
  /** Guarded by MEMPOOL. */
  readonly #orphans = new OrphanPool();

  constructor(node: NodeParts) {
    this.#node = node;
  }

  get size(): number {
    return this.#node.mempool.size;
  }

  get feeRateMin(): FeeRate {
    const { mempool, clock } = this.#node;
    return Math.max(mempool.minFeeRate(nowSeconds(clock)), mempool.policy.minRelayFeeRate) as FeeRate;
  }

  find(txid: Txid): PooledTransaction | undefined {
    const entry = this.#node.mempool.find(txid);
    return entry === undefined ? undefined : pooled(entry);
  }

  *entries(): Iterable<PooledTransaction> {
    for (const entry of this.#node.mempool.entries()) yield pooled(entry);
  }

  async accept(tx: Transaction): Promise<RelayVerdict> {
    const { locks } = this.#node;
    const outcome = await locks.task("relay", (at) => acceptTransaction(at, this.#node, tx));
    switch (outcome.kind) {
      case "accepted":
        await this.#acceptChildren(tx);
        return { kind: "accepted" };
      case "fee-exceeded":
        return { kind: "refused", code: "max-fee-exceeded" };
      case "rejected":
        if (outcome.why.kind === "known") return { kind: "known" };
        if (outcome.why.kind !== "missing-inputs") return { kind: "refused", code: outcome.why.code };
        return this.#keepOrphan(tx, outcome.why.missing ?? []);
      default:
        return unreachable(outcome);
    }
  }

  async #keepOrphan(tx: Transaction, missing: readonly OutpointKey[]): Promise<RelayVerdict> {
    const { locks, mempoolLock, clock } = this.#node;
    await locks.task("keep an orphan", (at) =>
      mempoolLock.withWrite(at, () => this.#orphans.add(tx, missing, nowSeconds(clock)), { site: "keep an orphan" }),
    );
    return { kind: "missing-parents", parents: [...new Set(missing.map((key) => parseOutpointKey(key).txid))] };
  }

  async #acceptChildren(parent: Transaction): Promise<void> {
    if (this.#orphans.size === 0) return;
    const { locks, mempoolLock } = this.#node;
    const children = await locks.task("take orphans", (at) =>
      mempoolLock.withWrite(at, () => this.#orphans.takeChildren(parent), { site: "take orphans" }),
    );
    for (const child of children) await this.accept(child);
  }
}

function pooled({ tx, modifiedFee, vsize }: PoolEntry): PooledTransaction {
  return { tx, feeRate: Math.floor((modifiedFee * 1000) / vsize) as FeeRate };
}
