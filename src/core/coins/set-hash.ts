import { createHash, type Hash } from "node:crypto";
import { sha256 } from "../encoding/hash.ts";
import { toDisplayHash } from "../encoding/hex.ts";
import { Writer } from "../encoding/writer.ts";
import type { Coin } from "../primitives/coin.ts";
import { OUTPOINT_LENGTH } from "../primitives/outpoint.ts";
import { type Sats, sats } from "../primitives/units.ts";
import type { CoinEntry } from "./coin-view.ts";
import { NONE } from "./layout.ts";
import { MuHash } from "./muhash.ts";
import type { CoinSnapshot } from "./snapshot.ts";
import { sortedRecords } from "./sorted-records.ts";

/** As the RPC gettxoutsetinfo names them. */
export type SetHashKind = "none" | "muhash" | "hash_serialized_3";

/** What gettxoutsetinfo tells of a coin set. */
export interface CoinSetStatistics {
  readonly version: number;
  readonly txouts: number;
  /** Transactions that have an unspent output. */
  readonly transactions: number;
  readonly bogosize: number;
  readonly totalAmount: Sats;
  /** In display order; absent for "none". */
  readonly hash?: string;
}

/** A coin as both set hashes take it: outpoint, u32 height * 2 + isCoinbase, i64 value, script with its length (Bitcoin Core, kernel/coinstats.cpp). */
export function coinHashBytes(outpoint: Uint8Array, coin: Coin): Uint8Array {
  return new Writer(OUTPOINT_LENGTH + 15 + coin.script.length)
    .bytes(outpoint)
    .u32(coin.height * 2 + (coin.isCoinbase ? 1 : 0))
    .i64(coin.value)
    .compactSize(coin.script.length)
    .bytes(coin.script)
    .finish();
}

/** Core's size of no particular meaning: txid, vout, height, amount, script length, script. */
export function bogosize(coin: Coin): number {
  return 32 + 4 + 4 + 8 + 2 + coin.script.length;
}

/** The muhash of any coins in any order. */
export function muhashOf(entries: Iterable<CoinEntry>): MuHash {
  const hash = new MuHash();
  for (const [outpoint, coin] of entries) hash.insert(coinHashBytes(outpoint, coin));
  return hash;
}

/** SHA-256 twice over all coins, which must come by raw txid bytes, then by vout as a number. */
export class SerializedHash {
  readonly #hash: Hash = createHash("sha256");

  add(outpoint: Uint8Array, coin: Coin): void {
    this.#hash.update(coinHashBytes(outpoint, coin));
  }

  digest(): Uint8Array {
    return sha256(this.#hash.digest());
  }
}

/** Coins hashed before others get a turn on this thread: some 10 ms of muhash. */
const COINS_A_TURN = 1_000;

/**
 * Walks a whole snapshot, in turns of some milliseconds. Needs no lock: the snapshot keeps what it sees, commits go on.
 * Cost: a sort of all coins, then about 2 us each, 12 us with muhash. Give the snapshot time: `snapshot({ leaseMs })`.
 * @throws SnapshotRevokedError; the signal's reason
 */
export async function coinSetStatistics(
  snapshot: CoinSnapshot,
  kind: SetHashKind,
  signal?: AbortSignal,
): Promise<CoinSetStatistics> {
  const tally = new Tally(kind);
  let turn = 0;
  for (const record of sortedRecords(snapshot)) {
    if (record !== NONE) {
      const entry: CoinEntry = [snapshot.view.outpoint(record), snapshot.view.coin(record)];
      snapshot.check();
      tally.add(entry);
      if (++turn % COINS_A_TURN !== 0) continue;
    }
    signal?.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return tally.result(snapshot.version);
}

class Tally {
  readonly #muhash: MuHash | undefined;
  readonly #serialized: SerializedHash | undefined;
  #txouts = 0;
  #transactions = 0;
  #bogosize = 0;
  #total = 0;
  #last: Uint8Array = new Uint8Array(OUTPOINT_LENGTH);

  constructor(kind: SetHashKind) {
    this.#muhash = kind === "muhash" ? new MuHash() : undefined;
    this.#serialized = kind === "hash_serialized_3" ? new SerializedHash() : undefined;
  }

  add([outpoint, coin]: CoinEntry): void {
    if (this.#txouts === 0 || Buffer.compare(outpoint.subarray(0, 32), this.#last.subarray(0, 32)) !== 0) this.#transactions++;
    this.#last = outpoint;
    this.#txouts++;
    this.#bogosize += bogosize(coin);
    this.#total += coin.value;
    this.#muhash?.insert(coinHashBytes(outpoint, coin));
    this.#serialized?.add(outpoint, coin);
  }

  result(version: number): CoinSetStatistics {
    const digest = this.#muhash?.digest() ?? this.#serialized?.digest();
    return {
      version,
      txouts: this.#txouts,
      transactions: this.#transactions,
      bogosize: this.#bogosize,
      totalAmount: sats(this.#total),
      ...(digest === undefined ? {} : { hash: toDisplayHash(digest) }),
    };
  }
}
