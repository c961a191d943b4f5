import type { Clock } from "../../ports.ts";
import { Transaction } from "../../primitives/transaction.ts";
import type { Txid } from "../../primitives/units.ts";
import { decodeBodies, encodeHashes } from "../bodies-message.ts";
import type { Judge } from "../link.ts";
import type { PeerPool } from "../ports.ts";
import { ask } from "./ask.ts";
import type { LinkState } from "./link-state.ts";
import { RecentSet } from "./recent-set.ts";

/** Transactions asked for at once. */
const REQUEST_TRANSACTIONS = 256;
/** Transactions that are verified side by side. */
const VERIFY_TOGETHER = 64;
/** Of one link, announced and not yet fetched; 32 bytes of text each. */
const WANTED_MAX = 20_000;
/** Announced again and again by one link, with nothing new between: a node that keeps to the protocol announces once. */
const REPEATED_NEWS_MAX = 50_000;
/** Announced, asked for and not sent, over what was sent. A sound node falls short where a block or a replacement came between. */
const UNSENT_MAX = 20_000;
const REFUSED_MAX = 20_000;
const CONFIRMED_MAX = 50_000;
const ANSWER_MS = 15_000;

interface Deps {
  readonly pool: PeerPool;
  readonly judge: Judge;
  /** Whether transactions are of use: not while the chain is far behind. */
  readonly isCurrent: () => boolean;
  readonly links: Iterable<LinkState>;
  /** Sees to work that nobody awaits. */
  readonly run: (work: Promise<void>) => void;
  readonly clock: Clock;
}

/**
 * Fetches transactions that links announce, each from one link at a time: the first that announced it, and the next one when that
 * does not send it. Parents that are missing are asked of whoever sent the child. What the pool takes is announced by the node's
 * own events, not here.
 */
export class TransactionRelay {
  readonly #deps: Deps;
  /** Asked for and not yet answered. */
  readonly #underWay = new Map<Txid, LinkState>();
  /** Refused since the tip moved last: it would be refused again. */
  readonly #refused = new RecentSet<Txid>(REFUSED_MAX);
  readonly #confirmed = new RecentSet<Txid>(CONFIRMED_MAX);

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** A block has come: its transactions are not wanted any more, and what was refused may be good now. */
  tipMoved(confirmed: Iterable<Txid>): void {
    this.#refused.clear();
    for (const txid of confirmed) this.#confirmed.add(txid);
  }

  announced(state: LinkState, txids: readonly Txid[]): void {
    for (const txid of txids) {
      const isNews = state.knownTransactions.add(txid);
      state.repeatedNews = isNews ? 0 : state.repeatedNews + 1;
      state.outbox.delete(txid);
      if (this.#isWanted(txid) && state.wanted.size < WANTED_MAX) state.wanted.add(txid);
    }
    if (state.repeatedNews > REPEATED_NEWS_MAX)
      this.#deps.judge.misbehaved(state.link, "flood", { repeated: state.repeatedNews });
    this.#deps.run(this.#fetchAll(state));
  }

  #isWanted(txid: Txid): boolean {
    return (
      this.#deps.isCurrent() && !this.#refused.has(txid) && !this.#confirmed.has(txid) && this.#deps.pool.find(txid) === undefined
    );
  }

  async #fetchAll(state: LinkState): Promise<void> {
    if (state.isFetching) return;
    state.isFetching = true;
    try {
      for (;;) {
        const txids = this.#takeWanted(state);
        if (txids.length === 0 || state.isClosed) return;
        await this.#fetch(state, txids);
      }
    } finally {
      state.isFetching = false;
    }
  }

  #takeWanted(state: LinkState): readonly Txid[] {
    const txids: Txid[] = [];
    for (const txid of state.wanted) {
      if (txids.length >= REQUEST_TRANSACTIONS) break;
      if (this.#underWay.has(txid)) continue; // Stays wanted: another link may fail to send it.
      state.wanted.delete(txid);
      if (this.#isWanted(txid)) txids.push(txid);
    }
    return txids;
  }

  async #fetch(state: LinkState, txids: readonly Txid[]): Promise<void> {
    for (const txid of txids) this.#underWay.set(txid, state);
    try {
      const sent = await ask(state, this.#deps.judge, {
        kind: "get-transactions",
        body: encodeHashes(txids),
        read: (answer) => decodeBodies(answer, txids.length).map((raw) => Transaction.decode(raw)),
        timeoutMs: ANSWER_MS,
      });
      if (sent === undefined) return;
      this.#countUnsent(state, txids.length - sent.length, sent.length);
      const asked = new Set(txids);
      const stranger = sent.find(({ txid }) => !asked.has(txid));
      if (stranger === undefined) await this.#acceptAll(state, sent);
      else this.#deps.judge.misbehaved(state.link, "not-what-was-asked", { sent: stranger.txid });
    } finally {
      for (const txid of txids) this.#underWay.delete(txid);
      for (const other of this.#deps.links) if (other.wanted.size > 0) this.#deps.run(this.#fetchAll(other)); // They may have what this one lacked.
    }
  }

  #countUnsent(state: LinkState, missing: number, sent: number): void {
    state.unsent = Math.max(0, state.unsent + missing - 2 * sent);
    if (state.unsent <= UNSENT_MAX) return;
    state.unsent = 0;
    this.#deps.judge.disappointed(state.link, "no-transaction");
  }

  async #acceptAll(state: LinkState, txs: readonly Transaction[]): Promise<void> {
    for (const level of levelsOf(txs)) {
      for (let from = 0; from < level.length; from += VERIFY_TOGETHER) {
        await Promise.all(level.slice(from, from + VERIFY_TOGETHER).map((tx) => this.#accept(state, tx)));
      }
    }
  }

  async #accept(state: LinkState, tx: Transaction): Promise<void> {
    const verdict = await this.#deps.pool.accept(tx);
    switch (verdict.kind) {
      case "accepted":
        state.lastTransaction = Math.floor(this.#deps.clock.nowMs() / 1000);
        return;
      case "known":
        this.#confirmed.add(tx.txid); // Pooled, which is asked first, or in the chain.
        return;
      case "refused":
        this.#refused.add(tx.txid);
        return;
      case "missing-parents":
        for (const parent of verdict.parents) if (this.#isWanted(parent)) state.wanted.add(parent);
        return;
    }
  }
}

/** Transactions in levels: each stands behind those of its parents that came with it. */
export function levelsOf(txs: readonly Transaction[]): readonly (readonly Transaction[])[] {
  const own = new Map(txs.map((tx) => [Buffer.from(tx.txidBytes).toString("latin1"), tx]));
  const depths = new Map<Txid, number>();
  const parentsOf = (tx: Transaction) => Array.from({ length: tx.inputCount }, (_, i) => own.get(tx.prevoutKey(i).slice(0, 32)));
  const depthOf = (tx: Transaction): number => {
    const known = depths.get(tx.txid);
    if (known !== undefined) return known;
    depths.set(tx.txid, 0); // No cycle is possible; this keeps a broken one from never ending.
    const depth = Math.max(0, ...parentsOf(tx).map((parent) => (parent === undefined ? 0 : depthOf(parent) + 1)));
    depths.set(tx.txid, depth);
    return depth;
  };
  const levels: Transaction[][] = [];
  for (const tx of txs) {
    const depth = depthOf(tx);
    while (levels.length <= depth) levels.push([]);
    levels[depth]!.push(tx);
  }
  return levels;
}
