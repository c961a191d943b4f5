import { afterAll, beforeAll, expect, test } from "vitest";
import { solveTemplate, type TemplateJson } from "../mining/template-miner.ts";
import { TestNode } from "./test-node.ts";

const ADDRESS = "bcrt1q7lt0n9fx7lppd3wlvresw35asrdflhr65u6fed";
const SEGWIT = { rules: ["segwit"] };
let node: TestNode;

beforeAll(async () => {
  node = await TestNode.open();
});
afterAll(() => node[Symbol.asyncDispose]());

test("a long-poll is held until the tip moves", async () => {
  const { longpollid } = await node.call<{ longpollid: string }>("getblocktemplate", SEGWIT);
  let isAnswered = false;
  const polling = node.call<{ height: number }>("getblocktemplate", { ...SEGWIT, longpollid }).then((template) => {
    isAnswered = true;
    return template;
  });
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(isAnswered).toBe(false);
  await node.call("generatetoaddress", 1, ADDRESS);
  expect((await polling).height).toBe(node.parts.chain.tip.height + 1);
});

test("a long-poll for a template that is gone is answered at once", async () => {
  const { longpollid } = await node.call<{ longpollid: string }>("getblocktemplate", SEGWIT);
  await node.call("generatetoaddress", 1, ADDRESS);
  await node.call("getblocktemplate", { ...SEGWIT, longpollid });
});

test("long-polls and waiting calls end when the node stops", async () => {
  await using other = await TestNode.open();
  const { longpollid } = await other.call<{ longpollid: string }>("getblocktemplate", SEGWIT);
  const waiting = [other.call("getblocktemplate", { ...SEGWIT, longpollid }), other.call("waitfornewblock")];
  other.api.stop();
  await Promise.all(waiting);
});

test("a miner that knows only the BIPs mines over HTTP: template, submitblock, long-poll for the next", async () => {
  const { height } = node.parts.chain.tip;
  let template = await node.call<TemplateJson & { longpollid: string }>("getblocktemplate", SEGWIT);
  for (let block = 1; block <= 5; block++) {
    const next = node.call<typeof template>("getblocktemplate", { ...SEGWIT, longpollid: template.longpollid });
    const hex = solveTemplate(template);
    expect(await node.call("submitblock", hex)).toBeNull();
    expect(await node.call("submitblock", hex)).toBe("duplicate");
    template = await next;
    expect(template.height).toBe(height + block + 1);
  }
  expect(node.parts.chain.tip.height).toBe(height + 5);
});

test("a proposal is judged without its proof of work, and is not taken in", async () => {
  const { hex, hash } = await node.call<{ hex: string; hash: string }>("generateblock", ADDRESS, [], false);
  const before = node.parts.chain.tip.hash;
  expect(hash).not.toBe(before);
  expect(await node.call("getblocktemplate", { ...SEGWIT, mode: "proposal", data: hex })).toBeNull();
  const flawed = hex.replace(/^(.{72})../, "$1ff"); // A byte of the merkle root.
  expect(await node.call("getblocktemplate", { ...SEGWIT, mode: "proposal", data: flawed })).toBe("bad-txnmrklroot");
  expect(node.parts.chain.tip.hash).toBe(before);
  expect(await node.call("submitblock", hex)).toBeNull();
  expect(await node.call("submitblock", hex)).toBe("duplicate");
});

test("generating again after invalidateblock makes another block", async () => {
  const [first] = await node.call<string[]>("generatetoaddress", 1, ADDRESS);
  await node.call("invalidateblock", first);
  const [second] = await node.call<string[]>("generatetoaddress", 1, ADDRESS);
  expect(second).not.toBe(first);
  expect(await node.call("getbestblockhash")).toBe(second);
  await node.call("reconsiderblock", first);
  expect(await node.call("getbestblockhash")).toBe(first); // As much work, and seen earlier.
});

test("preciousblock makes a block win a tie with one that was seen before it", async () => {
  const blocks = [0, 1].map(() => node.call<{ hex: string; hash: string }>("generateblock", ADDRESS, [], false));
  const [first, second] = (await Promise.all(blocks)) as [{ hex: string; hash: string }, { hex: string; hash: string }];
  expect(await node.call("submitblock", first.hex)).toBeNull();
  expect(await node.call("submitblock", second.hex)).toBe("inconclusive");
  expect(await node.call("preciousblock", second.hash)).toBeNull();
  expect(await node.call("getbestblockhash")).toBe(second.hash);
  expect(await node.call("preciousblock", first.hash)).toBeNull();
  expect(await node.call("getbestblockhash")).toBe(first.hash);
});

test.each([
  ["preciousblock", ["00".repeat(32)], { code: -5, message: "Block not found" }],
  ["generatetoaddress", [1, "nonsense"], { code: -5, message: "Error: Invalid address" }],
  ["getblocktemplate", [{}], { code: -8, message: expect.stringContaining("segwit rule set") }],
  ["getblocktemplate", [{ ...SEGWIT, mode: "x" }], { code: -8, message: "Invalid mode" }],
  ["getblocktemplate", [{ ...SEGWIT, longpollid: "x" }], { code: -8, message: "Invalid longpollid" }],
  ["getnetworkhashps", [0], { code: -8, message: "Invalid nblocks. Must be a positive number or -1." }],
  ["waitfornewblock", [-1], { code: -1, message: "Negative timeout" }],
])("%s %j is refused", async (method, params, error) => {
  expect(await node.answerTo(method, ...params)).toEqual(error);
});
