import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { encodeCoin } from "../../src/core/primitives/coin.ts";
import { height, sats } from "../../src/core/primitives/units.ts";
import { shortCrc32 } from "../../src/core/store/checksum.ts";
import { Sealer } from "../../src/core/store/sealer.ts";
import { coinKey, openRecord, readOutpoint, readTransactionPlace } from "../../src/core/store/tables.ts";
import { seededBytes } from "../support/seeded.ts";
import { hashOf, outpoint } from "./samples.ts";

test("the short checksum is zlib's, in one piece or in two", () => {
  const bytes = seededBytes(3)(500);
  for (let length = 0; length < 500; length += 7) {
    expect(shortCrc32(bytes, 0, length)).toBe(crc32(bytes.subarray(0, length)));
    expect(shortCrc32(bytes, length >> 1, length, shortCrc32(bytes, 0, length >> 1))).toBe(crc32(bytes.subarray(0, length)));
  }
});

test("a sealed coin opens to the bytes of encodeCoin, whatever its script's length and value", () => {
  const sealer = new Sealer();
  const random = seededBytes(4);
  const sealed = [0, 1, 22, 252, 253, 10_000, 70_000, 300_000].flatMap((length, n) =>
    [0, 1, 0xffffffff, 0x100000000, 21e14].map((value) => {
      const coin = { value: sats(value), script: random(length), height: height(n * 1000), isCoinbase: n % 2 === 1 };
      return { coin, at: outpoint(n, value % 70_000), record: sealer.coin(outpoint(n, value % 70_000), coin) };
    }),
  );
  for (const { coin, at, record } of sealed) {
    const { payload, fingerprint } = openRecord(record.key, record.value)!;
    expect(Buffer.compare(payload.bytes(payload.remaining), encodeCoin(coin))).toBe(0);
    expect(fingerprint).toEqual(record.fingerprint);
    expect(Buffer.compare(record.key, coinKey(at))).toBe(0);
    const read = new Uint8Array(36);
    readOutpoint(record.key, read);
    expect(Buffer.compare(read, at)).toBe(0);
  }
});

test("a sealed transaction place says where it was", () => {
  const record = new Sealer().transaction(hashOf(1), { file: 3, offset: 70_000, size: 1, checksum: 0 }, 1999);
  expect(readTransactionPlace(record.key, openRecord(record.key, record.value)!.payload)).toEqual({
    file: 3,
    offset: 70_000,
    index: 1999,
  });
});

test("a record with any byte changed does not open", () => {
  const { key, value } = new Sealer().transaction(hashOf(2), { file: 0, offset: 8, size: 1, checksum: 0 }, 1);
  for (let i = 0; i < key.length + value.length; i++) {
    const bytes = new Uint8Array([...key, ...value]);
    bytes[i]! ^= 16;
    expect(openRecord(bytes.subarray(0, key.length), bytes.subarray(key.length))).toBeUndefined();
  }
});
