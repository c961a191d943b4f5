import { BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX } from "../consensus/limits.ts";
import { isFinalTx } from "../consensus/lock-time.ts";
import type { Root } from "../locks/context.ts";
import { type BlockTemplate, buildTemplate, RESERVED_SIGOP_COST, RESERVED_WEIGHT } from "../mining/template.ts";
import type { UnixSeconds } from "../primitives/units.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";

interface Made {
  readonly template: BlockTemplate;
  /** The pool's, when it was made; the template's parent is the pool's tip of that version. */
  readonly version: number;
  readonly costMs: number;
  readonly atMs: number;
}

/** A pool that changes all the time costs its templates at most one part in so many of the event loop; a new tip is never late. */
const COST_SHARE = 20;
/** Templates that cost less are always of the pool as it is. */
const CHEAP_MS = 5;

/**
 * What the next block should hold, made once for all who ask while neither tip nor pool has changed: miners, and clients that
 * poll. Only the time in it is of the call.
 *
 * It is chosen under MEMPOOL alone: the pool's own tip names the parent, and follows the chain's while BLOCKCHAIN is still held,
 * so that whoever has heard of a block gets a template upon it. Whoever finds one made takes no lock.
 */
export class SharedTemplate {
  readonly #node: NodeParts;
  #made: Made | undefined;
  /** A template that waits for the lock. */
  #coming: Promise<BlockTemplate> | undefined;

  constructor(node: NodeParts) {
    this.#node = node;
  }

  async get(at: Root): Promise<BlockTemplate> {
    // Nothing is chosen yet of one that is coming, so that it serves whoever asks meanwhile; nobody here holds a lock.
    const template = this.#current() ?? (await (this.#coming ?? this.#make(at)));
    const time = Math.max(template.minTime, nowSeconds(this.#node.clock)) as UnixSeconds;
    return template.time === time ? template : { ...template, time };
  }

  #current(): BlockTemplate | undefined {
    const { mempool, clock } = this.#node;
    const made = this.#made;
    if (made === undefined || made.template.prevHash !== mempool.tipHash) return undefined;
    const isRecent = made.costMs >= CHEAP_MS && clock.monotonicMs() - made.atMs < COST_SHARE * made.costMs;
    return made.version === mempool.version || isRecent ? made.template : undefined;
  }

  async #make(at: Root): Promise<BlockTemplate> {
    const { mempoolLock, mempool, clock } = this.#node;
    let isChosen = false;
    const choose = (): BlockTemplate => {
      isChosen = true;
      this.#coming = undefined;
      const startMs = clock.monotonicMs();
      const template = this.#choose();
      const atMs = clock.monotonicMs();
      this.#made = { template, version: mempool.version, costMs: atMs - startMs, atMs };
      return template;
    };
    const coming = mempoolLock.withRead(at, choose, { site: "block template" });
    if (!isChosen) this.#coming = coming;
    try {
      return await coming;
    } finally {
      if (this.#coming === coming) this.#coming = undefined; // The wait failed.
    }
  }

  #choose(): BlockTemplate {
    const { chain, mempool, params, clock } = this.#node;
    const parent = chain.find(mempool.tipHash)!;
    const { entries } = mempool.select({
      weight: BLOCK_WEIGHT_MAX - RESERVED_WEIGHT,
      sigopCost: BLOCK_SIGOP_COST_MAX - RESERVED_SIGOP_COST,
      minFeeRate: mempool.policy.blockMinFeeRate,
      isFinal: ({ tx }) => isFinalTx(tx, parent.height + 1, parent.medianTimePast),
    });
    return buildTemplate({ parent, params, entries, nowSeconds: nowSeconds(clock) });
  }
}
