/** What one worker name has handed in. */
export interface WorkerShares {
  readonly accepted: number;
  readonly rejected: number;
  /** Sum of the difficulties of accepted shares: the worker's part of the pool's work. */
  readonly work: number;
  readonly blocks: number;
  /** Seconds since 1970. */
  readonly lastShare: number;
}

/** Where a ledger is kept beyond the life of the process. */
export interface LedgerStore {
  load(): Promise<Readonly<Record<string, WorkerShares>>>;
  save(workers: Readonly<Record<string, WorkerShares>>): Promise<void>;
}

/** Names beyond this are counted together: anybody may invent names. */
const WORKERS_MAX = 10_000;
const OTHERS = "(others)";
const NOTHING: WorkerShares = { accepted: 0, rejected: 0, work: 0, blocks: 0, lastShare: 0 };

export type ShareOutcome = "accepted" | "rejected" | "block";

/** Shares per worker name. */
export class ShareLedger {
  readonly #workers: Map<string, WorkerShares>;
  readonly #store: LedgerStore | undefined;
  #isDirty = false;

  private constructor(workers: Map<string, WorkerShares>, store: LedgerStore | undefined) {
    this.#workers = workers;
    this.#store = store;
  }

  static async open(store?: LedgerStore): Promise<ShareLedger> {
    const workers = store ? Object.entries(await store.load()) : [];
    return new ShareLedger(new Map(workers), store);
  }

  /** @param difficulty of the share; does not matter for a rejected one */
  add(worker: string, outcome: ShareOutcome, difficulty: number, nowSeconds: number): void {
    const name = this.#workers.has(worker) || this.#workers.size < WORKERS_MAX ? worker : OTHERS;
    const before = this.#workers.get(name) ?? NOTHING;
    const isGood = outcome !== "rejected";
    this.#workers.set(name, {
      accepted: before.accepted + (isGood ? 1 : 0),
      rejected: before.rejected + (isGood ? 0 : 1),
      work: before.work + (isGood ? difficulty : 0),
      blocks: before.blocks + (outcome === "block" ? 1 : 0),
      lastShare: isGood ? nowSeconds : before.lastShare,
    });
    this.#isDirty = true;
  }

  get(worker: string): WorkerShares {
    return this.#workers.get(worker) ?? NOTHING;
  }

  entries(): Readonly<Record<string, WorkerShares>> {
    return Object.fromEntries(this.#workers);
  }

  /** Of all workers together. */
  get totals(): Pick<WorkerShares, "accepted" | "rejected" | "blocks"> {
    const sum = { accepted: 0, rejected: 0, blocks: 0 };
    for (const { accepted, rejected, blocks } of this.#workers.values()) {
      sum.accepted += accepted;
      sum.rejected += rejected;
      sum.blocks += blocks;
    }
    return sum;
  }

  /** Writes what has changed since the last time; to be called now and then, and at the end. */
  async flush(): Promise<void> {
    if (!this.#isDirty || !this.#store) return;
    this.#isDirty = false;
    await this.#store.save(this.entries());
  }
}
