import type { CoinChange, CoinDiff, CommitConflict, PreparedCommit } from "../../../src/core/coins/changes.ts";
import type { CoinEntry } from "../../../src/core/coins/coin-view.ts";
import type { Coin } from "../../../src/core/primitives/coin.ts";
import { type OutpointKey, outpointKeyAt, outpointKeyBytes } from "../../../src/core/primitives/outpoint.ts";
import type { Sats } from "../../../src/core/primitives/units.ts";
import type { CoinStore, StoreSnapshot } from "../conformance.ts";
import { coinText } from "./coins.ts";

const key = (value: OutpointKey | Uint8Array): OutpointKey => (typeof value === "string" ? value : outpointKeyAt(value, 0));

/** The oracle: one plain Map for every version, copied whole. Slow, and as plain as can be. */
export class MapCoins implements CoinStore {
  readonly #versions: Map<OutpointKey, Coin>[] = [new Map()];
  /** By key: the last commit that touched it. */
  readonly #touched = new Map<OutpointKey, number>();
  #isPrepared = false;

  get version(): number {
    return this.#versions.length - 1;
  }

  get count(): number {
    return this.#versions.at(-1)!.size;
  }

  load(_at: object, entries: Iterable<CoinEntry>): number {
    const coins = this.#versions.at(-1)!;
    const before = coins.size;
    for (const [outpoint, coin] of entries) coins.set(key(outpoint), coin);
    return coins.size - before;
  }

  snapshot(): MapSnapshot {
    return this.at(this.version);
  }

  /** Any version, whenever. */
  at(version: number): MapSnapshot {
    return new MapSnapshot(version, this.#versions[version]!);
  }

  prepare(_at: object, change: CoinChange, basedOn = this.version): PreparedCommit | CommitConflict {
    if (this.#isPrepared) throw new Error("a commit is open");
    const next = new Map(this.#versions.at(-1)!);
    const isStale = (outpoint: OutpointKey): boolean => (this.#touched.get(outpoint) ?? 0) > basedOn;
    for (const spend of change.spends) {
      if (isStale(key(spend.key)) || !next.delete(key(spend.key))) return { conflict: key(spend.key) };
    }
    for (const { outpoint, coin } of change.creates) {
      if (isStale(key(outpoint)) || next.has(key(outpoint))) return { conflict: key(outpoint) };
      next.set(key(outpoint), { ...coin, script: coin.script.slice() });
    }
    return this.#prepared(change, next);
  }

  diff(from: StoreSnapshot, to: StoreSnapshot): CoinDiff {
    const [a, b] = [this.#versions[from.version]!, this.#versions[to.version]!];
    return { created: missing(b, a), spent: missing(a, b) };
  }

  close(): void {}

  #prepared(change: CoinChange, next: Map<OutpointKey, Coin>): PreparedCommit {
    this.#isPrepared = true;
    const version = this.version + 1;
    return {
      version,
      publish: () => {
        this.#isPrepared = false;
        this.#versions.push(next);
        for (const spend of change.spends) this.#touched.set(key(spend.key), version);
        for (const { outpoint } of change.creates) this.#touched.set(key(outpoint), version);
        return version;
      },
      abort: () => {
        this.#isPrepared = false;
      },
    };
  }
}

/** Coins of `a` that `b` has not, or has otherwise. */
function missing(a: Map<OutpointKey, Coin>, b: Map<OutpointKey, Coin>): CoinEntry[] {
  const isSame = (x: Coin, y: Coin | undefined): boolean => y !== undefined && coinText(x) === coinText(y);
  return [...a].filter(([k, coin]) => !isSame(coin, b.get(k))).map(([k, coin]) => [outpointKeyBytes(k), coin]);
}

class MapSnapshot implements StoreSnapshot {
  readonly version: number;
  readonly #coins: ReadonlyMap<OutpointKey, Coin>;

  constructor(version: number, coins: ReadonlyMap<OutpointKey, Coin>) {
    this.version = version;
    this.#coins = coins;
  }

  get size(): number {
    return this.#coins.size;
  }

  keys(): OutpointKey[] {
    return [...this.#coins.keys()];
  }

  find(bytes: Uint8Array, offset = 0): Coin | undefined {
    return this.#coins.get(outpointKeyAt(bytes, offset));
  }

  has(bytes: Uint8Array, offset = 0): boolean {
    return this.#coins.has(outpointKeyAt(bytes, offset));
  }

  coins(): Iterable<CoinEntry> {
    return [...this.#coins].map(([k, coin]) => [outpointKeyBytes(k), coin]);
  }

  coinsOf(script: Uint8Array): CoinEntry[] {
    return [...this.coins()].filter(([, coin]) => Buffer.compare(coin.script, script) === 0);
  }

  balanceOf(script: Uint8Array): Sats {
    return this.coinsOf(script).reduce((sum, [, coin]) => sum + coin.value, 0) as Sats;
  }

  [Symbol.dispose](): void {}
}
