import type { MinerEvent } from "../mining/job-cycle.ts";
import type { Miner, MinerOptions } from "../mining/miner.ts";
import type { PoolStatistics } from "../mining/pool.ts";
import type { NodeMining } from "./node-mining.ts";

export interface MiningRunOptions extends Omit<MinerOptions, "id"> {
  /** Where blocks pay to; default the node's own account. @throws ChainCoreError "bad-address" */
  readonly address?: string | undefined;
}

/** A miner at work: what it tells, and how to end it. */
export interface MiningRun {
  /** In order; ends when the run does. One reader. */
  readonly events: AsyncIterable<MinerEvent>;
  statistics(): PoolStatistics;
  /** Within 100 ms, but for a block that is just being handed in. */
  stop(): Promise<void>;
  /** When `blocks` are found or `stop` was called; rejects if mining failed. */
  readonly finished: Promise<void>;
}

/** Starts mining in this process for its own node. */
export function startMiningRun(mining: NodeMining, id: string, { address, ...options }: MiningRunOptions): MiningRun {
  const queue = new EventQueue();
  const script = address === undefined ? undefined : mining.scriptOf(address);
  const { miner, release } = mining.createMiner({ ...options, id, script }, (event) => queue.push(event));
  return runOf(miner, queue, release);
}

/** Starts a miner and makes a run of it. */
export function runOf(miner: Miner, queue: EventQueue, release: () => void | Promise<void>): MiningRun {
  miner.start();
  const finished = miner.finished().finally(async () => {
    queue.end();
    await release();
  });
  finished.catch(() => undefined); // Whoever awaits it hears of it; nobody need.
  return { events: queue, statistics: () => miner.statistics(), stop: () => miner.stop(), finished };
}

/** A reader that is slow misses rates and jobs before it misses blocks. */
const QUEUE_MAX = 10_000;

/** Events between a miner and its one reader. */
export class EventQueue implements AsyncIterable<MinerEvent> {
  readonly #waiting: MinerEvent[] = [];
  #wake: () => void = () => {};
  #ended = false;

  push(event: MinerEvent): void {
    if (this.#waiting.length >= QUEUE_MAX && event.kind !== "block") return;
    this.#waiting.push(event);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MinerEvent> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
