import type { Reader } from "../encoding/reader.ts";
import { Writer } from "../encoding/writer.ts";
import type { Database, DatabaseBatch } from "./database.ts";
import { databaseDamaged } from "./store-error.ts";
import { openRecord, redoKey, sealRecord, TABLE, tableKey } from "./tables.ts";

/*
 * A change of coins that is too large for one batch (a very deep reorganisation) is written in full first, in parts `R 0..n`,
 * each in a synced batch. Then one small synced batch puts the marker `M` and the new state: from here on the change has
 * happened. The parts are then applied, each in a batch that also deletes the part. A crash before the marker leaves parts that
 * opening throws away; a crash after it leaves parts that opening applies. Applying twice does no harm: a part holds puts and
 * deletions, no sums.
 */

/** 64 MB: LevelDB copies a batch several times in memory. */
export const BATCH_BYTES_MAX = 64_000_000;
/** 16 MB. */
export const PART_BYTES_MAX = 16_000_000;

/** A put or, without a value, a deletion. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Writes the parts; returns how many. Nothing has happened yet. */
export async function writeParts(database: Database, writes: readonly Write[], partBytesMax: number): Promise<number> {
  let count = 0;
  let part = new Writer(partBytesMax);
  const finishPart = async (): Promise<void> => {
    const batch = database.batch();
    const record = sealRecord(redoKey(count++), part.finish());
    batch.put(record.key, record.value);
    await batch.write({ sync: true });
    part = new Writer(partBytesMax);
  };
  for (const write of writes) {
    part.u8(write.value === undefined ? 0 : 1).varBytes(write.key);
    if (write.value !== undefined) part.varBytes(write.value);
    if (part.length >= partBytesMax) await finishPart();
  }
  if (part.length > 0) await finishPart();
  return count;
}

/** Goes into the batch that makes the change happen. */
export function putMarker(batch: DatabaseBatch, parts: number): void {
  const record = sealRecord(tableKey(TABLE.marker), new Writer(4).u32(parts).finish());
  batch.put(record.key, record.value);
}

/** Brings a change that has happened into the tables, or throws away the parts of one that has not. @throws StoreError */
export async function finishLargeChange(database: Database, path: string): Promise<void> {
  const markerKey = tableKey(TABLE.marker);
  const marker = await database.get(markerKey);
  if (marker === undefined) return dropParts(database);
  const parts = openRecord(markerKey, marker)?.payload.u32();
  if (parts === undefined) throw databaseDamaged(path, "the marker of a large change");
  for (let number = 0; number < parts; number++) {
    const key = redoKey(number);
    const value = await database.get(key);
    if (value === undefined) continue; // Applied before the crash.
    const payload = openRecord(key, value)?.payload;
    if (payload === undefined) throw databaseDamaged(path, "a part of a large change");
    const batch = database.batch();
    applyPart(batch, payload);
    batch.del(key);
    await batch.write({ sync: true });
  }
  const batch = database.batch();
  batch.del(markerKey);
  await batch.write({ sync: true });
}

function applyPart(batch: DatabaseBatch, payload: Reader): void {
  while (payload.remaining > 0) {
    const isPut = payload.u8() === 1;
    const key = payload.varBytes();
    if (isPut) batch.put(key, payload.varBytes());
    else batch.del(key);
  }
}

async function dropParts(database: Database): Promise<void> {
  for await (const run of database.runs(tableKey(TABLE.redo))) {
    const batch = database.batch();
    for (const [key] of run) batch.del(key);
    await batch.write({ sync: true });
  }
}
