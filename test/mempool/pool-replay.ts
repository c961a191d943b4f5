import { verdictText } from "../../src/core/consensus/verdict.ts";
import type { Holds } from "../../src/core/locks/context.ts";
import { ancestorsOf, type PoolEntry, withDescendants } from "../../src/core/mempool/cluster.ts";
import type { Candidate } from "../../src/core/mempool/evaluate.ts";
import { followChain } from "../../src/core/mempool/follow-chain.ts";
import { Mempool } from "../../src/core/mempool/mempool.ts";
import { DEFAULT_POLICY, type Policy } from "../../src/core/mempool/policy.ts";
import type { Rejection } from "../../src/core/mempool/rejection.ts";
import { type VerifiedCandidate, withScripts } from "../../src/core/mempool/script-verdict.ts";
import { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Txid, UnixSeconds } from "../../src/core/primitives/units.ts";
import { STANDARD_FLAGS } from "../../src/core/script/flags.ts";
import { verifyTransaction } from "../../src/core/script/verify-input.ts";
import type { MemoryChain } from "../support/memory-chain.ts";
import type { Step } from "../support/open-chain.ts";
import { testChecker } from "../support/test-signature-checker.ts";

/** Tests run alone: no lock is needed to be alone. */
export const AT = undefined as unknown as Holds<"MEMPOOL", "write">;

/** What testmempoolaccept says. */
export interface TestAnswer {
  readonly reason?: string;
  readonly details?: string;
  readonly vsize?: number;
  readonly fee?: number;
}

/** A pool on a MemoryChain, asked what Bitcoin Core was asked. */
export class PoolReplay {
  readonly chain: MemoryChain;
  readonly pool: Mempool;

  constructor(chain: MemoryChain, policy: Partial<Policy> = {}) {
    this.chain = chain;
    this.pool = new Mempool({ policy: { ...DEFAULT_POLICY, ...policy }, params: chain.params, tip: chain.tip });
  }

  get view() {
    return { tip: this.chain.tip, findCoin: (bytes: Uint8Array, offset: number) => this.chain.findCoin(bytes, offset) };
  }

  get now(): UnixSeconds {
    return this.chain.nowSeconds as UnixSeconds;
  }

  judge(tx: Transaction): VerifiedCandidate | Rejection {
    const candidate = this.pool.evaluate(tx, this.view, { nowSeconds: this.now });
    return "kind" in candidate ? candidate : withScripts(candidate, verifyScripts(candidate));
  }

  test(tx: Transaction): TestAnswer {
    const judged = this.judge(tx);
    if (!("kind" in judged)) return { vsize: Math.ceil(judged.adjustedWeight / 4), fee: judged.fee };
    if (judged.kind === "missing-inputs") return { reason: "missing-inputs" };
    return { reason: judged.code, details: verdictText(judged) };
  }

  /** What sendrawtransaction gives: null, or the message of its error. */
  send(tx: Transaction): string | null {
    if (this.pool.find(tx.txid)) return null;
    const isInChain = tx.outputs.some((_, vout) => this.chain.hasOutput(tx, vout));
    if (isInChain) return "Transaction outputs already in utxo set";
    const judged = this.judge(tx);
    if ("kind" in judged) return verdictText(judged);
    const outcome = this.pool.add(AT, judged);
    if (outcome.kind === "added") return null;
    return outcome.kind === "stale" ? "stale" : verdictText(outcome.why);
  }

  async submitBlock(step: Step): Promise<string | null> {
    const result = this.chain.submit(Buffer.from(step.hex!, "hex"));
    const { connected, displaced } = this.chain;
    if (connected.length > 0) {
      const move = { view: this.view, connected, displaced, nowSeconds: this.now };
      await followChain(AT, this.pool, move, async (candidates) => candidates.map(verifyScripts));
    }
    return result;
  }

  /** The txids of getblocktemplate, in order: 8,000 of weight and 400 of signature operations stay free for the coinbase. */
  template(): readonly string[] {
    const limits = { weight: 4_000_000 - 8_000, sigopCost: 80_000 - 400, minFeeRate: this.pool.policy.blockMinFeeRate };
    return this.pool.select(limits).entries.map(({ tx }) => tx.txid);
  }

  /** getmempoolentry, but for what the pool does not know of. */
  entryAnswer(txid: string): unknown {
    const entry = this.pool.find(txid as Txid);
    if (entry === undefined) return undefined;
    const above = [entry, ...ancestorsOf(entry.parents)];
    const below = [...withDescendants([entry])];
    const chunk = entry.cluster.chunkOf(entry);
    const sum = (entries: readonly PoolEntry[], pick: (entry: PoolEntry) => number) =>
      entries.reduce((total, each) => total + pick(each), 0);
    const fees = (entries: readonly PoolEntry[]) => sum(entries, ({ modifiedFee }) => modifiedFee) / 1e8;
    return {
      vsize: entry.vsize,
      weight: entry.tx.weight,
      time: entry.time,
      height: entry.height,
      descendantcount: below.length,
      descendantsize: sum(below, ({ vsize }) => vsize),
      ancestorcount: above.length,
      ancestorsize: sum(above, ({ vsize }) => vsize),
      wtxid: entry.tx.wtxid,
      chunkweight: chunk.size,
      fees: {
        base: entry.fee / 1e8,
        modified: entry.modifiedFee / 1e8,
        ancestor: fees(above),
        descendant: fees(below),
        chunk: chunk.fee / 1e8,
      },
      depends: entry.parents.map(({ tx }) => tx.txid).sort(),
      spentby: entry.children.map(({ tx }) => tx.txid).sort(),
    };
  }

  txids(): readonly string[] {
    return [...this.pool.entries()].map(({ tx }) => tx.txid).sort();
  }
}

export function verifyScripts(candidate: Candidate) {
  return verifyTransaction(candidate.tx, candidate.spent, STANDARD_FLAGS, testChecker);
}

/** Undefined for what RPC calls "TX decode failed". */
export function decodeTx(hex: string): Transaction | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(hex)) return undefined;
  for (const form of ["extended", "legacy"] as const) {
    try {
      return Transaction.decode(Buffer.from(hex, "hex"), form);
    } catch {
      // The other form.
    }
  }
  return undefined;
}
