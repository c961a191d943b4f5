import type { MineRequest, Mining } from "../api/ports.ts";
import type { StratumStatus } from "../client/answers.ts";
import { ChainCoreError } from "../errors.ts";
import type { Root } from "../locks/context.ts";
import { mineOne } from "../mining/generate.ts";
import type { MinerEvent } from "../mining/job-cycle.ts";
import { Miner, type MinerOptions } from "../mining/miner.ts";
import { type BlockTemplate, buildTemplate, Candidate } from "../mining/template.ts";
import { type WorkAnswer, workToJson } from "../mining/template-json.ts";
import { decodeAddress } from "../primitives/address.ts";
import type { Block } from "../primitives/block.ts";
import type { Sats } from "../primitives/units.ts";
import { blockNotAccepted, connectMined, submitMined } from "./mine-next.ts";
import { type NodeParts, nowSeconds } from "./parts.ts";
import { SharedTemplate } from "./shared-template.ts";

/** A miner elsewhere gets a new time and new transactions at least so often. */
const WORK_MS_MAX = 5_000;

/** A block may also leave the chain without another in its place (invalidateblock). */
const movesTip = (event: string) => event === "block-connected" || event === "block-disconnected";

/** Times in a row that a block of `mineNow` may lose its place to a peer's. */
const OVERTAKEN_MAX = 20;

/** How a node lets its blocks be mined: at once, by miners of its own, or by miners in other processes. */
export class NodeMining implements Mining {
  readonly #node: NodeParts;
  readonly #template: SharedTemplate;
  /** Where blocks pay to when nobody says. */
  readonly #payTo: () => Uint8Array;
  readonly #miners = new Set<Miner>();
  /** Miners in other processes, by the prefix of their work: hashes a second as they tell. */
  readonly #attached = new Map<number, number>();
  #stratum: (() => StratumStatus) | undefined;
  /** Extranonce prefix of the next miner from outside; 0 is the node's own. From a random start, so that those of before a restart stay apart. */
  #nextPrefix: number;

  constructor(node: NodeParts, payTo: () => Uint8Array) {
    this.#node = node;
    this.#template = new SharedTemplate(node);
    this.#payTo = payTo;
    this.#nextPrefix = 1 + Math.floor(new DataView(node.entropy.bytes(4).slice().buffer).getUint32(0) / 2);
    // Miners leave old work within a turn of the event loop behind the commit.
    node.events.follow(node.events.sequence, ({ event }) => {
      if (movesTip(event)) for (const miner of this.#miners) miner.tipChanged(node.chain.tip.hash);
      return true;
    });
  }

  get miners(): number {
    return this.#miners.size + this.#attached.size + (this.stratum?.miners ?? 0);
  }

  /** What the port for stock miners has to tell, while there is one. */
  get stratum(): StratumStatus | null {
    return this.#stratum?.() ?? null;
  }

  /** The port for stock miners is open, until the returned function is called. */
  tellStratum(status: () => StratumStatus): () => void {
    this.#stratum = status;
    return () => {
      this.#stratum = undefined;
    };
  }

  /** What the miners of this process hash with; null while there are none. */
  get kernel(): string | null {
    const [miner] = this.#miners;
    return miner?.statistics().miners[0]?.kernel ?? null;
  }

  get hashesPerSecond(): number {
    const own = [...this.#miners].reduce((sum, miner) => sum + miner.statistics().hashesPerSecond, 0);
    const attached = [...this.#attached.values()].reduce((sum, rate) => sum + rate, 0);
    return own + attached + (this.stratum?.hashesPerSecond ?? 0);
  }

  /** Of one that has left, or of what is no rate, nothing is kept. */
  noteRate(prefix: number, hashesPerSecond: number): void {
    if (this.#attached.has(prefix) && hashesPerSecond >= 0 && hashesPerSecond < Infinity)
      this.#attached.set(prefix, hashesPerSecond);
  }

  template(at: Root): Promise<BlockTemplate> {
    return this.#template.get(at);
  }

  /** Mines one block on the calling thread. @throws ChainCoreError "max-tries", "block-not-accepted" */
  async mineNow(at: Root, { script, transactions, triesMax, submits = true }: MineRequest): Promise<Block> {
    for (let attempt = 0; attempt < OVERTAKEN_MAX; attempt++) {
      const template = transactions === undefined ? await this.template(at) : this.#templateOf(transactions);
      const block = mineOne(new Candidate(template, { script }), this.#node.entropy, triesMax);
      if (!submits || (await connectMined(at, this.#node, block))) return block;
    }
    throw blockNotAccepted("inconclusive");
  }

  #templateOf(transactions: NonNullable<MineRequest["transactions"]>): BlockTemplate {
    const { chain, params, clock } = this.#node;
    const entries = transactions.map((tx) => ({ tx, fee: 0 as Sats, sigopCost: 0 }));
    return buildTemplate({ parent: chain.find(chain.tip.hash)!, params, entries, nowSeconds: nowSeconds(clock) });
  }

  /** A miner of this process, not started. It is the node's until `release` is called. */
  createMiner(options: MinerOptions & { readonly script?: Uint8Array | undefined }, onEvent: (event: MinerEvent) => void) {
    const { script, ...rest } = options;
    const { locks, clock, entropy, log } = this.#node;
    const miner = new Miner(rest, {
      ...this.#work(script),
      locks,
      clock,
      entropy,
      log,
      onEvent,
    });
    this.#miners.add(miner);
    return { miner, release: () => void this.#miners.delete(miner) };
  }

  /** What the Stratum server mines with: its miners' blocks pay to the node's account. */
  forStratum() {
    return { ...this.#work(undefined), reservePrefix: () => this.#nextPrefix++ };
  }

  #work(script = this.#payTo()) {
    const { locks } = this.#node;
    return {
      source: () => locks.task("mining template", async (at) => new Candidate(await this.template(at), { script })),
      submit: (block: Block) => locks.task("submit mined block", (at) => submitMined(at, this.#node, block)),
    };
  }

  /** Templates for a miner in another process until it leaves: one at once, one with each new tip, one every few seconds. */
  async *jobs(address: string | undefined, signal: AbortSignal): AsyncGenerator<WorkAnswer> {
    const { events, locks } = this.#node;
    const script = address === undefined ? this.#payTo() : this.scriptOf(address);
    const prefix = this.#nextPrefix++;
    let wake: () => void = () => {};
    const leave = events.follow(events.sequence, ({ event }) => {
      if (movesTip(event)) wake();
      return true;
    });
    signal.addEventListener("abort", () => wake(), { once: true });
    this.#attached.set(prefix, 0);
    try {
      while (!signal.aborted) {
        // Listening before asking: a tip that comes in between wakes the wait below at once.
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const template = await locks.task("work for a miner", (at) => this.template(at));
        yield workToJson(new Candidate(template, { script }), prefix);
        const timer = setTimeout(resolve, WORK_MS_MAX);
        if (!signal.aborted) await promise;
        clearTimeout(timer);
      }
    } finally {
      this.#attached.delete(prefix);
      leave();
    }
  }

  /** @throws ChainCoreError "bad-address" */
  scriptOf(address: string): Uint8Array {
    const decoded = decodeAddress(address, this.#node.params.prefixes);
    if ("script" in decoded) return decoded.script;
    throw new ChainCoreError("bad-address", `"${address}" is no address of ${this.#node.params.name}: ${decoded.error}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#miners].map((miner) => miner.stop()));
    this.#miners.clear();
  }
}
