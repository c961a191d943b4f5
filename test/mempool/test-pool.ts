import { REGTEST } from "../../src/core/consensus/params.ts";
import { type FollowOutcome, followChain } from "../../src/core/mempool/follow-chain.ts";
import { type AddOutcome, Mempool } from "../../src/core/mempool/mempool.ts";
import { DEFAULT_POLICY, type Policy } from "../../src/core/mempool/policy.ts";
import type { Rejection } from "../../src/core/mempool/rejection.ts";
import { type VerifiedCandidate, withScripts } from "../../src/core/mempool/script-verdict.ts";
import { Block } from "../../src/core/primitives/block.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { type OutpointKey, outpointKey, outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { Height, Sats, Txid, UnixSeconds } from "../../src/core/primitives/units.ts";
import { ancestry, buildTx, fakeTxid } from "../support/build-block.ts";
import { AT } from "./pool-replay.ts";

/** Pays to a key hash; what spends it needs no witness here, for scripts are not run. */
export const PAY_SCRIPT = Buffer.concat([Uint8Array.of(0, 20), Buffer.alloc(20, 9)]);

export interface Output {
  readonly txid: Txid;
  readonly vout: number;
  readonly value: number;
}

export interface SpendParts {
  readonly fee?: number;
  readonly outputs?: number;
  readonly version?: number;
  readonly sequence?: number;
  readonly lockTime?: number;
  /** Bytes of OP_RETURN in a further output, to make it large. */
  readonly ballast?: number;
}

/** A spend of these outputs; what is not fee goes to its own outputs in equal parts. */
export function spend(from: readonly Output[], parts: SpendParts = {}): Transaction {
  const { fee = 1000, outputs = 1, ballast = 0 } = parts;
  const value = Math.floor((from.reduce((sum, { value }) => sum + value, 0) - fee) / outputs);
  const last = from.reduce((sum, output) => sum + output.value, 0) - fee - value * (outputs - 1);
  const pays = Array.from({ length: outputs }, (_, i) => ({ value: i === 0 ? last : value, script: PAY_SCRIPT }));
  const data = ballast === 0 ? [] : [{ value: 0, script: Buffer.concat([Uint8Array.of(0x6a), pushes(ballast)]) }];
  return buildTx({
    version: parts.version ?? 2,
    lockTime: parts.lockTime ?? 0,
    inputs: from.map(({ txid, vout }) => ({ txid, vout, sequence: parts.sequence ?? 0xffffffff })),
    outputs: [...pays, ...data],
  });
}

/** So many bytes of pushes. */
function pushes(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, 0x51);
}

export function outputOf(tx: Transaction, vout = 0): Output {
  return { txid: tx.txid, vout, value: tx.value(vout) };
}

/** A pool on a chain of coins made up as needed. */
export class TestPool {
  readonly coins = new Map<OutpointKey, Coin>();
  readonly pool: Mempool;
  tip = ancestry(Array.from({ length: 200 }, (_, i) => 1_700_000_000 + 600 * i));
  now = 1_700_200_000;
  #coins = 1000;

  constructor(policy: Partial<Policy> = {}) {
    this.pool = new Mempool({ policy: { ...DEFAULT_POLICY, ...policy }, params: REGTEST, tip: this.tip });
  }

  coin(value = 1_000_000, parts: Partial<Coin> = {}): Output {
    const txid = fakeTxid(this.#coins++);
    const coin = { value: value as Sats, script: PAY_SCRIPT, height: 50 as Height, isCoinbase: false, ...parts };
    this.coins.set(outpointKey(txid, 0), coin);
    return { txid, vout: 0, value };
  }

  get view() {
    return { tip: this.tip, findCoin: (bytes: Uint8Array, offset: number) => this.coins.get(outpointKeyAt(bytes, offset)) };
  }

  judge(tx: Transaction): VerifiedCandidate | Rejection {
    const judged = this.pool.evaluate(tx, this.view, { nowSeconds: this.now as UnixSeconds });
    return "kind" in judged ? judged : withScripts(judged, undefined);
  }

  /** "added", or the reject code. */
  add(tx: Transaction): string {
    const outcome = this.offer(tx);
    return outcome.kind === "rejected" ? outcome.why.code : outcome.kind;
  }

  offer(tx: Transaction): AddOutcome {
    const judged = this.judge(tx);
    return "kind" in judged ? { kind: "rejected", why: judged, removed: [] } : this.pool.add(AT, judged);
  }

  has(tx: Transaction): boolean {
    return this.pool.find(tx.txid)?.tx.wtxid === tx.wtxid;
  }

  /** The chain took these: their coins move, the pool follows. */
  async connect(...txs: readonly Transaction[]): Promise<FollowOutcome> {
    for (const tx of txs) this.move(tx);
    return this.follow([txs], []);
  }

  async follow(blocks: readonly (readonly Transaction[])[], displaced: readonly Transaction[]): Promise<FollowOutcome> {
    const header = Block.decode(REGTEST.genesis).header;
    const connected = blocks.map((txs) => Block.build(header, txs));
    const move = { view: this.view, connected, displaced, nowSeconds: this.now as UnixSeconds };
    return followChain(AT, this.pool, move, async (candidates) => candidates.map(() => undefined));
  }

  /** Spends and makes coins as a block would. */
  move(tx: Transaction): readonly (readonly [OutpointKey, Coin])[] {
    const spent: [OutpointKey, Coin][] = [];
    for (let i = 0; i < tx.inputCount; i++) {
      const key = tx.prevoutKey(i);
      const coin = this.coins.get(key);
      if (coin) spent.push([key, coin]);
      this.coins.delete(key);
    }
    const height = (this.tip.height + 1) as Height;
    tx.outputs.forEach(({ value, script }, vout) => {
      if (script[0] !== 0x6a) this.coins.set(outpointKey(tx.txid, vout), { value, script, height, isCoinbase: tx.isCoinbase });
    });
    return spent;
  }
}
