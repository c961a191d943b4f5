import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAdminServer, serveAdmin } from "../../src/core/api/admin-server.ts";
import { AdminClient } from "../../src/core/client/admin-client.ts";
import type {
  BlockAnswer,
  ChainInfo,
  CoinsAnswer,
  MempoolAnswer,
  NodeEvent,
  TransactionAnswer,
} from "../../src/core/client/answers.ts";
import { TestNode } from "./test-node.ts";

const ADDRESS = "bcrt1q7lt0n9fx7lppd3wlvresw35asrdflhr65u6fed";
let node: TestNode;
let server: RunningAdminServer;
let client: AdminClient;

beforeAll(async () => {
  node = await TestNode.open();
  server = await serveAdmin(node.api, { socketPath: join(node.directory, "admin.sock") });
  client = new AdminClient(server.path, "the node of this test");
  await node.call("generatetoaddress", 3, ADDRESS);
});
afterAll(async () => {
  node.api.stop();
  await server.close();
  await node[Symbol.asyncDispose]();
});

test("the chain, its blocks, transactions and coins are told without credentials", async () => {
  const chain = await client.get<ChainInfo>("/v1/chain");
  expect(chain).toMatchObject({
    network: "regtest",
    height: 3,
    coins: 3,
    tips: [{ height: 3, branchLength: 0, status: "active" }],
  });
  const block = await client.get<BlockAnswer>("/v1/blocks/2");
  expect(block).toMatchObject({ height: 2, confirmations: 2, previous: node.parts.chain.atHeight(1)!.hash, next: chain.tip });
  expect(await client.get(`/v1/blocks/${block.hash}`)).toEqual(block);
  const tx = await client.get<TransactionAnswer>(`/v1/transactions/${block.transactions[0]}`);
  expect(tx).toMatchObject({
    block: { height: 2, confirmations: 2 },
    inputs: [{ coinbase: true }],
    outputs: [{ address: ADDRESS }, {}],
  });
  const coins = await client.get<CoinsAnswer>(`/v1/coins/${ADDRESS}`);
  expect([coins.totalSats, coins.coins.map(({ height }) => height).toSorted()]).toEqual([15_000_000_000, [1, 2, 3]]);
  expect(await client.get<MempoolAnswer>("/v1/mempool")).toMatchObject({ transactions: 0, entries: [] });
});

test.each([
  ["/v1/blocks/99", "unknown-block"],
  ["/v1/blocks/xyz", "unknown-block"],
  ["/v1/transactions/00", "unknown-transaction"],
  ["/v1/coins/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bad-address"],
  ["/v1/work?address=nonsense", "bad-address"],
  ["/v1/nosuch", "not-found"],
  ["/v1/accounts", "not-found"],
])("%s is refused as %s", async (path, code) => {
  await expect(client.get(path)).rejects.toMatchObject({ code });
});

test("a block is taken as bytes, and said why when it is not", async () => {
  const { hash } = node.parts.chain.tip;
  const block = (await node.parts.chain.readBlock(hash))!;
  expect(await client.post("/v1/blocks", block.raw)).toEqual({ accepted: false, reason: "duplicate" });
  await expect(client.post("/v1/blocks", new Uint8Array(10))).rejects.toMatchObject({ code: "decode-truncated" });
});

test("events of a reorganisation come in order", async () => {
  const before = node.parts.events.sequence;
  const lines = client.lines<NodeEvent>(`/v1/events?since=${before}`);
  const [first, second] = [node.parts.chain.atHeight(2)!.hash, node.parts.chain.tip.hash];
  await node.call("invalidateblock", first);
  await node.call("generatetoaddress", 1, ADDRESS);
  const seen: string[] = [];
  for await (const event of lines) {
    seen.push(`${event.event} ${"hash" in event ? event.hash : ""}`);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([
    `block-disconnected ${second}`,
    `block-disconnected ${first}`,
    `block-connected ${node.parts.chain.tip.hash}`,
  ]);
});

test("work comes as lines, one at once and one with each new tip", async () => {
  const heights: number[] = [];
  for await (const { height } of client.lines<{ height: number }>(`/v1/work?address=${ADDRESS}`)) {
    heights.push(height);
    if (heights.length === 2) break;
    await node.call("generatetoaddress", 1, ADDRESS);
  }
  expect(heights[1]).toBe(heights[0]! + 1);
});

test("the locks are shown with their figures", async () => {
  const { lock_stats } = await client.get<{ lock_stats: Record<string, { acquisitions: number }> }>("/v1/locks");
  expect(lock_stats["chain"]!.acquisitions).toBeGreaterThan(0);
  expect(Object.keys(await client.get<object>("/v1/locks/graph"))).toEqual(["owners", "edges"]);
});

test("stop answers before the node begins to close", async () => {
  expect(await client.post("/v1/stop", {})).toEqual({});
  while (!node.isStopped) await new Promise(setImmediate);
});
