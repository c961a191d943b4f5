import { createHash } from "node:crypto";
import type { CoinUpdates } from "../../src/core/coins/atomic-update.ts";
import type { CoinEntry } from "../../src/core/coins/coin-view.ts";
import { CoinTable } from "../../src/core/coins/table.ts";
import type { LockManager } from "../../src/core/locks/manager.ts";
import type { RwLock } from "../../src/core/locks/rwlock.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { outpointAt } from "../../src/core/primitives/outpoint.ts";
import { height, sats } from "../../src/core/primitives/units.ts";

/** A coin as the guide writes it. Its code says `recipient_address` in one place: that is accepted too. */
export interface GuideUtxo {
  readonly amount: number;
  readonly address?: string;
  readonly recipient_address?: string;
  readonly tx_id: string;
  readonly output_index: number;
}

/** The guide's names and shapes over our table, so that its own tests run as they stand. */
export class GuideUtxoSet {
  readonly table: CoinTable;
  readonly #locks: LockManager;
  readonly #lock: RwLock<"UTXO_SET">;
  /** By our txid: the guide's, which may be any text. */
  readonly #txIds = new Map<string, string>();

  constructor(locks: LockManager, options: { readonly maxSnapshots?: number } = {}) {
    this.table = CoinTable.create({ clock: { monotonicMs: () => performance.now() }, ...options });
    this.#locks = locks;
    this.#lock = locks.getLock("utxo_set", "UTXO_SET");
  }

  /** Keys are "tx_id:output_index"; null removes. */
  async atomic_update(updates: Readonly<Record<string, GuideUtxo | null>>, basedOn?: number): Promise<boolean> {
    const ours: Record<string, Coin | null> = {};
    for (const [key, utxo] of Object.entries(updates)) ours[this.#key(key)] = utxo === null ? null : coinOf(utxo);
    return this.#locks.task("atomic_update", (at) =>
      this.#lock.withWrite(at, (at) => this.table.atomicUpdate(at, ours satisfies CoinUpdates, basedOn)),
    );
  }

  create_snapshot(): [version: number, snapshot: ReturnType<CoinTable["createSnapshot"]>] {
    const snapshot = this.table.createSnapshot();
    return [snapshot.version, snapshot];
  }

  get_utxo(key: string): GuideUtxo | undefined {
    const [txid, vout] = this.#key(key).split(":");
    return this.get_utxos().find((utxo) => txidOf(utxo.tx_id) === txid && utxo.output_index === Number(vout));
  }

  get_utxos(): GuideUtxo[] {
    using snapshot = this.table.snapshot();
    return [...snapshot.coins()].map((entry) => this.#utxoOf(entry));
  }

  get_balance(address: string): number {
    return this.table.balanceOf(scriptOf(address));
  }

  get_utxos_for_address(address: string): GuideUtxo[] {
    return this.table.coinsOf(scriptOf(address)).map((entry) => this.#utxoOf(entry));
  }

  #key(key: string): string {
    const at = key.lastIndexOf(":");
    const txid = txidOf(key.slice(0, at));
    this.#txIds.set(txid, key.slice(0, at));
    return `${txid}:${key.slice(at + 1)}`;
  }

  #utxoOf([outpoint, coin]: CoinEntry): GuideUtxo {
    const { txid, vout } = outpointAt(outpoint, 0);
    return {
      amount: coin.value,
      address: Buffer.from(coin.script).toString("utf8"),
      tx_id: this.#txIds.get(txid) ?? txid,
      output_index: vout,
    };
  }
}

/** Names such as "tx_3_14" stand for transactions: their SHA-256 does here. */
function txidOf(txId: string): string {
  return /^[0-9a-f]{64}$/.test(txId) ? txId : createHash("sha256").update(txId).digest("hex");
}

/** Addresses such as "worker_1_address" are no addresses: the text itself is the script. */
function scriptOf(address: string): Uint8Array {
  return new Uint8Array(Buffer.from(address, "utf8"));
}

function coinOf(utxo: GuideUtxo): Coin {
  const address = utxo.address ?? utxo.recipient_address ?? "";
  return { value: sats(utxo.amount), script: scriptOf(address), height: height(0), isCoinbase: false };
}
