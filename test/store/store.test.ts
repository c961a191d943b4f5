import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "../../src/core/store/database.ts";
import { openDatabase } from "../../src/core/store/database.ts";
import { DATA_FORMAT } from "../../src/core/store/folder.ts";
import { Sealer } from "../../src/core/store/sealer.ts";
import { Store, type StoreOptions } from "../../src/core/store/store.ts";
import * as tables from "../../src/core/store/tables.ts";
import { body, coin, hashOf, outpoint } from "./samples.ts";

let directory: string;
const genesisHash = hashOf(0);
const magic = Uint8Array.of(0xfa, 0xbf, 0xb5, 0xda);
const options = (more: Partial<StoreOptions> = {}): StoreOptions => ({ directory, magic, genesisHash, ...more });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "chaincore-store-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Everything that a store serves, as comparable text. */
async function contents(store: Store): Promise<string[]> {
  const lines = [`tip ${Buffer.from(store.state.tipHash).toString("hex")} commit ${store.state.commit}`];
  await store.loadBlocks((record) => lines.push(`block ${record.height} ${Buffer.from(record.hashBytes).toString("hex")}`));
  await store.loadCoins((key, { value }) => lines.push(`coin ${Buffer.from(key).toString("hex")} ${value}`));
  return lines;
}

/** One commit: a body, its block record, its undo data, one coin spent (if any), two made. */
async function commit(store: Store, n: number): Promise<void> {
  const raw = body(n);
  const position = await store.blockFiles.append(raw);
  const record = { headerRaw: raw.subarray(0, 80), hashBytes: hashOf(n), height: n, status: "valid", invalid: false } as const;
  await store.write({
    tipHash: hashOf(n),
    coins: {
      spends: n > 1 ? [{ outpoint: outpoint(n - 1, 0), coin: coin(n - 1) }] : [],
      creates: [0, 1].map((vout) => ({ outpoint: outpoint(n, vout), coin: coin(n) })),
    },
    blocks: [{ record: tables.sealBlock({ ...record, sequence: n, transactionCount: 1, position }), replaces: undefined }],
    records: [tables.sealUndo(hashOf(n), n > 1 ? [coin(n - 1)] : [])],
    transactions: [new Sealer().transaction(outpoint(n, 0).subarray(0, 32), position, 0)],
  });
}

async function filled(commits: number, more: Partial<StoreOptions> = {}): Promise<string[]> {
  const store = await Store.open(options(more));
  for (let n = 1; n <= commits; n++) await commit(store, n);
  const lines = await contents(store);
  await store.close();
  return lines;
}

const failure = (code: string) => expect.objectContaining({ code });

test("what was committed is there after closing and opening again", async () => {
  const lines = await filled(20);
  const store = await Store.open(options());
  expect(await contents(store)).toEqual(lines);
  expect(store.state.coins.count).toBe(21);
  expect(await store.readUndo(hashOf(7))).toEqual([coin(6)]);
  expect(await store.readUndo(hashOf(99))).toBeUndefined();
  const [place] = await store.findTransaction(outpoint(5, 0).subarray(0, 32));
  const raw = await store.blockFiles.readAt(place!.file, place!.offset, body(5).length);
  expect(Buffer.compare(raw, body(5))).toBe(0);
  await store.close();
});

test("a coin replaced at its own outpoint stays, with the new value", async () => {
  const store = await Store.open(options());
  await store.write({ coins: { spends: [], creates: [{ outpoint: outpoint(1, 0), coin: coin(1) }] } });
  await store.write({
    coins: { spends: [{ outpoint: outpoint(1, 0), coin: coin(1) }], creates: [{ outpoint: outpoint(1, 0), coin: coin(2) }] },
  });
  const values: number[] = [];
  await store.loadCoins((_, { value }) => values.push(value));
  expect(values).toEqual([coin(2).value]);
  await store.close();
});

test("coins come back in the order of txid bytes and numeric output index", async () => {
  const store = await Store.open(options());
  const creates = [256, 1, 2, 0].map((vout) => ({ outpoint: outpoint(3, vout), coin: coin(vout) }));
  await store.write({ coins: { spends: [], creates } });
  const order: number[] = [];
  await store.loadCoins((key) => order.push(Buffer.from(key).readUInt32LE(32)));
  expect(order).toEqual([0, 1, 2, 256]);
  await store.close();
});

test("bytes behind the recorded end of the block file are cut", async () => {
  await filled(3);
  const path = join(directory, "blocks", "blk00000.dat");
  const length = (await stat(path)).size;
  const file = await open(path, "a");
  await file.write(body(77));
  await file.close();
  await writeFile(join(directory, "blocks", "blk00001.dat"), body(78));
  const store = await Store.open(options());
  expect((await stat(path)).size).toBe(length);
  expect(await readdir(join(directory, "blocks"))).toEqual(["blk00000.dat"]);
  await store.close();
});

test("a block file shorter than recorded is refused, naming --reindex", async () => {
  await filled(3);
  await truncate(join(directory, "blocks", "blk00000.dat"), 100);
  await expect(Store.open(options())).rejects.toThrow(/blk00000\.dat.*--reindex/);
  await expect(Store.open(options())).rejects.toEqual(failure("block-file-damaged"));
});

test("a changed bit in a body is noticed when it is read", async () => {
  const store = await Store.open(options());
  const position = await store.blockFiles.append(body(1));
  await store.blockFiles.sync();
  const path = join(directory, "blocks", "blk00000.dat");
  const bytes = await readFile(path);
  bytes[position.offset + 50]! ^= 4;
  await writeFile(path, bytes);
  await expect(store.blockFiles.read(position)).rejects.toEqual(failure("block-file-damaged"));
  await store.close();
});

test("block files roll over and every body stays readable", async () => {
  const store = await Store.open(options({ blockFileBytesMax: 1000 }));
  const positions = [];
  for (let n = 0; n < 20; n++) positions.push(await store.blockFiles.append(body(n)));
  await store.write({});
  expect(new Set(positions.map(({ file }) => file)).size).toBe(3);
  for (const [n, position] of positions.entries()) {
    expect(Buffer.compare(await store.blockFiles.read(position), body(n))).toBe(0);
  }
  await store.close();
  const again = await Store.open(options({ blockFileBytesMax: 1000 }));
  const scanned = [];
  for await (const { bodies } of again.scan()) scanned.push(...bodies);
  expect(scanned.map(({ raw }) => Buffer.from(raw).toString("hex"))).toEqual(
    positions.map((_, n) => Buffer.from(body(n)).toString("hex")),
  );
  await again.close();
});

test("a second node on the folder is refused with a sentence", async () => {
  const store = await Store.open(options());
  await expect(Store.open(options())).rejects.toThrow(/Another node is running on/);
  await expect(Store.open(options({ reindex: true }))).rejects.toEqual(failure("folder-in-use"));
  await store.close();
});

test("a folder of a newer program and one of another network are refused", async () => {
  await filled(1);
  await expect(Store.open(options({ genesisHash: hashOf(9) }))).rejects.toEqual(failure("data-other-network"));
  const database = await openDatabase(join(directory, "db"));
  const key = tables.tableKey(tables.TABLE.version);
  const payload = Buffer.concat([Uint8Array.of(DATA_FORMAT + 1, 0, 0, 0), genesisHash]);
  await put(database, tables.sealRecord(key, payload));
  await database.close();
  await expect(Store.open(options())).rejects.toEqual(failure("data-newer"));
});

test("a folder of data format 1 is taken over, and is of the present format afterwards", async () => {
  const lines = await filled(3);
  const database = await openDatabase(join(directory, "db"));
  const stateKey = tables.tableKey(tables.TABLE.state);
  const state = (await database.get(stateKey))!;
  await put(database, tables.sealRecord(stateKey, state.subarray(0, -5))); // It ended before the byte of the parking.
  const versionKey = tables.tableKey(tables.TABLE.version);
  await put(database, tables.sealRecord(versionKey, Buffer.concat([Uint8Array.of(1, 0, 0, 0), genesisHash])));
  await database.close();
  const store = await Store.open(options());
  expect(await contents(store)).toEqual(lines);
  expect(store.state.parking).toBeUndefined();
  await store.close();
  const again = await openDatabase(join(directory, "db"));
  expect((await again.get(versionKey))![0]).toBe(DATA_FORMAT);
  await again.close();
});

test("what is parked is there after opening again, until it is ended", async () => {
  const parking = { tipHash: hashOf(7), sequence: 2 ** 40 };
  for (const wanted of [parking, undefined]) {
    const store = await Store.open(options());
    await store.write({ parking: wanted ?? null });
    await store.write({});
    await store.close();
    const again = await Store.open(options());
    expect(again.state.parking).toEqual(wanted);
    await again.close();
  }
});

test("block files without their database are refused, naming --reindex", async () => {
  await filled(2);
  await rm(join(directory, "db"), { recursive: true });
  await expect(Store.open(options())).rejects.toEqual(failure("database-missing"));
  const store = await Store.open(options({ reindex: true }));
  expect(store.state.reindexing).toBe(true);
  expect(store.state.files.length).toBe((await stat(join(directory, "blocks", "blk00000.dat"))).size);
  await store.close();
});

test("a coin that is lost, doubled or changed behind our back is noticed while loading", async () => {
  const harm: ((database: Database) => Promise<void>)[] = [
    (database) => del(database, tables.coinKey(outpoint(4, 1))),
    (database) => put(database, new Sealer().coin(outpoint(50, 0), coin(50))),
    (database) => put(database, new Sealer().coin(outpoint(4, 1), coin(5))),
    (database) => put(database, { ...new Sealer().coin(outpoint(4, 1), coin(4)), value: Uint8Array.of(1, 2, 3, 4, 5, 6) }),
  ];
  for (const step of harm) {
    await rm(directory, { recursive: true });
    await filled(5);
    const database = await openDatabase(join(directory, "db"));
    await step(database);
    await database.close();
    const store = await Store.open(options());
    await expect(store.loadCoins(() => undefined)).rejects.toEqual(failure("database-damaged"));
    await store.close();
  }
});

test("a transaction place that is lost is noticed before anybody is told that there is none", async () => {
  await filled(5);
  const txid = outpoint(3, 0).subarray(0, 32);
  const { file, offset } = await placeOf(txid);
  const database = await openDatabase(join(directory, "db"));
  await del(database, new Sealer().transaction(txid, { file, offset, size: 0, checksum: 0 }, 0).key);
  await database.close();
  const store = await Store.open(options());
  expect(await store.findTransaction(txid)).toEqual([]);
  await expect(store.checkTransactions()).rejects.toEqual(failure("database-damaged"));
  await store.close();
});

async function placeOf(txid: Uint8Array) {
  const store = await Store.open(options());
  await store.checkTransactions();
  const [place] = await store.findTransaction(txid);
  await store.close();
  return place!;
}

async function put(database: Database, record: { key: Uint8Array; value: Uint8Array }): Promise<void> {
  const batch = database.batch();
  batch.put(record.key, record.value);
  await batch.write({ sync: true });
}

async function del(database: Database, key: Uint8Array): Promise<void> {
  const batch = database.batch();
  batch.del(key);
  await batch.write({ sync: true });
}
