import { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import { type Height, height, type Sats, sats } from "./units.ts";

/** An unspent output and where it was made. */
export interface Coin {
  readonly value: Sats;
  readonly script: Uint8Array;
  /** Of the block that made it. */
  readonly height: Height;
  readonly isCoinbase: boolean;
}

/** Format: u32 height * 2 + isCoinbase, i64 value, script with its length. Ours, for undo data and tables; not Bitcoin Core's compressed one. */
export function writeCoin(writer: Writer, coin: Coin): void {
  writer
    .u32(coin.height * 2 + (coin.isCoinbase ? 1 : 0))
    .i64(coin.value)
    .varBytes(coin.script);
}

/** @throws DecodeError */
export function readCoin(reader: Reader): Coin {
  const code = reader.u32();
  const value = sats(reader.i64());
  return { value, script: reader.varBytes(), height: height(code >>> 1), isCoinbase: (code & 1) === 1 };
}

export function encodeCoin(coin: Coin): Uint8Array {
  const writer = new Writer(16 + coin.script.length);
  writeCoin(writer, coin);
  return writer.finish();
}

/** @throws DecodeError, also for bytes too many. The script is a view of `bytes`. */
export function decodeCoin(bytes: Uint8Array): Coin {
  const reader = new Reader(bytes);
  const coin = readCoin(reader);
  reader.finish();
  return coin;
}
