import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Writer } from "../encoding/writer.ts";
import { ChainCoreError } from "../errors.ts";
import { FRAME_LENGTH, syncFolder } from "../store/block-files.ts";
import { scanBlockFile } from "../store/block-scan.ts";
import { diskError } from "../store/store-error.ts";
import type { Chain } from "./chain.ts";
import type { MayTakeChain } from "./guard.ts";
import { type BodySource, type ReadInOptions, type ReadInReport, readIn } from "./read-in.ts";

interface FilePlace {
  readonly offset: number;
  readonly size: number;
}

/**
 * Takes in every block of a file in Bitcoin Core's format (blkNNNNN.dat; any order, any branches).
 * @throws ChainCoreError not-a-block-file; StoreError when a file cannot be read or written; the signal's reason
 */
export async function importBlockFile(
  at: MayTakeChain,
  chain: Chain,
  path: string,
  options: ReadInOptions = {},
): Promise<Readonly<ReadInReport>> {
  const source: BodySource<FilePlace> = { runs: () => bodies(path, chain.params.magic), read: (place) => readBody(path, place) };
  const report = await readIn(
    source,
    (bodies) =>
      chain.acceptBlocks(
        at,
        bodies.map(({ block }) => block),
      ),
    options,
  );
  if (report.read > 0) return report;
  const message = `${path} holds no block of the network "${chain.params.name}": a block file has its magic before each block.`;
  throw new ChainCoreError("not-a-block-file", message, { detail: { path } });
}

async function* bodies(path: string, magic: Uint8Array) {
  for await (const run of scanBlockFile(path, magic)) {
    yield run.map(({ offset, raw }) => ({ raw, place: { offset, size: raw.length } }));
  }
}

async function readBody(path: string, { offset, size }: FilePlace): Promise<Uint8Array> {
  await using file = await open(path, "r");
  const raw = new Uint8Array(size);
  await file.read(raw, 0, size, offset);
  return raw;
}

/**
 * Writes the active chain, genesis first, to a file in Bitcoin Core's format. The file appears under its name when it is whole.
 * @throws StoreError, the signal's reason
 */
export async function exportBlockFile(
  chain: Chain,
  path: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (height: number) => void } = {},
): Promise<{ readonly blocks: number; readonly bytes: number }> {
  const partial = `${path}.partial`;
  try {
    const written = await writeChain(chain, partial, options);
    await rename(partial, path);
    await syncFolder(dirname(path));
    return written;
  } catch (error) {
    await rm(partial, { force: true });
    throw error === options.signal?.reason ? error : diskError(error, path);
  }
}

async function writeChain(
  chain: Chain,
  path: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (height: number) => void },
) {
  await using file = await open(path, "w");
  const entries = Array.from({ length: chain.tip.height + 1 }, (_, height) => chain.atHeight(height)!); // Of one moment.
  let bytes = 0;
  for (const { hash, height } of entries) {
    options.signal?.throwIfAborted();
    const { raw } = (await chain.readBlock(hash))!;
    const frame = new Writer(FRAME_LENGTH + raw.length).bytes(chain.params.magic).u32(raw.length).bytes(raw);
    await file.appendFile(frame.finish());
    bytes += frame.length;
    options.onProgress?.(height);
  }
  await file.datasync();
  return { blocks: entries.length, bytes };
}
