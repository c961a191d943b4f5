import { expect, test } from "vitest";
import type { CoinChange } from "../../src/core/coins/changes.ts";
import { MuHash } from "../../src/core/coins/muhash.ts";
import { bogosize, coinHashBytes, coinSetStatistics, muhashOf } from "../../src/core/coins/set-hash.ts";
import type { CoinSnapshot } from "../../src/core/coins/snapshot.ts";
import { CoinTable } from "../../src/core/coins/table.ts";
import { bytesToHex, hexToBytes, toDisplayHash } from "../../src/core/encoding/hex.ts";
import { DecodeError } from "../../src/core/encoding/reader.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { outpointKeyBytes } from "../../src/core/primitives/outpoint.ts";
import type { BlockHash } from "../../src/core/primitives/units.ts";
import { hasTestData, testData, testJson, testLines } from "../support/test-data.ts";
import { at, publish } from "./conformance.ts";
import { coin, outpoint } from "./support/coins.ts";
import { Replay } from "./support/replay.ts";

const clock = { monotonicMs: () => 0 };

function change(hash: MuHash, { spends, creates }: CoinChange): void {
  for (const { key, coin: spent } of spends) hash.remove(coinHashBytes(outpointKeyBytes(key as never), spent as Coin));
  for (const { outpoint: bytes, coin: made } of creates) hash.insert(coinHashBytes(bytes, made));
}

test.skipIf(!hasTestData)("simple-1 ends with Bitcoin Core's hashes of the coin set", async () => {
  const expected = testJson<Record<string, unknown>>("chains/simple-1.json");
  const file = testData("chains/simple-1.dat");
  const [table, replay, muhash] = [CoinTable.create({ clock }), new Replay(), new MuHash()];
  for (let offset = 0; offset < file.length; offset += 8 + file.readUInt32LE(offset + 4)) {
    const hash = replay.add(file.subarray(offset + 8, offset + 8 + file.readUInt32LE(offset + 4)));
    if (replay.tip !== undefined && replay.heightOf(hash) <= replay.heightOf(replay.tip)) continue;
    const net = replay.moveTo(hash);
    change(muhash, net);
    publish(table, net);
  }
  using snapshot = table.snapshot();
  const serialized = await coinSetStatistics(snapshot, "hash_serialized_3");
  expect(replay.tip).toBe(expected["tip"]);
  expect(toDisplayHash(muhash.digest())).toBe(expected["muhash"]);
  expect((await coinSetStatistics(snapshot, "muhash")).hash).toBe(expected["muhash"]);
  expect(serialized.hash).toBe(expected["hashSerialized3"]);
  expect(serialized.txouts).toBe(expected["txouts"]);
  expect(serialized.totalAmount).toBe((expected["totalAmount"] as number) * 1e8);
});

interface Line {
  readonly op: string;
  readonly hex: string;
  readonly result: string | null;
  readonly tip: BlockHash;
  readonly muhash: string;
  readonly hash_serialized_3: string;
  readonly txouts: number;
  readonly bogosize: number;
  readonly transactions: number;
  readonly total_amount: string;
}

test.skipIf(!hasTestData)(
  "the 26 checkpoints of open-1 have Bitcoin Core's hashes, also from snapshots held to the end",
  async () => {
    const [table, replay, muhash] = [CoinTable.create({ clock, leases: 64 }), new Replay(), new MuHash()];
    const held: { readonly line: Line; readonly snapshot: CoinSnapshot }[] = [];
    const genesis = testData("chains/simple-1.dat");
    replay.moveTo(replay.add(genesis.subarray(8, 8 + genesis.readUInt32LE(4))));
    for (const line of testLines<Line>("chains/open-1/blocks.jsonl.gz")) {
      if (line.op === "submitblock") {
        if (line.result === null || line.result === "inconclusive") tryAdd(replay, line.hex);
        if (line.tip === replay.tip) continue;
        const net = replay.moveTo(line.tip);
        change(muhash, net);
        publish(table, net);
      } else if (line.op === "utxo") {
        expect(toDisplayHash(muhash.digest())).toBe(line.muhash);
        held.push({ line, snapshot: table.snapshot() });
        await expectStatistics(held.at(-1)!);
      }
    }
    expect(held.length).toBe(26);
    for (const checkpoint of held) {
      await expectStatistics(checkpoint);
      checkpoint.snapshot[Symbol.dispose]();
    }
  },
);

/** Some lines are no block at all. */
function tryAdd(replay: Replay, hex: string): void {
  try {
    replay.add(hexToBytes(hex));
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}

async function expectStatistics({ line, snapshot }: { readonly line: Line; readonly snapshot: CoinSnapshot }): Promise<void> {
  expect(await coinSetStatistics(snapshot, "hash_serialized_3")).toEqual({
    version: snapshot.version,
    txouts: line.txouts,
    transactions: line.transactions,
    bogosize: line.bogosize,
    totalAmount: Math.round(Number(line.total_amount) * 1e8),
    hash: line.hash_serialized_3,
  });
}

test("muhash forgets what was removed, in any order, and goes on from its state", () => {
  const elements = Array.from({ length: 20 }, (_, n) => coinHashBytes(outpoint(n), coin(n)));
  const [some, all] = [new MuHash(), new MuHash()];
  for (const element of elements.slice(0, 7)) some.insert(element);
  for (const element of elements.slice(7)) all.remove(element);
  const halfway = MuHash.restore(all.state());
  for (const element of elements.toReversed()) halfway.insert(element);
  expect(bytesToHex(halfway.digest())).toBe(bytesToHex(some.digest()));
  expect(bytesToHex(some.digest())).not.toBe(bytesToHex(new MuHash().digest()));
  some.combine(all.copy());
  for (const element of elements.slice(0, 7)) some.remove(element);
  for (const element of elements.slice(7)) some.insert(element);
  expect(bytesToHex(some.digest())).toBe(bytesToHex(new MuHash().digest()));
});

test("a walk of coins gives the muhash that changes give", () => {
  const table = CoinTable.create({ clock });
  table.load(
    at,
    [1, 2, 3].map((n) => [outpoint(n), coin(n)] as const),
  );
  using snapshot = table.snapshot();
  const expected = new MuHash();
  for (const n of [3, 1, 2]) expected.insert(coinHashBytes(outpoint(n), coin(n)));
  expect(bytesToHex(muhashOf(snapshot.coins()).digest())).toBe(bytesToHex(expected.digest()));
});

test("statistics of an empty set are zeros, without a hash when none is asked for", async () => {
  using snapshot = CoinTable.create({ clock }).snapshot();
  expect(await coinSetStatistics(snapshot, "none")).toEqual({
    version: 0,
    txouts: 0,
    transactions: 0,
    bogosize: 0,
    totalAmount: 0,
  });
});

test("an abandoned walk stops at its signal", async () => {
  const table = CoinTable.create({ clock });
  table.load(
    at,
    Array.from({ length: 3_000 }, (_, n) => [outpoint(n), coin(n)] as const),
  );
  using snapshot = table.snapshot();
  await expect(coinSetStatistics(snapshot, "none", AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
});

test("bogosize counts 50 bytes and the script", () => {
  expect(bogosize(coin(1, new Uint8Array(25)))).toBe(75);
});
