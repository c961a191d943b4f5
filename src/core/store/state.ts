import type { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { SetSum } from "./set-sum.ts";

/** Where the last block file ends. What lies behind was never referred to. */
export interface FilesEnd {
  readonly file: number;
  readonly length: number;
}

/** What the database says of itself, written with every batch; start-up compares it with what it finds. */
export interface StoreState {
  /** Counts batches; grows for ever. */
  readonly serial: number;
  /** Counts commits that changed coins; grows for ever. */
  readonly commit: number;
  /** Of the block whose coins these are, internal order. */
  readonly tipHash: Uint8Array;
  readonly coins: SetSum;
  readonly blocks: SetSum;
  /** Places of transactions. */
  readonly transactions: SetSum;
  readonly files: FilesEnd;
  /** The block files are still being read in again. */
  readonly reindexing: boolean;
}

export function encodeState(state: StoreState): Uint8Array {
  const writer = new Writer(128).u64(state.serial).u64(state.commit).bytes(state.tipHash);
  for (const sum of [state.coins, state.blocks, state.transactions]) writer.u64(sum.count).u32(sum.low).u32(sum.high);
  return writer
    .u32(state.files.file)
    .u32(state.files.length)
    .u8(state.reindexing ? 1 : 0)
    .finish();
}

/** @throws DecodeError */
export function decodeState(payload: Reader): StoreState {
  const serial = payload.u64();
  const commit = payload.u64();
  const tipHash = new Uint8Array(payload.bytes(32));
  const [coins, blocks, transactions] = [readSum(payload), readSum(payload), readSum(payload)];
  const files = { file: payload.u32(), length: payload.u32() };
  const reindexing = payload.u8() === 1;
  payload.finish();
  return { serial, commit, tipHash, coins, blocks, transactions, files, reindexing };
}

function readSum(payload: Reader): SetSum {
  return new SetSum(payload.u64(), payload.u32(), payload.u32());
}
