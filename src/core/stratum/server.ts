import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ChainCoreError } from "../errors.ts";
import type { SubmitResult } from "../mining/job-cycle.ts";
import { defaultBlockTime, pacedTarget } from "../mining/pace.ts";
import type { Candidate } from "../mining/template.ts";
import type { Clock, Log } from "../ports.ts";
import type { Block } from "../primitives/block.ts";
import { StratumConnection } from "./connection.ts";
import { JobBoard } from "./job-board.ts";
import { LineSocket } from "./line-socket.ts";
import type { ShareLedger } from "./share-ledger.ts";

export interface StratumOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Seconds from block to block on average; 0: the network's own target. By default a second where that is trivial. */
  readonly blockTimeSeconds?: number;
  readonly shareSeconds?: number;
  /** Hashes per second to assume of a miner until its shares tell. */
  readonly rateGuess?: number;
  readonly connectionsMax?: number;
  readonly connectionsPerAddressMax?: number;
  /** A connection that has not subscribed by then is closed. */
  readonly subscribeMsMax?: number;
}

export interface StratumDeps {
  readonly source: () => Promise<Candidate>;
  readonly submit: (block: Block) => Promise<SubmitResult>;
  /** Four bytes of extranonce that nobody else on this node has. */
  readonly reservePrefix: () => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: ShareLedger;
}

const DEFAULTS = { shareSeconds: 5, rateGuess: 5e6, connectionsMax: 1_000, connectionsPerAddressMax: 50, subscribeMsMax: 10_000 };
const TICK_MS = 1_000;
/** A job gets new transactions and a new time after so many ticks, the ledger is written. */
const TICKS_PER_JOB = 30;
/** Sessions that may be taken up again after a lost connection. */
const SESSIONS_MAX = 10_000;

/** Lets stock miners on any machine mine for this node. */
export class StratumServer {
  readonly #options: StratumOptions & typeof DEFAULTS;
  readonly #deps: StratumDeps;
  readonly #board = new JobBoard();
  readonly #server: Server;
  readonly #connections = new Map<Socket, StratumConnection>();
  /** Prefix by session id, oldest first; a session in use is in the other set. */
  readonly #sessions = new Map<string, number>();
  readonly #sessionsInUse = new Set<string>();
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | undefined;
  #mustRefresh = false;

  constructor(options: StratumOptions, deps: StratumDeps) {
    this.#options = { ...DEFAULTS, ...options };
    this.#deps = deps;
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.maxConnections = this.#options.connectionsMax;
  }

  /** @throws ChainCoreError "stratum-port" where the port is taken */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        reject(
          new ChainCoreError("stratum-port", `Stratum cannot listen on ${host}:${port}.`, { detail: { host, port }, cause }),
        );
      });
      this.#server.listen(port, host, resolve);
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    await this.#refresh();
    return this.#server.address() as AddressInfo;
  }

  get miners(): number {
    return this.#subscribed().length;
  }

  /** Of all miners, by their shares. */
  get hashesPerSecond(): number {
    return this.#subscribed().reduce((sum, connection) => sum + connection.hashesPerSecond, 0);
  }

  #subscribed(): StratumConnection[] {
    return [...this.#connections.values()].filter(({ isSubscribed }) => isSubscribed);
  }

  /** The best chain has another tip. */
  tipChanged(): void {
    void this.#refresh();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections.keys()) socket.destroy();
    await closed;
    await this.#refreshing;
    await this.#deps.ledger.flush();
  }

  #welcome(socket: Socket): void {
    const address = socket.remoteAddress;
    const fromThere = [...this.#connections.keys()].filter(({ remoteAddress }) => remoteAddress === address).length;
    if (fromThere >= this.#options.connectionsPerAddressMax) return void socket.destroy();
    let session: string | undefined;
    const lines = new LineSocket(
      socket,
      () => this.#deps.clock.monotonicMs(),
      (line) => connection.hear(line),
    );
    const connection = new StratumConnection(lines, this.#options, {
      board: this.#board,
      ledger: this.#deps.ledger,
      clock: this.#deps.clock,
      prefixFor: (wanted) => {
        const given = this.#openSession(wanted);
        session = given.session;
        return given;
      },
      onBlock: (block, worker) => void this.#handIn(block, worker),
    });
    this.#connections.set(socket, connection);
    const patience = setTimeout(() => {
      if (!connection.isSubscribed) lines.close();
    }, this.#options.subscribeMsMax);
    socket.on("close", () => {
      clearTimeout(patience);
      this.#connections.delete(socket);
      if (session !== undefined) this.#sessionsInUse.delete(session);
    });
  }

  /** A known session that nobody uses is taken up again, so that work done before the connection was lost still counts. */
  #openSession(wanted: string | undefined): { session: string; prefix: number } {
    const known = wanted === undefined || this.#sessionsInUse.has(wanted) ? undefined : this.#sessions.get(wanted);
    const prefix = known ?? this.#deps.reservePrefix();
    const session = known === undefined ? prefix.toString(16).padStart(8, "0") : wanted!;
    this.#sessions.set(session, prefix);
    this.#sessionsInUse.add(session);
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value!);
    return { session, prefix };
  }

  #tick(): void {
    for (const connection of this.#connections.values()) connection.tick();
    if (++this.#ticks % TICKS_PER_JOB !== 0) return;
    void this.#refresh();
    this.#deps.ledger
      .flush()
      .catch((error: Error) => this.#deps.log.error({ error: error.message }, "the share ledger was not written"));
  }

  /** Fetches a candidate and sends it to all; calls while that goes on lead to one more round, not to many. */
  #refresh(): Promise<void> {
    this.#mustRefresh = true;
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshAll(): Promise<void> {
    while (this.#mustRefresh) {
      this.#mustRefresh = false;
      try {
        const candidate = await this.#deps.source();
        const clean = this.#board.publish(candidate, this.#blockTarget(candidate));
        for (const connection of this.#connections.values()) connection.notify(clean);
      } catch (error) {
        this.#deps.log.warn({ error: (error as Error).message }, "no template for Stratum miners");
      }
    }
  }

  /** Where the network's target is trivial only shares that are hard enough to keep the pace are handed in as blocks. */
  #blockTarget(candidate: Candidate): bigint {
    const { blockTimeSeconds = defaultBlockTime(candidate.target, undefined), rateGuess } = this.#options;
    const rate = Math.max(rateGuess, this.hashesPerSecond);
    return pacedTarget(candidate.target, candidate.template.height, rate, { blockTimeSeconds, fastUntilHeight: 0, sharedBy: 1 });
  }

  async #handIn(block: Block, worker: string): Promise<void> {
    try {
      const result = await this.#deps.submit(block);
      this.#deps.log.info({ hash: block.hash, worker, ...result }, "a Stratum miner found a block");
    } catch (error) {
      this.#deps.log.error(
        { hash: block.hash, worker, error: (error as Error).message },
        "a Stratum miner's block was not taken",
      );
    }
    await this.#refresh();
  }
}
