import type { CoinView } from "./coin-view.ts";
import { VERSION } from "./layout.ts";
import { Lease, type LeaseKeeper } from "./leases.ts";
import { CoinSnapshot } from "./snapshot.ts";

interface SharedLease {
  readonly lease: Lease;
  holders: number;
}

interface NamedEntry {
  readonly snapshot: CoinSnapshot;
  readonly lease: Lease;
}

/** The writer's thread's own snapshots: those of one version share a lease, and named ones are kept in a bounded list. */
export class SnapshotBook {
  readonly #view: CoinView;
  readonly #leases: LeaseKeeper;
  readonly #maxNamed: number;
  readonly #namedLeaseMs: number;
  #newest: SharedLease | undefined;
  /** Oldest first; a snapshot may have several names. */
  readonly #named = new Map<string, NamedEntry>();

  constructor(view: CoinView, leases: LeaseKeeper, options: { readonly maxNamed: number; readonly namedLeaseMs: number }) {
    this.#view = view;
    this.#leases = leases;
    this.#maxNamed = options.maxNamed;
    this.#namedLeaseMs = options.namedLeaseMs;
  }

  open(): CoinSnapshot {
    const shared = this.#sharedLease();
    shared.holders++;
    return new CoinSnapshot(this.#view, shared.lease, () => {
      if (--shared.holders === 0) {
        shared.lease.release();
        if (this.#newest === shared) this.#newest = undefined;
      }
    });
  }

  openFor(leaseMs: number): CoinSnapshot {
    return this.#openAlone(leaseMs, () => {}).snapshot;
  }

  /** @see CoinTable.createSnapshot */
  create(name: string): CoinSnapshot {
    const version = this.#view.memory.control[VERSION]!;
    const same = [...this.#named.values()].find(({ snapshot }) => snapshot.version === version && !snapshot.isRevoked);
    this.drop(name, same?.snapshot);
    const entry = same ?? this.#openNamed();
    this.#named.set(name, entry);
    while (this.#named.size > this.#maxNamed) this.#pushOut();
    return entry.snapshot;
  }

  find(name: string): CoinSnapshot | undefined {
    return this.#named.get(name)?.snapshot;
  }

  names(): readonly string[] {
    return [...this.#named.keys()];
  }

  /** Forgets a name; the last one of a snapshot takes it along, unless it is `keep`. */
  drop(name: string, keep?: CoinSnapshot): boolean {
    const entry = this.#named.get(name);
    if (entry === undefined) return false;
    this.#named.delete(name);
    if (entry.snapshot !== keep && !this.#isNamed(entry.snapshot)) entry.snapshot[Symbol.dispose]();
    return true;
  }

  #openNamed(): NamedEntry {
    const entry: NamedEntry = this.#openAlone(this.#namedLeaseMs, () => {
      for (const [name, other] of this.#named) if (other === entry) this.#named.delete(name);
    });
    return entry;
  }

  #openAlone(leaseMs: number, left: () => void): NamedEntry {
    const lease = Lease.take(this.#view.memory.control);
    this.#leases.setLimit(lease.index, leaseMs);
    const snapshot = new CoinSnapshot(this.#view, lease, () => {
      if (!lease.isHeld) return;
      this.#leases.setLimit(lease.index, 0);
      lease.release();
      left();
    });
    return { snapshot, lease };
  }

  /** Revokes the oldest: whoever holds it is told at the next look. */
  #pushOut(): void {
    const [name, { snapshot, lease }] = this.#named.entries().next().value!;
    this.#named.delete(name);
    if (this.#isNamed(snapshot)) return;
    this.#leases.setLimit(lease.index, 0);
    lease.end(`${this.#maxNamed} newer named snapshots pushed it out`);
  }

  #isNamed(snapshot: CoinSnapshot): boolean {
    return [...this.#named.values()].some((entry) => entry.snapshot === snapshot);
  }

  #sharedLease(): SharedLease {
    const version = this.#view.memory.control[VERSION]!;
    if (this.#newest === undefined || this.#newest.lease.version !== version || this.#newest.lease.isRevoked) {
      this.#newest = { lease: Lease.take(this.#view.memory.control), holders: 0 };
    }
    return this.#newest;
  }
}
