import { assert } from "../errors.ts";
import type { Coin } from "../primitives/coin.ts";
import { type Sats, sats } from "../primitives/units.ts";
import type { CoinEntry, CoinView } from "./coin-view.ts";
import { NONE } from "./layout.ts";
import type { Lease } from "./leases.ts";

/**
 * All coins as one commit left them, whatever is committed meanwhile. Lookups take no lock and never hold the writer up.
 * Every answer is checked against the lease: a snapshot that was revoked throws, it never answers wrongly.
 * Belongs to one thread. Dispose it (`using`), for it keeps memory: that of all coins spent since.
 */
export class CoinSnapshot implements Disposable {
  /** The commit number. Grows with every commit, also with one that disconnects a block. */
  readonly version: number;
  readonly #view: CoinView;
  readonly #lease: Lease;
  #leave: () => void;
  #isOpen = true;

  /** `leave` gives back the lease, or one share of it. Made by CoinTable and CoinReader. */
  constructor(view: CoinView, lease: Lease, leave: () => void) {
    this.#view = view;
    this.#lease = lease;
    this.version = lease.version;
    this.#leave = leave;
  }

  /** The coin of the outpoint (36 bytes as in an input) that stands in `bytes` at `offset`. @throws SnapshotRevokedError */
  find(bytes: Uint8Array, offset = 0): Coin | undefined {
    const record = this.#view.find(bytes, offset, this.version);
    const coin = record === NONE ? undefined : this.#view.coin(record);
    this.#check();
    return coin;
  }

  /** As `find`, without making the coin. @throws SnapshotRevokedError */
  has(bytes: Uint8Array, offset = 0): boolean {
    const record = this.#view.find(bytes, offset, this.version);
    this.#check();
    return record !== NONE;
  }

  /** All coins, in no useful order. Commits may go on between two steps. @throws SnapshotRevokedError at any step */
  *coins(): Generator<CoinEntry> {
    for (const record of this.records()) {
      const entry: CoinEntry = [this.#view.outpoint(record), this.#view.coin(record)];
      this.#check();
      yield entry;
    }
  }

  /** The coins of one script; they share one copy of it. Cost: their number. @throws SnapshotRevokedError */
  coinsOf(script: Uint8Array): CoinEntry[] {
    const entries: CoinEntry[] = [];
    const copy = new Uint8Array(script); // A Buffer's slice would be the caller's own bytes.
    for (const record of this.#view.recordsOf(script, this.version)) {
      entries.push([this.#view.outpoint(record), this.#view.coin(record, copy)]);
    }
    this.#check();
    return entries;
  }

  /** The sum of the coins of one script. @throws SnapshotRevokedError */
  balanceOf(script: Uint8Array): Sats {
    let sum = 0;
    for (const record of this.#view.recordsOf(script, this.version)) sum += this.#view.value(record);
    this.#check();
    return sats(sum);
  }

  /** True once the snapshot answers no more. Every lookup checks by itself. */
  get isRevoked(): boolean {
    return this.#lease.isRevoked;
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#leave();
  }

  /** For this folder: record offsets of all coins. Check the lease after reading from one (`check`). */
  *records(): Generator<number> {
    const list = this.#view.byOutpoint;
    for (let record = list.first(); record !== NONE; record = list.next(record)) {
      if (this.#view.isVisible(record, this.version)) yield record;
    }
    this.#check();
  }

  get view(): CoinView {
    return this.#view;
  }

  check(): void {
    this.#check();
  }

  #check(): void {
    assert(this.#isOpen, `the snapshot of version ${this.version} is used after it was disposed`);
    this.#lease.check();
  }
}
