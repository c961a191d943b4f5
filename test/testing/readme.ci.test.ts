import { expect, test } from "vitest";
import { startSession } from "../../src/core/testing.ts";

test("the README's example: a payment arrives", async () => {
  await using net = await startSession({ nodes: 3 });
  const [alice, bob] = net.nodes;
  await alice!.mine(101);
  await net.agree();
  await alice!.rpc("sendtoaddress", await bob!.rpc("getnewaddress"), 1.5);
  await alice!.mine(1);
  await net.agree();
  expect(await bob!.rpc("getbalance")).toBe(1.5);
});
