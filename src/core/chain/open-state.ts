import type { CoinsWrite } from "../coins/guard.ts";
import type { NetworkParams } from "../consensus/params.ts";
import { bytesEqual } from "../encoding/hash.ts";
import { toDisplayHash } from "../encoding/hex.ts";
import type { Clock, Log } from "../ports.ts";
import { Block } from "../primitives/block.ts";
import { Header } from "../primitives/header.ts";
import type { BlockHash } from "../primitives/units.ts";
import type { Store } from "../store/store.ts";
import { databaseDamaged } from "../store/store-error.ts";
import { sealBlock } from "../store/tables.ts";
import { BlockNode, recordOf } from "./block-entry.ts";
import { BlockTree } from "./block-tree.ts";
import { ChainState } from "./chain-state.ts";
import { openCoins } from "./coin-image.ts";

/** Builds what a node has in memory from what it has on disk; a new folder begins with genesis. @throws StoreError */
export async function openState(
  at: CoinsWrite,
  parts: { store: Store; params: NetworkParams; clock: Clock; log: Log },
): Promise<ChainState> {
  const { store, params } = parts;
  const tree = new BlockTree(Block.decode(params.genesis).header);
  if (store.state.blocks.count === 0) await writeGenesis(store, tree.genesis, params.genesis);
  else await loadBlocks(store, tree);
  const known = (hashBytes: Uint8Array, what: string): BlockNode => {
    const node = tree.find(toDisplayHash(hashBytes) as BlockHash);
    if (node === undefined) throw databaseDamaged(store.directory, `the block of its ${what} is missing`);
    return node;
  };
  const { tipHash, parking } = store.state;
  const tip = known(tipHash, "tip");
  if (parking !== undefined) tree.park(known(parking.tipHash, "restored tip"), parking.sequence);
  const coins = await openCoins(at, parts);
  tree.prefer(tip); // The active chain wins after a restart, also where it was preferred by hand to one that was seen before it.
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
