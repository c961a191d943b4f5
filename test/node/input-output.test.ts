import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportBlockFile } from "../../src/core/chain/block-file-exchange.ts";
import { type RunningNode, startNode } from "../../src/core/index.ts";
import type { Root } from "../../src/core/locks/context.ts";
import type { Sats } from "../../src/core/primitives/units.ts";

const SCRIPT = new Uint8Array([0x00, 0x14, ...new Uint8Array(20).fill(7)]);

/** Runs `use` on a node that debugs its locks; the warnings of input or output under one that it then has in its log. */
async function warningsOf(use: (node: RunningNode) => Promise<void>): Promise<readonly { what: string; locks: string[] }[]> {
  const home = await mkdtemp(join(tmpdir(), "input-output-"));
  try {
    const node = await startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0, log: { areas: { locks: "debug" } } });
    try {
      await use(node);
    } finally {
      await node.stop();
    }
    const lines = (await readFile(join(node.status().folder, "node.log"), "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "input-output");
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

test("a node that mines, pays, exports and reorganises holds no lock over input or output but the two that span it", async () => {
  const warnings = await warningsOf(async ({ parts, mining, accounts }) => {
    const mine = (script = accounts.firstScript()) => parts.locks.task("mine", (at) => mining.mineNow(at, { script }));
    for (let height = 0; height < 101; height++) await mine();
    await parts.locks.task("pay", (at) => accounts.send(at, { script: SCRIPT, amount: 1_000 as Sats }));
    await parts.locks.task("address", (at) => accounts.newAddress(at, ""));
    const block = await mine();
    await parts.locks.task("invalidate", (at) => parts.chain.invalidate(at, block.hash));
    await mine(SCRIPT);
    const file = join(await mkdtemp(join(tmpdir(), "export-")), "blocks.dat");
    await exportBlockFile(parts.chain, file);
    await rm(join(file, ".."), { recursive: true });
  });
  expect(warnings).toEqual([]);
});

test("a file that is written under a lock is told of, with the lock and its site", async () => {
  const warnings = await warningsOf(async ({ parts, accounts }) => {
    const under = (at: Root) => parts.miningLock.withWrite(at, (at) => accounts.newAddress(at as never, ""), { site: "test" });
    await parts.locks.task("careless", under);
  });
  expect(warnings).toMatchObject([{ what: "the address book", owner: "careless", locks: ["mining at test"] }]);
});
