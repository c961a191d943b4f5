import type { MinerEvent } from "../core/mining/job-cycle.ts";
import type { MiningRun } from "../core/node/mining-run.ts";
import { LiveView } from "./live-view.ts";
import { miningLines, WorkerRates } from "./mining-lines.ts";

/** What `mine` shows: a line per block on stdout, and on a terminal how it goes, below. */
export class MiningView implements Disposable {
  readonly #view: LiveView;
  readonly #json: boolean;
  readonly #run: Pick<MiningRun, "statistics">;
  readonly #startedMs = performance.now();
  readonly #rates = new WorkerRates(this.#startedMs);
  #waiting: string | undefined;

  constructor(run: Pick<MiningRun, "statistics">, options: { readonly json: boolean }) {
    this.#json = options.json;
    this.#run = run;
    this.#view = new LiveView();
  }

  show(event: MinerEvent): void {
    if (event.kind === "block") this.#showBlock(event);
    if (event.kind === "rate") this.#rates.sample(this.#run.statistics(), performance.now());
    if (event.kind === "job") this.#waiting = undefined;
    if (event.kind === "waiting") this.#waiting = event.reason;
    if (event.kind !== "job") this.#draw(); // Jobs come by the hundred; the next rate or block shows where they stand.
  }

  [Symbol.dispose](): void {
    this.#view.clear();
    this.#view[Symbol.dispose]();
  }

  #showBlock({ hash, height, accepted, reason }: MinerEvent & { kind: "block" }): void {
    this.#view.clear();
    if (this.#json)
      process.stdout.write(`${JSON.stringify({ event: "block", height, hash, accepted, ...(reason ? { reason } : {}) })}\n`);
    else process.stdout.write(accepted ? `block ${height}  ${hash}\n` : `block ${height}  ${hash}  refused: ${reason}\n`);
  }

  #draw(): void {
    if (!this.#view.isLive) return;
    const lines = miningLines(this.#run.statistics(), this.#rates.last, performance.now() - this.#startedMs);
    this.#view.draw(this.#waiting === undefined ? lines : [...lines, `waiting: ${this.#waiting}`]);
  }
}
