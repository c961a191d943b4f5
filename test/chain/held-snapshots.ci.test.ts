import { expect, test } from "vitest";
import type { Chain } from "../../src/core/chain/chain.ts";
import type { TipMove } from "../../src/core/chain/outcome.ts";
import { coinSetStatistics } from "../../src/core/coins/set-hash.ts";
import type { CoinSnapshot } from "../../src/core/coins/snapshot.ts";
import { Reader } from "../../src/core/encoding/reader.ts";
import { Block } from "../../src/core/primitives/block.ts";
import { Header } from "../../src/core/primitives/header.ts";
import type { OutpointKey } from "../../src/core/primitives/outpoint.ts";
import { scanBlockFile } from "../../src/core/store/block-scan.ts";
import { createVerifier } from "../../src/core/verify/verifier.ts";
import { withReservedValue } from "../support/memory-chain.ts";
import { openSteps } from "../support/open-chain.ts";
import { hasTestData, testDataPath, testJson } from "../support/test-data.ts";
import { ChainBench } from "./harness.ts";
import { PlainCoins } from "./plain-coins.ts";
import { textOf } from "./replay.ts";

/** Snapshots that stay open to the end, each with what a plain map held at that moment; a chain beside its oracle. */
class Watch {
  readonly plain = new PlainCoins();
  readonly #held: { readonly snapshot: CoinSnapshot; readonly coins: ReadonlyMap<OutpointKey, string> }[] = [];
  commits = 0;
  reorganisations = 0;

  follow(move: TipMove): void {
    this.plain.follow(move);
    this.commits++;
    if (move.disconnected.length > 0) this.reorganisations++;
  }

  hold(chain: Chain): void {
    this.#held.push({ snapshot: chain.coins.snapshot({ leaseMs: 3_600_000 }), coins: this.plain.text() });
  }

  /** Every one of them still shows exactly its own version. Returns how many there are. */
  check(): number {
    for (const { snapshot, coins } of this.#held) {
      expect(textOf(snapshot), `version ${snapshot.version}`).toEqual(coins);
      snapshot[Symbol.dispose]();
    }
    return this.#held.length;
  }
}

async function openBench(watch: Watch): Promise<ChainBench> {
  const bench = await ChainBench.open({}, { verifier: createVerifier({ workers: 0 }), follow: (_, move) => watch.follow(move) });
  bench.nowSeconds = 1_800_000_000;
  return bench;
}

test.skipIf(!hasTestData)(
  "open-1 replays to Bitcoin Core's hashes while twenty snapshots are held, each as its plain map",
  async () => {
    const watch = new Watch();
    await using bench = await openBench(watch);
    const { chain } = bench;
    const steps = openSteps("blocks.jsonl.gz");
    let checkpoints = 0;
    for (const [number, step] of steps.entries()) {
      if (step.op === "setmocktime") bench.nowSeconds = step.time!;
      const isSound = /^([0-9a-f]{2})+$/i.test(step.hex ?? "") && !step.rpc_error;
      if (step.op === "submitheader" && isSound) {
        const header = Header.decode(new Uint8Array(Buffer.from(step.hex!, "hex")));
        await bench.run((at, chain) => chain.acceptHeader(at, header));
      }
      if (step.op === "submitblock" && isSound) {
        const block = withReservedValue(Block.read(new Reader(new Uint8Array(Buffer.from(step.hex!, "hex")))));
        await bench.run((at, chain) => chain.acceptBlock(at, block));
      }
      if (step.op === "utxo") {
        using snapshot = chain.coins.snapshot();
        const { hash } = await coinSetStatistics(snapshot, "muhash");
        expect(hash, `step ${number}`).toBe((step as unknown as { muhash: string }).muhash);
        expect(textOf(snapshot)).toEqual(watch.plain.text());
        checkpoints++;
      }
      if (number % 33 === 32) watch.hold(chain);
    }
    expect([checkpoints, watch.check()]).toEqual([26, 20]);
    expect(watch.reorganisations).toBeGreaterThan(5);
  },
);

test.skipIf(!hasTestData)("simple-1 replays to Bitcoin Core's hashes while a snapshot of every tenth block is held", async () => {
  const watch = new Watch();
  await using bench = await openBench(watch);
  const wanted = testJson<Record<string, unknown>>("chains/simple-1.json");
  for await (const bodies of scanBlockFile(testDataPath("chains/simple-1.dat"), bench.chain.params.magic)) {
    for (const [number, { raw }] of bodies.entries()) {
      await bench.run((at, chain) => chain.acceptBlock(at, Block.decode(raw), { keepOrphan: true }));
      if (number % 10 === 9) watch.hold(bench.chain);
    }
  }
  using snapshot = bench.chain.coins.snapshot();
  const [muhash, serialized] = [
    await coinSetStatistics(snapshot, "muhash"),
    await coinSetStatistics(snapshot, "hash_serialized_3"),
  ];
  expect([muhash.hash, serialized.hash]).toEqual([wanted["muhash"], wanted["hashSerialized3"]]);
  expect(watch.check()).toBe(20);
  expect(watch.reorganisations).toBe(1);
});
