import type { MinerEvent } from "../core/mining/job-cycle.ts";
import { LiveView } from "./live-view.ts";
import { formatDuration, formatHashRate } from "./units.ts";

/** What `mine` shows: a line per block on stdout, and on a terminal a live line with the hash rate below. */
export class MiningView implements Disposable {
  readonly #view: LiveView;
  readonly #json: boolean;
  readonly #startedMs = performance.now();
  #blocks = 0;
  #rate = "warming up";
  #job = "";

  constructor(options: { readonly json: boolean }) {
    this.#json = options.json;
    this.#view = new LiveView();
  }

  show(event: MinerEvent): void {
    if (event.kind === "block") this.#showBlock(event);
    if (event.kind === "rate") this.#rate = formatHashRate(event.hashesPerSecond);
    if (event.kind === "job") this.#job = `at block ${event.height}`;
    if (event.kind === "waiting") this.#job = `waiting: ${event.reason}`;
    if (event.kind !== "job") this.#draw(); // Jobs come by the hundred; the next rate or block shows where they stand.
  }

  /** Blocks that were accepted so far. */
  get blocks(): number {
    return this.#blocks;
  }

  [Symbol.dispose](): void {
    this.#view.clear();
    this.#view[Symbol.dispose]();
  }

  #showBlock({ hash, height, accepted, reason }: MinerEvent & { kind: "block" }): void {
    if (accepted) this.#blocks++;
    this.#view.clear();
    if (this.#json)
      process.stdout.write(`${JSON.stringify({ event: "block", height, hash, accepted, ...(reason ? { reason } : {}) })}\n`);
    else process.stdout.write(accepted ? `block ${height}  ${hash}\n` : `block ${height}  ${hash}  refused: ${reason}\n`);
  }

  #draw(): void {
    const elapsed = formatDuration(performance.now() - this.#startedMs);
    this.#view.draw([`${this.#rate}  ${this.#blocks} blocks in ${elapsed}  ${this.#job}`]);
  }
}
