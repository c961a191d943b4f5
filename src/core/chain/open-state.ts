import type { CoinsWrite } from "../coins/guard.ts";
import { CoinTable } from "../coins/table.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { bytesEqual } from "../encoding/hash.ts";
import { toDisplayHash } from "../encoding/hex.ts";
import type { Clock } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import type { Coin } from "../primitives/coin.ts";
import { Header } from "../primitives/header.ts";
import type { BlockHash } from "../primitives/units.ts";
import type { Store } from "../store/store.ts";
import { databaseDamaged } from "../store/store-error.ts";
import { sealBlock } from "../store/tables.ts";
import { BlockNode, recordOf } from "./block-entry.ts";
import { BlockTree } from "./block-tree.ts";
import { ChainState } from "./chain-state.ts";

/** Coins handed to the table at once. */
const LOAD_ENTRIES = 10_000;

/** Builds what a node has in memory from what it has on disk; a new folder begins with genesis. @throws StoreError */
export async function openState(
  at: CoinsWrite,
  parts: { store: Store; params: NetworkParams; clock: Clock },
): Promise<ChainState> {
  const { store, params, clock } = parts;
  const tree = new BlockTree(Block.decode(params.genesis).header);
  if (store.state.blocks.count === 0) await writeGenesis(store, tree.genesis, params.genesis);
  else await loadBlocks(store, tree);
  const tip = tree.find(toDisplayHash(store.state.tipHash) as BlockHash);
  if (tip === undefined) throw databaseDamaged(store.directory, "the block of its tip is missing");
  const coins = CoinTable.create({ clock, version: store.state.commit });
  await loadCoins(at, store, coins);
  tree.settle(tip);
  return new ChainState({ params, store, tree, coins }, tip);
}

/** Its body comes first in the files, as Bitcoin Core has it; after `--reindex` it is there already and will be met. */
async function writeGenesis(store: Store, genesis: BlockNode, raw: Uint8Array): Promise<void> {
  if (!store.state.reindexing) genesis.position = await store.blockFiles.append(raw);
  const record = sealBlock(recordOf(genesis));
  await store.write({ tipHash: genesis.header.hashBytes, blocks: [{ record, replaces: undefined }] });
  genesis.saved = record.fingerprint;
}

async function loadBlocks(store: Store, tree: BlockTree): Promise<void> {
  await store.loadBlocks((record, saved) => {
    const header = Header.decode(record.headerRaw);
    const prev = tree.find(header.prevHash);
    const node = record.height === 0 ? tree.genesis : prev && new BlockNode(header, prev);
    if (node === undefined || node.height !== record.height || !bytesEqual(header.hashBytes, record.hashBytes)) {
      throw databaseDamaged(store.directory, `the block record at height ${record.height}`);
    }
    node.status = record.status;
    node.isInvalid = record.invalid;
    node.sequence = record.sequence;
    node.transactionCount = record.transactionCount;
    node.position = record.position;
    node.saved = saved;
    tree.restore(node);
  });
}

async function loadCoins(at: CoinsWrite, store: Store, coins: CoinTable): Promise<void> {
  let entries: [outpoint: Uint8Array, coin: Coin][] = [];
  await store.loadCoins((outpoint, coin) => {
    entries.push([outpoint, coin]);
    if (entries.length < LOAD_ENTRIES) return;
    coins.load(at, entries);
    entries = [];
  });
  coins.load(at, entries);
}
