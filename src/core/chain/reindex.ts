import { crc32 } from "node:zlib";
import type { BlockPosition } from "../store/tables.ts";
import type { Chain } from "./chain.ts";
import type { MayTakeChain } from "./guard.ts";
import { type BodySource, type ReadInOptions, type ReadInReport, readIn } from "./read-in.ts";

/**
 * Fills the database from the block files, after `Chain.open` with `reindex`, or after a reindex that was cut short
 * (`chain.isReindexing`). The bodies stay where they are. Safe to kill: the next start goes on.
 * @throws StoreError, the signal's reason
 */
export async function reindex(at: MayTakeChain, chain: Chain, options: ReadInOptions = {}): Promise<Readonly<ReadInReport>> {
  const source: BodySource<BlockPosition> = {
    runs: () => bodies(chain),
    read: (position) => chain.files.blockFiles.read(position),
  };
  const report = await readIn(
    source,
    (bodies) =>
      chain.acceptStored(
        at,
        bodies.map(({ block, place }) => ({ block, position: place })),
      ),
    options,
  );
  await chain.finishReindex(at);
  return report;
}

async function* bodies(chain: Chain) {
  for await (const { file, bodies } of chain.files.scan()) {
    yield bodies.map(({ offset, raw }) => ({ raw, place: { file, offset, size: raw.length, checksum: crc32(raw) } }));
  }
}
