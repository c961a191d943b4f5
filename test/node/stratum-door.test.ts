import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startNode } from "../../src/core/index.ts";
import { StratumClient } from "../stratum/stratum-client.ts";

async function withHome<R>(use: (home: string) => Promise<R>): Promise<R> {
  const home = await mkdtemp(join(tmpdir(), "stratum-"));
  try {
    return await use(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

test("a node gives stock miners its template, and a new one when the tip moves", async () => {
  await withHome(async (home) => {
    const node = await startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0, stratum: "127.0.0.1:0" });
    try {
      const miner = await (await StratumClient.connect(Number(node.stratum!.split(":")[1]))).begin();
      const before = miner.job;
      const next = miner.nextJob();
      const { parts, mining } = node;
      const block = await parts.locks.task("test", (at) => mining.mineNow(at, { script: Uint8Array.of(0x51) }));
      await next;
      expect([miner.job.clean, miner.job.prevHash === before.prevHash]).toEqual([true, false]);
      expect(Buffer.from(miner.job.prevHash, "hex").swap32().reverse().toString("hex")).toBe(block.hash);
      expect(node.status()).toMatchObject({
        mining: { miners: 1, hashesPerSecond: expect.any(Number) },
        stratum: { address: node.stratum, miners: 1, shares: { accepted: 0, rejected: 0, blocks: 0 } },
      });
      miner.close();
    } finally {
      await node.stop();
    }
  });
});

test("a worker's shares are told of after a restart", async () => {
  await withHome(async (home) => {
    const start = () => startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0, stratum: "127.0.0.1:0" });
    const node = await start();
    const miner = await (await StratumClient.connect(Number(node.stratum!.split(":")[1]))).begin("alice.1");
    // Far too easy for a share at the rate that a new miner is taken for.
    expect(await miner.submit(miner.job, miner.solve(miner.job, "00000000", false))).toMatchObject({
      error: [23, "Low difficulty share", null],
    });
    await node.stop();
    const again = await start();
    const ledger = JSON.parse(await readFile(join(again.status().folder, "shares.json"), "utf8"));
    expect(ledger).toMatchObject({ "alice.1": { accepted: 0, rejected: 1 } });
    expect(again.status().stratum).toMatchObject({ shares: { accepted: 0, rejected: 1, blocks: 0 } });
    const back = await (await StratumClient.connect(Number(again.stratum!.split(":")[1]))).begin("alice.1");
    await back.submit(back.job, back.solve(back.job, "00000000", false));
    await again.stop();
    const after = JSON.parse(await readFile(join(again.status().folder, "shares.json"), "utf8"));
    expect(after).toMatchObject({ "alice.1": { accepted: 0, rejected: 2 } });
  });
});

test("an address that is none is refused, and a failed start leaves nothing in the way", async () => {
  await withHome(async (home) => {
    await expect(startNode({ home, apiPort: 0, p2pPort: 0, stratum: "3333" })).rejects.toMatchObject({ code: "stratum-address" });
    const again = await startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0 });
    expect(again.id).toBe("core0");
    await again.stop();
  });
});
