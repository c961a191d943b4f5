import { unreachable } from "../errors.ts";
import { difficultyOf } from "../mining/difficulty.ts";
import type { Clock } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import { hashMeetsTarget } from "../primitives/target.ts";
import { JOBS_MAX, type JobBoard } from "./job-board.ts";
import type { LineSocket } from "./line-socket.ts";
import {
  difficultyLine,
  EXTRANONCE2_BYTES,
  errorLine,
  type MessageId,
  prefixHex,
  readRequest,
  resultLine,
  type Share,
  type StratumRequest,
} from "./protocol.ts";
import type { ShareLedger } from "./share-ledger.ts";
import { targetOfDifficulty, VarDiff, type VarDiffOptions } from "./vardiff.ts";

/** Worker names that one connection may authorize. */
const WORKERS_MAX = 256;

export interface ConnectionDeps {
  readonly board: JobBoard;
  readonly ledger: ShareLedger;
  readonly clock: Clock;
  /** The prefix of a session that is taken up again, or a new one. */
  readonly prefixFor: (session: string | undefined) => { readonly session: string; readonly prefix: number };
  readonly onBlock: (block: Block, worker: string) => void;
}

interface Answer {
  readonly reply: string;
  /** What follows once the reply is sent. */
  readonly afterwards?: () => void;
}

/** One miner's side of the protocol. */
export class StratumConnection {
  readonly #lines: LineSocket;
  readonly #deps: ConnectionDeps;
  readonly #vardiff: VarDiff;
  readonly #workers = new Set<string>();
  #prefix: number | undefined;
  /** As last sent. */
  #difficulty = 0;
  /** What shares of a job must have. */
  readonly #difficultyOfJob = new Map<string, number>();

  constructor(lines: LineSocket, options: VarDiffOptions, deps: ConnectionDeps) {
    this.#lines = lines;
    this.#deps = deps;
    this.#vardiff = new VarDiff(options, deps.clock.monotonicMs());
  }

  get isSubscribed(): boolean {
    return this.#prefix !== undefined;
  }

  get hashesPerSecond(): number {
    return this.#vardiff.hashesPerSecond;
  }

  hear(line: string): void {
    const request = readRequest(line);
    if (request.kind === "malformed") {
      this.#lines.sayGoodbye(errorLine(null, "other", "not a JSON message"));
      return;
    }
    const { reply, afterwards } = this.#answer(request);
    this.#lines.send(reply);
    afterwards?.();
  }

  #answer(request: Exclude<StratumRequest, { kind: "malformed" }>): Answer {
    const { id } = request;
    switch (request.kind) {
      case "wrong":
        return { reply: errorLine(id, "other", request.why) };
      case "subscribe":
        return this.#subscribe(id, request.session);
      case "authorize":
        return this.#authorize(id, request.worker);
      case "configure":
        return { reply: resultLine(id, Object.fromEntries(request.extensions.map((name) => [name, false]))) };
      case "extranonce-subscribe":
        return { reply: resultLine(id, true) };
      case "submit":
        return this.#submit(id, request.share);
      default:
        return unreachable(request);
    }
  }

  #subscribe(id: MessageId, wanted: string | undefined): Answer {
    if (this.isSubscribed) return { reply: errorLine(id, "other", "subscribed already") };
    const { session, prefix } = this.#deps.prefixFor(wanted);
    this.#prefix = prefix;
    const subscriptions = [
      ["mining.set_difficulty", session],
      ["mining.notify", session],
    ];
    const reply = resultLine(id, [subscriptions, prefixHex(prefix), EXTRANONCE2_BYTES]);
    return { reply, afterwards: () => this.notify(true) };
  }

  #authorize(id: MessageId, worker: string): Answer {
    if (!this.#workers.has(worker) && this.#workers.size >= WORKERS_MAX) {
      return { reply: errorLine(id, "other", `a connection has at most ${WORKERS_MAX} workers`) };
    }
    this.#workers.add(worker);
    return { reply: resultLine(id, true) };
  }

  /** Sends the current job, with the difficulty before it where that has changed. */
  notify(clean: boolean): void {
    const { current } = this.#deps.board;
    const line = this.#deps.board.notifyLine(clean);
    if (!this.isSubscribed || !current || !line) return;
    // A share may not be harder than a block: the miner would keep blocks to itself.
    const difficulty = Math.min(this.#vardiff.difficulty, difficultyOf(current.blockTarget));
    if (difficulty !== this.#difficulty) this.#lines.send(difficultyLine(difficulty));
    this.#difficulty = difficulty;
    this.#noteDifficulty(current.id, difficulty, clean);
    this.#lines.send(line);
  }

  /** A share that was on its way when the difficulty rose is still good at the old one. */
  #noteDifficulty(job: string, difficulty: number, clean: boolean): void {
    if (clean) this.#difficultyOfJob.clear();
    this.#difficultyOfJob.set(job, Math.min(difficulty, this.#difficultyOfJob.get(job) ?? difficulty));
    if (this.#difficultyOfJob.size > JOBS_MAX) this.#difficultyOfJob.delete(this.#difficultyOfJob.keys().next().value!);
  }

  /** Once a second: follows the miner's rate, and notices when it has gone without a word. */
  tick(): void {
    this.#lines.closeIfSilent();
    if (this.isSubscribed && this.#vardiff.retune(this.#deps.clock.monotonicMs())) this.notify(false);
  }

  #submit(id: MessageId, share: Share): Answer {
    if (this.#prefix === undefined) return { reply: errorLine(id, "notSubscribed") };
    if (!this.#workers.has(share.worker)) return { reply: errorLine(id, "unauthorized") };
    const { board, clock, ledger, onBlock } = this.#deps;
    const nowSeconds = Math.floor(clock.nowMs() / 1000);
    const asked = this.#difficultyOfJob.get(share.jobId) ?? this.#difficulty;
    const judgement = board.judge(share, this.#prefix, asked, nowSeconds);
    if (judgement.kind === "refused") {
      ledger.add(share.worker, "rejected", 0, nowSeconds);
      return { reply: errorLine(id, judgement.error, judgement.why) };
    }
    const { block, hash } = judgement;
    const difficulty = hashMeetsTarget(hash, targetOfDifficulty(this.#difficulty)) ? this.#difficulty : asked;
    this.#vardiff.addShare(difficulty);
    ledger.add(share.worker, block ? "block" : "accepted", difficulty, nowSeconds);
    return { reply: resultLine(id, true), ...(block ? { afterwards: () => onBlock(block, share.worker) } : {}) };
  }
}
