/**
 * What keeps a version readable: a lease, one cache line of the control block, taken and left by any thread without a
 * lock. PIN holds version + 1 while the lease protects that version (0 else, REVOKED after the writer took it back),
 * OWNER the thread, LEASE_EPOCH the reclaimer's round in which it began, GENERATION tells one use of the line from the next.
 *
 * Taking: store PIN, THEN load FLOOR; if the floor has passed the version, give up and try a newer one. The reclaimer stores
 * FLOOR, THEN scans the pins. Both are sequentially consistent, so one of the two sees the other: no version is freed
 * that a lease protects. Rounds guard the memory itself in the same way: what was unlinked in round E is used again when no
 * lease began before E, for only such a reader can still stand on it.
 *
 * Reading counts only if the lease is seen unrevoked afterwards, by a read-modify-write of PIN: plain reads may not move
 * past it on any machine (a plain second load would be no such bound on ARM), and the writer's revocation comes after it
 * in the order of that word. So "revoked" means try again; it never means that a coin is missing.
 */

import { threadId } from "node:worker_threads";
import { ChainCoreError } from "../errors.ts";
import { CLOSED, EPOCH, FLOOR, HORIZON, LEASE_COUNT, LEASE_WORDS, LEASES, NEVER, VERSION } from "./layout.ts";

const PIN = 0;
const OWNER = 1;
const LEASE_EPOCH = 2;
const GENERATION = 3;

const UNPINNED = 0;
const REVOKED = -1;

/** The snapshot was open too long, or was pushed out by newer ones, or its version is gone. Take a new one and try again. */
export class SnapshotRevokedError extends ChainCoreError {
  constructor(version: number, reason: string) {
    super("snapshot-revoked", `The snapshot of version ${version} was revoked: ${reason}. Take a new one and try again.`, {
      detail: { version },
    });
  }
}

/** One version kept readable by this thread. */
export class Lease {
  readonly version: number;
  readonly index: number;
  readonly #control: Int32Array;
  readonly #at: number;
  #isHeld = true;
  #endReason: string | undefined;

  private constructor(control: Int32Array, index: number, version: number) {
    this.#control = control;
    this.index = index;
    this.#at = LEASES + index * LEASE_WORDS;
    this.version = version;
  }

  /** Protects the newest version. O(1). @throws ChainCoreError too-many-snapshots, coins-closed */
  static take(control: Int32Array): Lease {
    const index = claim(control);
    for (;;) {
      const version = Atomics.load(control, VERSION);
      if (pin(control, index, version)) return new Lease(control, index, version);
      // The floor overtook this version between the two steps: a newer one is out.
    }
  }

  /**
   * Protects `version` if it is still readable, as it is while another thread holds a lease of it.
   * @throws SnapshotRevokedError, ChainCoreError too-many-snapshots, coins-closed
   */
  static takeAt(control: Int32Array, version: number): Lease {
    const index = claim(control);
    // The floor stands at the newest version for the moment in which the reclaimer scans, then falls back to the oldest lease.
    for (let attempt = 0; attempt < 1_000; attempt++) {
      if (version > Atomics.load(control, VERSION) || Atomics.load(control, HORIZON) > version) break;
      if (pin(control, index, version)) return new Lease(control, index, version);
      if (attempt > 100) Atomics.wait(control, LEASES + index * LEASE_WORDS + PIN, UNPINNED, 1);
    }
    leave(control, LEASES + index * LEASE_WORDS);
    throw new SnapshotRevokedError(version, "it is not readable any more");
  }

  /** Counts what was read before the call. @throws SnapshotRevokedError when it must not count */
  check(): void {
    const pinned = this.version + 1;
    if (this.#isHeld && Atomics.compareExchange(this.#control, this.#at + PIN, pinned, pinned) === pinned) return;
    throw new SnapshotRevokedError(this.version, this.#reason());
  }

  /** False once it was released or ended. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get isRevoked(): boolean {
    return this.#endReason !== undefined || (this.#isHeld && Atomics.load(this.#control, this.#at + PIN) === REVOKED);
  }

  /** Revokes it on its own thread; the line is free at once, whether or not the holder ever disposes. */
  end(reason: string): void {
    this.#endReason = reason;
    this.release();
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    leave(this.#control, this.#at);
  }

  #reason(): string {
    if (this.#endReason !== undefined) return this.#endReason;
    if (!this.#isHeld) return "it was disposed before";
    if (Atomics.load(this.#control, CLOSED) !== 0) return "the coin table was closed";
    return "it was held for longer than a snapshot may be";
  }
}

function claim(control: Int32Array): number {
  if (Atomics.load(control, CLOSED) !== 0) throw new ChainCoreError("coins-closed", "The coin table is closed.");
  const count = control[LEASE_COUNT]!;
  for (let index = 0; index < count; index++) {
    const at = LEASES + index * LEASE_WORDS;
    if (Atomics.load(control, at + OWNER) !== 0) continue;
    if (Atomics.compareExchange(control, at + OWNER, 0, threadId + 1) !== 0) continue;
    Atomics.add(control, at + GENERATION, 1);
    return index;
  }
  throw new ChainCoreError("too-many-snapshots", `All ${count} snapshots of the coin table are in use; dispose of one first.`, {
    detail: { leases: count },
  });
}

function pin(control: Int32Array, index: number, version: number): boolean {
  const at = LEASES + index * LEASE_WORDS;
  Atomics.store(control, at + LEASE_EPOCH, Atomics.load(control, EPOCH));
  Atomics.store(control, at + PIN, version + 1);
  if (Atomics.load(control, FLOOR) <= version && Atomics.load(control, CLOSED) === 0) return true;
  Atomics.store(control, at + PIN, UNPINNED);
  if (Atomics.load(control, CLOSED) !== 0) {
    leave(control, at);
    throw new ChainCoreError("coins-closed", "The coin table is closed.");
  }
  return false;
}

function leave(control: Int32Array, at: number): void {
  Atomics.store(control, at + PIN, UNPINNED);
  Atomics.store(control, at + OWNER, 0);
}

/** What a scan of all leases found. */
export interface LeaseScan {
  /** The oldest protected version; NEVER if there is none. */
  readonly oldestVersion: number;
  /** The oldest round in which a live lease began; NEVER if there is none. */
  readonly oldestEpoch: number;
  readonly held: number;
}

/** The writer's side: scans, revokes, and cleans up behind dead threads. One thread only. */
export class LeaseKeeper {
  readonly #control: Int32Array;
  /** By lease: its generation when it was first seen behind the newest version, and when that was. */
  readonly #seenGeneration: Int32Array;
  readonly #seenMs: Float64Array;
  /** By lease: its own time limit; 0 = the common one. */
  readonly #limitMs: Float64Array;
  #revoked = 0;

  constructor(control: Int32Array) {
    this.#control = control;
    const count = control[LEASE_COUNT]!;
    this.#seenGeneration = new Int32Array(count).fill(-1);
    this.#seenMs = new Float64Array(count);
    this.#limitMs = new Float64Array(count);
  }

  /** Leases revoked so far. */
  get revokedCount(): number {
    return this.#revoked;
  }

  scan(): LeaseScan {
    let oldestVersion = NEVER;
    let oldestEpoch = NEVER;
    let held = 0;
    for (let at = LEASES, index = 0; index < this.#seenMs.length; index++, at += LEASE_WORDS) {
      const pinned = Atomics.load(this.#control, at + PIN);
      if (pinned <= 0) continue;
      held++;
      oldestVersion = Math.min(oldestVersion, pinned - 1);
      oldestEpoch = Math.min(oldestEpoch, Atomics.load(this.#control, at + LEASE_EPOCH));
    }
    return { oldestVersion, oldestEpoch, held };
  }

  /** Gives one lease a time limit of its own; ends with the lease. */
  setLimit(index: number, limitMs: number): void {
    this.#limitMs[index] = limitMs;
  }

  /**
   * Revokes leases that have stood behind the newest version for longer than their limit. A lease of the newest version
   * keeps nothing from being freed and does not age.
   */
  revokeOverAge(nowMs: number, limitMs: number): void {
    const newest = this.#control[VERSION]!;
    for (let at = LEASES, index = 0; index < this.#seenMs.length; index++, at += LEASE_WORDS) {
      const pinned = Atomics.load(this.#control, at + PIN);
      if (pinned <= 0 || pinned - 1 >= newest) continue;
      const generation = Atomics.load(this.#control, at + GENERATION);
      if (this.#seenGeneration[index] !== generation) {
        this.#seenGeneration[index] = generation;
        this.#seenMs[index] = nowMs;
      } else if (nowMs - this.#seenMs[index]! > (this.#limitMs[index] || limitMs)) {
        this.revoke(index);
      }
    }
  }

  /** Takes the protection away. The reader finds out at its next check; the line stays its own until it leaves. */
  revoke(index: number): void {
    const at = LEASES + index * LEASE_WORDS + PIN;
    const pinned = Atomics.load(this.#control, at);
    if (pinned > 0 && Atomics.compareExchange(this.#control, at, pinned, REVOKED) === pinned) this.#revoked++;
  }

  revokeAll(): void {
    for (let index = 0; index < this.#seenMs.length; index++) this.revoke(index);
  }

  /** Frees all leases of a thread that has ended; call it after its `exit` event. Returns how many there were. */
  reap(deadThreadId: number): number {
    let freed = 0;
    for (let at = LEASES, index = 0; index < this.#seenMs.length; index++, at += LEASE_WORDS) {
      if (Atomics.load(this.#control, at + OWNER) !== deadThreadId + 1) continue;
      leave(this.#control, at);
      freed++;
    }
    return freed;
  }
}
