import Client from "bitcoin-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CREDENTIALS, TestNode } from "./test-node.ts";

/*
 * npm's bitcoin-core client, unmodified. It reads error codes only under the exact type application/json.
 */
const ADDRESS = "bcrt1q7lt0n9fx7lppd3wlvresw35asrdflhr65u6fed";
const [username, password] = CREDENTIALS.split(":") as [string, string];
let node: TestNode;
let client: Client;

beforeAll(async () => {
  node = await TestNode.open();
  client = new Client({ host: await node.url(), username, password });
});
afterAll(() => node[Symbol.asyncDispose]());

test("it mines, reads blocks and hears of errors by Bitcoin Core's codes", async () => {
  const hashes = (await client.command("generatetoaddress", 3, ADDRESS)) as string[];
  expect(await client.command("getblockcount")).toBe(3);
  expect(await client.command("getbestblockhash")).toBe(hashes[2]);
  const block = (await client.command("getblock", hashes[0], 2)) as { height: number; tx: { vout: { value: number }[] }[] };
  expect([block.height, block.tx[0]!.vout[0]!.value]).toEqual([1, 50]);
  await expect(client.command("getblockhash", 99)).rejects.toMatchObject({ code: -8, message: "Block height out of range" });
  await expect(client.command("sendrawtransaction", "00")).rejects.toMatchObject({ code: -22 });
  await expect(client.command("getblock", "0".repeat(64))).rejects.toMatchObject({ code: -5, message: "Block not found" });
  await expect(client.command("estimatepriority")).rejects.toMatchObject({ code: -32601, message: "Method not found" });
});

test("it sends named parameters and batches", async () => {
  const modern = new Client({ host: await node.url(), username, password, version: "0.21.0" }); // Older ones have no names.
  expect(await modern.command("getblockhash", { height: 0 })).toBe(node.parts.chain.genesis.hash);
  const answers = await client.command([
    { method: "getblockcount", parameters: [] },
    { method: "getblockhash", parameters: [99] },
  ]);
  expect(answers).toMatchObject([3, { code: -8 }]);
});

test("wrong credentials are refused", async () => {
  const stranger = new Client({ host: await node.url(), username, password: "wrong" });
  await expect(stranger.command("getblockcount")).rejects.toMatchObject({ code: 401 });
});
