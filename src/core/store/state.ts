import type { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { SetSum } from "./set-sum.ts";

/** Where the last block file ends. What lies behind was never referred to. */
export interface FilesEnd {
  readonly file: number;
  readonly length: number;
}

/**
 * Since a snapshot was restored: blocks that do not build on `tipHash` with new work are left aside, whatever their work. New
 * are blocks that became complete after the one numbered `sequence`.
 */
export interface ParkingRecord {
  readonly tipHash: Uint8Array;
  readonly sequence: number;
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
  readonly parking: ParkingRecord | undefined;
}

export function encodeState(state: StoreState): Uint8Array {
  const writer = new Writer(192).u64(state.serial).u64(state.commit).bytes(state.tipHash);
  for (const sum of [state.coins, state.blocks, state.transactions]) writer.u64(sum.count).u32(sum.low).u32(sum.high);
  writer
    .u32(state.files.file)
    .u32(state.files.length)
    .u8(state.reindexing ? 1 : 0)
    .u8(state.parking === undefined ? 0 : 1);
  if (state.parking !== undefined) writer.bytes(state.parking.tipHash).u64(state.parking.sequence);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeState(payload: Reader): StoreState {
  const serial = payload.u64();
  const commit = payload.u64();
  const tipHash = new Uint8Array(payload.bytes(32));
  const [coins, blocks, transactions] = [readSum(payload), readSum(payload), readSum(payload)];
  const files = { file: payload.u32(), length: payload.u32() };
  const reindexing = payload.u8() === 1;
  const parking = readParking(payload);
  payload.finish();
  return { serial, commit, tipHash, coins, blocks, transactions, files, reindexing, parking };
}

/** Data format 1 ends before it. */
function readParking(payload: Reader): ParkingRecord | undefined {
  if (payload.remaining === 0 || payload.u8() === 0) return undefined;
  return { tipHash: new Uint8Array(payload.bytes(32)), sequence: payload.u64() };
}

function readSum(payload: Reader): SetSum {
  return new SetSum(payload.u64(), payload.u32(), payload.u32());
}
