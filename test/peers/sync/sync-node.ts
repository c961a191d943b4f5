import { peerChain } from "../../../src/core/node/peer-chain.ts";
import type { Judge, Link, Offence, PeerIdentity, Shortcoming } from "../../../src/core/peers/link.ts";
import type { PeerChain, PeerPool, RelayVerdict } from "../../../src/core/peers/ports.ts";
import { PeerSync } from "../../../src/core/peers/sync/sync.ts";
import type { ActiveLink } from "../../../src/core/peers/table/active-link.ts";
import type { Ban } from "../../../src/core/peers/table/ban-list.ts";
import { createJudge } from "../../../src/core/peers/table/judge.ts";
import type { Block } from "../../../src/core/primitives/block.ts";
import type { Transaction } from "../../../src/core/primitives/transaction.ts";
import type { FeeRate, Txid } from "../../../src/core/primitives/units.ts";
import { ChainBench } from "../../chain/harness.ts";
import { QUICK } from "../../chain/random-tree.ts";
import { type MemoryLinkFaults, memoryLinks } from "../../fakes/memory-link.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";

/** Takes whatever comes, but for what a test bars or lets wait for parents. */
export class OpenPool implements PeerPool {
  readonly txs = new Map<Txid, Transaction>();
  readonly parents = new Map<Txid, readonly Txid[]>();
  readonly refused = new Set<Txid>();
  feeRateMin = 100 as FeeRate;
  feeRate = 1_000 as FeeRate;
  onAdded: (txid: Txid) => void = () => undefined;

  get size(): number {
    return this.txs.size;
  }
  find(txid: Txid) {
    const tx = this.txs.get(txid);
    return tx === undefined ? undefined : { tx, feeRate: this.feeRate };
  }
  *entries() {
    for (const tx of this.txs.values()) yield { tx, feeRate: this.feeRate };
  }
  async accept(tx: Transaction): Promise<RelayVerdict> {
    if (this.txs.has(tx.txid)) return { kind: "known" };
    if (this.refused.has(tx.txid)) return { kind: "refused", code: "no" };
    const parents = (this.parents.get(tx.txid) ?? []).filter((parent) => !this.txs.has(parent));
    if (parents.length > 0) return { kind: "missing-parents", parents };
    this.txs.set(tx.txid, tx);
    this.onAdded(tx.txid);
    for (const [child, needed] of this.parents)
      if (needed.includes(tx.txid) && this.waiting.has(child)) await this.accept(this.waiting.get(child)!);
    return { kind: "accepted" };
  }
  readonly waiting = new Map<Txid, Transaction>();
}

/** A node as far as synchronisation goes: a real chain in a folder, an open pool, links in memory. */
export class SyncNode {
  readonly bench: ChainBench;
  readonly chain: PeerChain;
  readonly pool = new OpenPool();
  readonly offences: Offence[] = [];
  readonly shortcomings: Shortcoming[] = [];
  readonly bans: Ban[] = [];
  readonly active = new Map<Link, ActiveLink>();
  readonly sync: PeerSync;
  readonly identity: PeerIdentity;
  readonly log = new QuietLog();

  static async open(name: string): Promise<SyncNode> {
    return new SyncNode(name, await ChainBench.open({ params: QUICK }, {}));
  }

  private constructor(name: string, bench: ChainBench) {
    this.bench = bench;
    bench.nowSeconds = 1_900_000_000; // Behind every block of a random tree.
    const inner = peerChain(bench.chain, bench.locks);
    // The node tells of moved tips by its events; here the chain's one caller does.
    const acceptBlocks: PeerChain["acceptBlocks"] = async (blocks) => {
      const before = bench.chain.tip.hash;
      const outcomes = await inner.acceptBlocks(blocks);
      if (bench.chain.tip.hash !== before) setImmediate(() => this.sync.tipMoved());
      return outcomes;
    };
    this.chain = Object.create(inner, { acceptBlocks: { value: acceptBlocks } }) as PeerChain;
    this.identity = {
      instance: name.padEnd(32, "0"),
      nodeId: name,
      agent: "test",
      version: 1,
      listenUrl: null,
      tip: bench.chain.tip,
    };
    this.sync = new PeerSync({
      chain: this.chain,
      pool: this.pool,
      params: QUICK,
      judge: this.judge,
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      entropy: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
      log: this.log,
    });
    this.pool.onAdded = (txid) => this.sync.transactionAdded(txid);
  }

  /** The product's own, and a record of what it is told. */
  get judge(): Judge {
    const judge = createJudge({
      find: (link) => this.active.get(link),
      nowSeconds: () => 0,
      ban: (ban) => void this.bans.push(ban),
      told: () => undefined,
    });
    return {
      misbehaved: (link, offence, evidence) => {
        this.offences.push(offence);
        judge.misbehaved(link, offence, evidence);
      },
      disappointed: (link, shortcoming) => {
        this.shortcomings.push(shortcoming);
        judge.disappointed(link, shortcoming);
      },
    };
  }

  get height(): number {
    return this.bench.chain.tip.height;
  }

  /** Takes blocks as if they had been mined here. */
  async add(blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) await this.chain.acceptBlocks([block]);
  }

  me(): PeerIdentity {
    return { ...this.identity, tip: this.bench.chain.tip };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sync.stop();
    await this.bench[Symbol.asyncDispose]();
  }
}

/** Joins two nodes; gives the view of `a`. */
export function join(a: SyncNode, b: SyncNode, faults: Partial<MemoryLinkFaults> = {}) {
  const links = memoryLinks({ identity: a.me(), handler: a.sync.handler }, { identity: b.me(), handler: b.sync.handler }, faults);
  open(a, links.left);
  open(b, links.right);
  return links;
}

/** Opens a node's view of a link. */
export function open(node: SyncNode, link: Link): void {
  const { tip } = link.identity;
  const unmeasured = { latencyMs: undefined, latencyMinMs: undefined, missed: 0, score: 0, lastUseful: 0 };
  node.active.set(link, { link, tip, ...unmeasured });
  node.sync.linkOpened(link);
  void link.closed.then(() => {
    node.active.delete(link);
    node.sync.linkClosed(link);
  });
}

/** Looks again and again; a watchdog ends what never comes. */
export async function until(what: string, holds: () => boolean, watchdogMs = 20_000): Promise<void> {
  const end = performance.now() + watchdogMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
