import { headerAt, type Job, nonceRange, readJob } from "./job.ts";
import type { NonceScanner } from "./kernel.ts";
import { jobOf, UNITS_MAX, unitOf } from "./range-word.ts";
import type { WorkSpace } from "./work-space.ts";
import { type RangeEnd, WorkerClaims, type WorkRange } from "./worker-claims.ts";
import { WorkerSlot } from "./worker-slot.ts";

/** A claim lasts about so long: a job change is seen in under 10 ms. */
const CLAIM_MS = 5;
/** Between batches a worker looks whether it is still wanted, and for its job. */
const BATCH_MS = 2;
/** Larger batches run at half speed on a kernel that V8 has not yet optimised, and it does not switch within a call. */
const BATCH_NONCES_MAX = 65_536;
/** Batches are a multiple of this, all of a kernel's lanes; it is the first one too: 2 ms with the slowest kernel. */
const BATCH_NONCES_MIN = 512;
/** Asleep without work, a look around once a second costs nothing and outlives a lost wake-up. */
const SLEEP_MS = 1_000;

/** What a worker tells its parent: to look at the shared memory. */
export type WorkerMessage = { readonly kind: "hit" } | { readonly kind: "exhausted"; readonly job: number };

/**
 * Mines until the slot's running flag is cleared. Never returns to the event loop meanwhile: stop and job change are read from shared
 * memory between batches.
 */
export class WorkerLoop {
  readonly #space: WorkSpace;
  readonly #slot: WorkerSlot;
  readonly #claims: WorkerClaims;
  readonly #scanner: NonceScanner;
  readonly #tell: (message: WorkerMessage) => void;
  #job: { readonly number: number; readonly job: Job; extranonce: number | undefined; header: Uint8Array } | undefined;
  #exhausted = 0;
  #noncesPerMs = 0;

  constructor(space: WorkSpace, worker: number, scanner: NonceScanner, tell: (message: WorkerMessage) => void) {
    this.#space = space;
    this.#slot = new WorkerSlot(space, worker);
    this.#claims = new WorkerClaims(space, worker);
    this.#scanner = scanner;
    this.#tell = tell;
  }

  run(): void {
    while (this.#slot.isRunning()) {
      const seen = this.#space.wakeCount();
      const range = this.#claims.take(this.#unitsOfClaim(), (job) => this.#read(job)?.units);
      if (range) this.#mine(range);
      else this.#rest(seen);
    }
  }

  #rest(seen: number): void {
    const head = this.#space.head();
    const job = jobOf(head);
    const isSpent = job !== 0 && !this.#space.isOver(job) && unitOf(head) >= (this.#read(job)?.units ?? UNITS_MAX);
    if (isSpent && this.#exhausted !== job) {
      this.#exhausted = job;
      this.#tell({ kind: "exhausted", job });
    }
    if (this.#slot.isRunning()) this.#space.sleep(seen, SLEEP_MS);
  }

  #unitsOfClaim(): number {
    const fixed = this.#space.claimUnits();
    return fixed > 0 ? fixed : Math.max(1, Math.round((this.#noncesPerMs * CLAIM_MS) / this.#space.unitNonces));
  }

  #read(number: number): Job | undefined {
    if (this.#job?.number === number) return this.#job.job;
    const job = readJob(this.#space, number);
    if (job) this.#job = { number, job, extranonce: undefined, header: job.header };
    return job;
  }

  #mine(range: WorkRange): void {
    const end = this.#tryRange(range);
    // A stopped worker keeps its claim: whoever closes the slot offers it to others.
    if (end !== "stopped") this.#claims.end(range, end);
    if (end === "won") this.#tell({ kind: "hit" });
  }

  #tryRange(range: WorkRange): RangeEnd | "stopped" {
    const job = this.#read(range.job);
    if (!job) return "over";
    const { extranonce, startNonce, endNonce } = nonceRange(this.#space, job, range);
    this.#prepare(extranonce);
    const started = performance.now();
    const batch = this.#batchNonces();
    for (let at = startNonce; at < endNonce; at += batch) {
      if (!this.#slot.isRunning()) return "stopped";
      if (jobOf(this.#space.head()) !== range.job || this.#space.isOver(range.job)) return "over";
      const count = Math.min(batch, endNonce - at);
      const nonce = this.#scanner.find(at, count, job.target);
      this.#slot.addHashes(nonce === undefined ? count : nonce - at + 1);
      if (nonce === undefined) continue;
      return this.#claims.report({ job: range.job, extranonce, nonce }) ? "won" : "over";
    }
    this.#noncesPerMs = (endNonce - startNonce) / Math.max(0.01, performance.now() - started);
    return "complete";
  }

  #batchNonces(): number {
    const groups = Math.max(1, Math.floor((this.#noncesPerMs * BATCH_MS) / BATCH_NONCES_MIN));
    return Math.min(BATCH_NONCES_MAX, groups * BATCH_NONCES_MIN);
  }

  /** Makes the scanner ready for an extranonce; the coinbase is hashed again only when that changes. */
  #prepare(extranonce: number): void {
    const current = this.#job!;
    if (current.extranonce === extranonce) return;
    current.extranonce = extranonce;
    current.header = headerAt(current.job, extranonce);
    this.#scanner.setHeader(current.header);
  }
}
