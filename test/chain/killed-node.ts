/*
 * A process that goes through a script of steps until somebody kills it: `node killed-node.ts DIRECTORY SCRIPT FROM MODE`, where
 * SCRIPT is a file of JSON. It says `ready`, `begin N KIND` before each step, and `ack N` once the first N steps are confirmed.
 */
import { writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Block } from "../../src/core/primitives/block.ts";
import { ChainBench } from "./harness.ts";
import type { KillStep } from "./kill-script.ts";
import { QUICK } from "./random-tree.ts";

/** parts: changes of coins are written in parts. */
export type KillMode = "whole" | "parts";

async function main(directory: string, script: string, from: number, mode: KillMode): Promise<void> {
  const steps = JSON.parse(await readFile(script, "utf8")) as KillStep[];
  const store = { blockFileBytesMax: 50_000, ...(mode === "parts" ? { batchBytesMax: 400 } : {}) };
  await using bench = await ChainBench.open({ params: QUICK, directory, store });
  bench.keep();
  bench.nowSeconds = 2_000_000_000;
  writeSync(1, "ready\n");
  for (let at = from; at < steps.length; at++) {
    writeSync(1, `begin ${at} ${steps[at]!.kind}\n`);
    await take(bench, steps[at]!);
    writeSync(1, `ack ${at + 1}\n`);
  }
  writeSync(1, "done\n");
}

async function take(bench: ChainBench, { kind, blocks, name }: KillStep): Promise<void> {
  switch (kind) {
    case "save":
      return void (await bench.run((at, chain) => chain.snapshots.save(at, name)));
    case "restore":
      return void (await bench.run((at, chain) => chain.snapshots.restore(at, name)));
    case "drop":
      return void (await bench.run((at, chain) => chain.snapshots.drop(at, name)));
    case "restart":
      return void (await bench.reopen());
    case "compact":
      return bench.locks.task("compact", (at) =>
        bench.deps().coinsLock.withWrite(at, (at) => void bench.chain.coins.compact(at)),
      );
    default:
      return void (await bench.run((at, chain) =>
        chain.acceptBlocks(
          at,
          blocks.map((raw) => Block.decode(new Uint8Array(Buffer.from(raw, "hex")))),
        ),
      ));
  }
}

const [directory, script, from, mode] = process.argv.slice(2);
await main(directory!, script!, Number(from), mode as KillMode);
