import { join } from "node:path";
import type { CoinsWrite } from "../coins/guard.ts";
import { type ImageIdentity, removeImage } from "../coins/image.ts";
import { CoinTable } from "../coins/table.ts";
import { toDisplayHash } from "../encoding/hex.ts";
import type { Clock, Log } from "../ports.ts";
import type { StoreState } from "../store/state.ts";
import type { Store } from "../store/store.ts";

/*
 * The coin table over the end of a process. A clean end leaves an image of it, which the next start takes if it is whole and
 * of exactly the state that the database is in: commit, tip, number and sum of the coins. Any other is removed, and the coins are
 * loaded from the database, which is the truth.
 */

interface Parts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** The coins at the tip, from their image or from the database. @throws StoreError when those of the database are not what was written */
export async function openCoins(at: CoinsWrite, { store, clock, log }: Parts): Promise<CoinTable> {
  const { commit, coins: sum } = store.state;
  const options = { clock, version: commit };
  const startedMs = clock.monotonicMs();
  const imaged = await openImage(store, log, options);
  const coins = imaged?.count === sum.count ? imaged : await loadCoins(at, store, CoinTable.create(options));
  const ms = Math.round(clock.monotonicMs() - startedMs);
  log.info({ coins: coins.count, from: coins === imaged ? "image" : "database", ms }, "coins loaded");
  return coins;
}

/** An image that cannot be read is none: the database has all that it holds. */
async function openImage(store: Store, log: Log, options: { clock: Clock; version: number }): Promise<CoinTable | undefined> {
  try {
    return await CoinTable.openImage(imagePath(store), identityOf(store.state), options, store.disk);
  } catch (error) {
    log.warn({ error: String(error) }, "the image of the coins cannot be read");
    return undefined;
  }
}

async function loadCoins(at: CoinsWrite, store: Store, coins: CoinTable): Promise<CoinTable> {
  await store.loadCoins(coins.loader(at, store.state.coins.count));
  return coins;
}

/** Leaves an image of the closed table. Where that fails the next start takes longer, and that is all. */
export async function saveCoins(at: CoinsWrite, coins: CoinTable, store: Store, log: Log): Promise<void> {
  const path = imagePath(store);
  const { version, tag } = identityOf(store.state);
  if (coins.version !== version || coins.count !== store.state.coins.count) return;
  try {
    await coins.saveImage(at, path, tag, store.disk.files);
  } catch (error) {
    log.warn({ error: String(error) }, "the image of the coins cannot be written");
    await removeImage(path, store.disk.files).catch(() => undefined);
  }
}

function imagePath(store: Store): string {
  return join(store.directory, "coins.image");
}

/** What tells a state from any other that this folder was ever in. */
function identityOf({ commit, tipHash, coins }: StoreState): ImageIdentity {
  return { version: commit, tag: [toDisplayHash(tipHash), coins.count, coins.low, coins.high].join(" ") };
}
