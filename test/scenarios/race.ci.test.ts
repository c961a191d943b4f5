import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { sha256 } from "../../src/core/encoding/hash.ts";
import { bytesToHex } from "../../src/core/encoding/hex.ts";
import { addressOfScript } from "../../src/core/primitives/address.ts";
import type { Block } from "../../src/core/primitives/block.ts";
import type { Transaction } from "../../src/core/primitives/transaction.ts";
import type { BlockHash, Txid, UnixSeconds } from "../../src/core/primitives/units.ts";
import { CREDENTIALS, TestNode } from "../api/test-node.ts";
import { buildTx, committingCoinbase, solveBlock } from "../support/build-block.ts";
import type { RaceTask } from "./race-worker.ts";

/*
 * One coin, four threads that each want it, through the real doors: HTTP to the pool, HTTP to the chain. The same race for the coin
 * table alone, 10,000 times, is in coins/workers.ci.test.ts.
 */

const THREADS = 4;
const REDEEM = Uint8Array.of(0x51);
/** P2WSH of a script that is always true: standard, and needs no signature. */
const SCRIPT = Buffer.concat([Uint8Array.of(0, 32), sha256(REDEEM)]);
const FEE = 10_000;

interface Coin {
  readonly txid: Txid;
  readonly vout: number;
  readonly value: number;
}

/** Thread `who`'s own spend of a coin; all pay the same fee, so that none may replace another. */
function spend({ txid, vout, value }: Coin, who: number, fee = FEE): Transaction {
  const input = { txid, vout, sequence: 0xffff_fff0 + who, witness: [REDEEM] };
  return buildTx({ inputs: [input], outputs: [{ value: value - fee, script: SCRIPT }] });
}

/** A node with `count` coins to race for. */
async function withCoins(count: number): Promise<{ node: TestNode; coins: readonly Coin[] }> {
  const node = await TestNode.open();
  const address = addressOfScript(SCRIPT, node.parts.params.prefixes)!;
  const [first] = await node.call<string[]>("generatetoaddress", 101, address);
  const { transactions } = (await node.parts.chain.readBlock(first as BlockHash))!;
  const value = Math.floor((transactions[0]!.value(0) - 1_000_000) / count);
  const input = { txid: transactions[0]!.txid, vout: 0, witness: [REDEEM] };
  const fan = buildTx({ inputs: [input], outputs: Array.from({ length: count }, () => ({ value, script: SCRIPT })) });
  await node.call("sendrawtransaction", bytesToHex(fan.raw), 0);
  await node.call("generatetoaddress", 1, address);
  return { node, coins: Array.from({ length: count }, (_, vout) => ({ txid: fan.txid, vout, value })) };
}

/** Each thread asks for its own of every race, all at the same moment. Answers by race, then by thread. */
async function race(
  node: TestNode,
  method: string,
  wants: readonly (readonly string[])[],
): Promise<readonly (readonly string[])[]> {
  const gates = new SharedArrayBuffer(4 * wants.length);
  const url = await node.url();
  const byThread = await Promise.all(
    Array.from({ length: THREADS }, async (_, who) => {
      const params = wants.map((each) => [each[who]!]);
      const workerData: RaceTask = { url, credentials: CREDENTIALS, method, params, threads: THREADS, gates };
      const worker = new Worker(new URL("./race-worker.ts", import.meta.url), { workerData });
      return await new Promise<string[]>((resolve, reject) => worker.once("message", resolve).once("error", reject));
    }),
  );
  return wants.map((_, index) => byThread.map((answers) => answers[index]!));
}

test("500 races of four threads for one coin through HTTP and pool: one is pooled, and mined; the rest hear of it", async () => {
  const { node, coins } = await withCoins(500);
  await using _ = node;
  const spends = coins.map((coin) => Array.from({ length: THREADS }, (_, who) => spend(coin, who)));
  const answers = await race(
    node,
    "sendrawtransaction",
    spends.map((rivals) => rivals.map(({ raw }) => bytesToHex(raw))),
  );
  const winners = answers.map((heard, index) => {
    const won = heard.flatMap((answer, who) => (answer === spends[index]![who]!.txid ? [who] : []));
    expect(won, JSON.stringify(heard)).toHaveLength(1);
    for (const [who, answer] of heard.entries())
      if (who !== won[0]) expect(answer).toMatch(/^insufficient fee, rejecting replacement/);
    return won[0]!;
  });
  expect(new Set(winners).size).toBeGreaterThan(1);
  expect(node.parts.mempool.size).toBe(500);
  for (const [index, who] of winners.entries()) expect(node.parts.mempool.find(spends[index]![who]!.txid)).toBeDefined();
  await node.call("generatetoaddress", 1, addressOfScript(SCRIPT, node.parts.params.prefixes));
  expect(node.parts.mempool.size).toBe(0);
  const late = await race(
    node,
    "sendrawtransaction",
    spends.map((rivals, index) => rivals.map((_, who) => bytesToHex(rivals[(winners[index]! + 1 + (who % 3)) % THREADS]!.raw))),
  );
  expect(new Set(late.flat())).toEqual(new Set(["bad-txns-inputs-missingorspent"]));
});

test("20 races of four blocks that spend one coin: one connects, the others wait aside, and none may spend it again", async () => {
  const { node, coins } = await withCoins(20);
  await using _ = node;
  const { chain } = node.parts;
  for (const coin of coins) {
    const { height, hash, time } = chain.tip;
    const block = (who: number, on: BlockHash, above: number, tx: Transaction): Block =>
      solveBlock({ prevHash: on, time: (time + above + who) as UnixSeconds }, [
        committingCoinbase(height + above, [tx], 1_000),
        tx,
      ]);
    const rivals = Array.from({ length: THREADS }, (_, who) => block(who, hash, 1, spend(coin, who)));
    const [heard] = await race(node, "submitblock", [rivals.map(({ raw }) => bytesToHex(raw))]);
    expect([...heard!].sort()).toEqual(["inconclusive", "inconclusive", "inconclusive", "ok"]);
    expect(chain.tip.hash).toBe(rivals[heard!.indexOf("ok")]!.hash);
    const again = block(0, chain.tip.hash, 2, spend(coin, THREADS));
    expect(await node.answerTo("submitblock", bytesToHex(again.raw))).toBe("bad-txns-inputs-missingorspent");
    expect(chain.coins.find(rivals[0]!.transactions[1]!.raw, rivals[0]!.transactions[1]!.prevoutOffset(0))).toBeUndefined();
  }
  expect(chain.coins.statistics().conflicts).toBe(0); // Refused by the rules, before the table is asked.
});
