import { setTimeout as sleep } from "node:timers/promises";
import type { AdminClient } from "../client/admin-client.ts";
import { ChainCoreError } from "../errors.ts";
import type { SubmitResult } from "../mining/job-cycle.ts";
import { Miner } from "../mining/miner.ts";
import type { Candidate } from "../mining/template.ts";
import { type WorkAnswer, workFromJson } from "../mining/template-json.ts";
import type { Clock, Entropy, Log } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import type { BlockHash } from "../primitives/units.ts";
import { EventQueue, type MiningRun, type MiningRunOptions, runOf } from "./mining-run.ts";

export interface AttachDeps {
  /** Finds the node and connects; called again when it has gone away. */
  readonly connect: () => Promise<AdminClient>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
}

/** How long a node may be away before it is looked for again, and how long a block is kept for it. */
const RECONNECT_MS = 500;
const RESUBMIT_MS = 60_000;
/** The node is told so often how fast this miner is. */
const RATE_MS = 2_000;

/**
 * Mines in this process for a node in another one: templates come down /v1/work, blocks go up /v1/blocks. Survives the
 * node's restart. @throws ChainCoreError "no-node-running", "bad-address" when the first connection fails
 */
export async function attachMiner(
  { address, ...options }: MiningRunOptions & { readonly id: string },
  deps: AttachDeps,
): Promise<MiningRun> {
  const feed = new WorkFeed(address, deps);
  const first = await feed.start();
  const queue = new EventQueue();
  const miner = new Miner(
    { ...options, prefix: first.prefix },
    {
      ...deps,
      source: async () => feed.candidate(),
      submit: (block) => feed.submit(block),
      onEvent: (event) => queue.push(event),
    },
  );
  feed.onNewTip = (tip) => miner.tipChanged(tip);
  feed.onWaiting = (reason) => queue.push({ kind: "waiting", reason });
  const rates = setInterval(() => void feed.tellRate(miner.statistics().hashesPerSecond), RATE_MS).unref();
  const run = runOf(miner, queue, () => {
    clearInterval(rates);
    return feed.stop();
  });
  const stop = async () => {
    feed.giveUp(); // A block that waits for the node would hold up the end by a minute.
    await run.stop();
  };
  return { ...run, stop };
}

/** The newest template of a node that may come and go. */
class WorkFeed {
  readonly #path: string;
  readonly #deps: AttachDeps;
  readonly #ended = new AbortController();
  #work: WorkAnswer | undefined;
  #reading: Promise<void> = Promise.resolve();
  onNewTip: (tip: BlockHash) => void = () => {};
  /** A block waits for the node to come back. */
  onWaiting: (reason: string) => void = () => {};

  constructor(address: string | undefined, deps: AttachDeps) {
    this.#path = address === undefined ? "/v1/work" : `/v1/work?address=${encodeURIComponent(address)}`;
    this.#deps = deps;
  }

  /** Resolves with the first template. */
  async start(): Promise<WorkAnswer> {
    const lines = (await this.#deps.connect()).lines<WorkAnswer>(this.#path, { signal: this.#ended.signal });
    const { value, done } = await lines.next();
    if (done)
      throw new ChainCoreError("node-went-away", "the node closed before it gave any work; start it again with `chaincore node`");
    this.#work = value;
    this.#reading = this.#follow(lines);
    return value;
  }

  /** @throws ChainCoreError while the node is away */
  candidate(): Candidate {
    if (this.#work === undefined) throw new ChainCoreError("node-went-away", "the node is away; mining goes on when it is back");
    return workFromJson(this.#work).candidate;
  }

  /** Hands a block in; while the node is away it is kept for a minute. */
  async submit(block: Block): Promise<SubmitResult> {
    const until = this.#deps.clock.monotonicMs() + RESUBMIT_MS;
    for (;;) {
      try {
        return await (await this.#deps.connect()).post<SubmitResult>("/v1/blocks", block.raw);
      } catch (error) {
        if (!isAway(error)) return { accepted: false, reason: (error as Error).message };
        if (this.#ended.signal.aborted || this.#deps.clock.monotonicMs() > until)
          return { accepted: false, reason: "the node is away" };
        this.onWaiting(`${(error as Error).message}; a block waits for it`);
        await sleep(RECONNECT_MS, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      }
    }
  }

  /** For the node's status; one that is away need not know. */
  async tellRate(hashesPerSecond: number): Promise<void> {
    const prefix = this.#work?.prefix;
    if (prefix === undefined) return;
    try {
      await (await this.#deps.connect()).post("/v1/work/rate", { prefix, hashesPerSecond }, { signal: this.#ended.signal });
    } catch (error) {
      if (!this.#ended.signal.aborted && !isAway(error)) this.#deps.log.warn({ error: String(error) }, "the rate was not told");
    }
  }

  /** From now on nobody waits for a node that is away. */
  giveUp(): void {
    this.#ended.abort();
  }

  async stop(): Promise<void> {
    this.giveUp();
    await this.#reading;
  }

  async #follow(first: AsyncIterable<WorkAnswer>): Promise<void> {
    const { signal } = this.#ended;
    let lines: AsyncIterable<WorkAnswer> | undefined = first;
    while (!signal.aborted) {
      try {
        lines ??= (await this.#deps.connect()).lines<WorkAnswer>(this.#path, { signal });
        for await (const work of lines) this.#take(work);
      } catch (error) {
        if (!signal.aborted) this.#deps.log.warn({ error: String(error) }, "the node went away");
      }
      lines = undefined;
      this.#work = undefined;
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #take(work: WorkAnswer): void {
    const isNewTip = work.prevHash !== this.#work?.prevHash;
    this.#work = work;
    if (isNewTip) this.onNewTip(work.prevHash as BlockHash);
  }
}

function isAway(error: unknown): boolean {
  return (
    error instanceof ChainCoreError &&
    (error.code === "no-node-running" || error.code === "node-went-away" || error.code === "no-such-node")
  );
}
