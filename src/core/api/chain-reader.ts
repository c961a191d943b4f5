import type { Chain } from "../chain/chain.ts";
import { coinSetStatistics } from "../coins/set-hash.ts";
import type { Txid } from "../primitives/units.ts";
import type { ChainReader, CoinSetFacts, CoinSetHash } from "./ports.ts";

/** A Chain as the API reads it. */
export function chainReader(chain: Chain): ChainReader {
  return {
    get tip() {
      return chain.tip;
    },
    get bestHeaderHeight() {
      return chain.bestHeader.height;
    },
    get coins() {
      return chain.coins;
    },
    find: (hash) => chain.find(hash),
    atHeight: (height) => chain.atHeight(height),
    tips: () => chain.tips(),
    readBlock: (hash) => chain.readBlock(hash),
    readSpentCoins: (hash) => chain.readSpentCoins(hash),
    findTransaction: (txid) => findActive(chain, txid),
    bytesOnDisk: () => chain.bytesOnDisk(),
    commits: () => {
      const { commits, conflicts, aborts } = chain.coins.statistics();
      return { attempts: commits + aborts, conflicts };
    },
    coinSet: (_at, kind, signal) => coinSet(chain, kind, signal),
  };
}

async function findActive(chain: Chain, txid: Txid) {
  const place = await chain.findTransaction(txid);
  const entry = place === undefined ? undefined : chain.find(place.block);
  return entry !== undefined && chain.isActive(entry) ? place : undefined;
}

/** Tip and snapshot are taken in one turn of the event loop: no commit comes between them. */
async function coinSet(chain: Chain, kind: CoinSetHash, signal: AbortSignal): Promise<CoinSetFacts> {
  const { tip } = chain;
  using snapshot = chain.coins.snapshot();
  const { txouts, transactions, bogosize, totalAmount, hash } = await coinSetStatistics(snapshot, kind, signal);
  return {
    height: tip.height,
    bestBlock: tip.hash,
    outputs: txouts,
    bogoSize: bogosize,
    hash: hash ?? "",
    totalAmount,
    transactions,
    diskBytes: await chain.bytesOnDisk(),
  };
}
