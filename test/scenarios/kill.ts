import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { MuHash } from "../../src/core/coins/muhash.ts";
import { coinHashBytes } from "../../src/core/coins/set-hash.ts";
import { type RunningNode, startNode } from "../../src/core/index.ts";
import type { Coin } from "../../src/core/primitives/coin.ts";
import { outpointBytesOf, outpointKeyAt } from "../../src/core/primitives/outpoint.ts";
import type { BlockHash, Txid } from "../../src/core/primitives/units.ts";
import { seededNumbers } from "../support/seeded.ts";

/** What a killed process had acknowledged. */
interface Acknowledged {
  tip: BlockHash | undefined;
  readonly payments: Set<Txid>;
}

/**
 * Rounds of: four threads mine and a client pays, then kill -9 at a random moment, then a start. After each, the last acknowledged block
 * is on the chain, every acknowledged payment is in a block or in the pool, and the coins are those of a replay from genesis.
 */
export async function killRounds(rounds: number, seed: number): Promise<void> {
  console.log(`kill -9: ${rounds} rounds, seed ${seed}`);
  const home = await mkdtemp(join(tmpdir(), "kill-"));
  const random = seededNumbers(seed);
  const acknowledged: Acknowledged = { tip: undefined, payments: new Set() };
  try {
    for (let round = 0; round < rounds; round++) {
      // Every other round waits for a payment first: a busy machine may need its time before there is anything to lose.
      await mineAndKill(home, acknowledged, { afterMs: 1000 * (random() / 2 ** 32), afterPayment: round % 2 === 1 });
      const node = await startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0 });
      try {
        await checkAfterKill(node, acknowledged);
      } finally {
        await node.stop();
      }
    }
    console.log(`kill -9: ${acknowledged.payments.size} payments acknowledged`);
    expect(acknowledged.payments.size).toBeGreaterThan(rounds / 4);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

interface Moment {
  readonly afterMs: number;
  readonly afterPayment: boolean;
}

/** No round waits longer for its first payment: the first blocks have to mature. */
const PAYMENT_MS_MAX = 20_000;

async function mineAndKill(home: string, acknowledged: Acknowledged, { afterMs, afterPayment }: Moment): Promise<void> {
  const script = new URL("./mining-node.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, home, "4", "0.03"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const paying = new AbortController();
  let client: Promise<void> = Promise.resolve();
  const killed = Promise.withResolvers<void>();
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { ready?: { url: string; cookie: string }; block?: BlockHash };
    if (said.block !== undefined) acknowledged.tip = said.block;
    if (said.ready === undefined) continue;
    const paid = Promise.withResolvers<void>();
    client = pay(said.ready, acknowledged, paid.resolve, paying.signal);
    const begin = afterPayment ? Promise.race([paid.promise, sleep(PAYMENT_MS_MAX, undefined, { ref: false })]) : undefined;
    void Promise.resolve(begin)
      .then(() => sleep(afterMs))
      .then(() => {
        child.kill("SIGKILL");
        killed.resolve();
      });
  }
  paying.abort();
  await Promise.all([exited, client, Promise.race([killed.promise, failed(child)])]);
}

async function failed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`the node ended by itself with ${child.exitCode}`);
}

/** Sends as fast as answers come, until the node is gone. */
async function pay(
  node: { url: string; cookie: string },
  acknowledged: Acknowledged,
  onPaid: () => void,
  signal: AbortSignal,
): Promise<void> {
  const authorization = `Basic ${Buffer.from(await readFile(node.cookie, "utf8")).toString("base64")}`;
  const call = async (method: string, ...params: unknown[]) => {
    const answer = await fetch(node.url, {
      method: "POST",
      headers: { authorization },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal,
    });
    return ((await answer.json()) as { result?: string }).result;
  };
  try {
    const address = await call("getnewaddress");
    while (!signal.aborted) {
      const txid = await call("sendtoaddress", address, 0.01);
      if (txid === undefined) await sleep(20);
      else acknowledged.payments.add(txid as Txid);
      if (txid !== undefined) onPaid();
    }
  } catch {
    // The node was killed under the call: what it was asked last is not acknowledged.
  }
}

async function checkAfterKill({ parts }: RunningNode, { tip, payments }: Acknowledged): Promise<void> {
  const { chain, mempool } = parts;
  if (tip !== undefined) expect(chain.isActive(chain.find(tip)!), `acknowledged block ${tip}`).toBe(true);
  const { coins, mined } = await replay(chain);
  for (const txid of payments) {
    expect(mined.has(txid) || mempool.find(txid) !== undefined, `acknowledged payment ${txid}`).toBe(true);
  }
  using snapshot = chain.coins.snapshot();
  const stored = new MuHash();
  for (const [outpoint, coin] of snapshot.coins()) stored.insert(coinHashBytes(outpoint, coin));
  const replayed = new MuHash();
  for (const [outpoint, coin] of coins.values()) replayed.insert(coinHashBytes(outpoint, coin));
  expect([chain.coins.count, Buffer.from(stored.digest()).toString("hex")]).toEqual([
    coins.size,
    Buffer.from(replayed.digest()).toString("hex"),
  ]);
}

/** The coins that the blocks make, by the plainest of means. */
async function replay(chain: RunningNode["parts"]["chain"]) {
  const coins = new Map<string, readonly [Uint8Array, Coin]>();
  const mined = new Set<Txid>();
  for (let height = 1; height <= chain.tip.height; height++) {
    const block = (await chain.readBlock(chain.atHeight(height)!.hash))!;
    block.transactions.forEach((tx, index) => {
      mined.add(tx.txid);
      if (index > 0) for (let i = 0; i < tx.inputCount; i++) coins.delete(tx.prevoutKey(i));
      tx.outputs.forEach(({ value, script }, vout) => {
        if (script[0] === 0x6a) return;
        const outpoint = outpointBytesOf(tx.txidBytes, vout);
        const coin = { value, script, height: chain.atHeight(height)!.height, isCoinbase: index === 0 };
        coins.set(outpointKeyAt(outpoint, 0), [outpoint, coin]);
      });
    });
  }
  return { coins, mined };
}
