import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Network, type NodeProcess, until } from "./network.ts";

const SECONDS = Number(process.env["NETWORK_SECONDS"] ?? 60);

async function mineFor(node: NodeProcess, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let blocks = 0;
  for (; performance.now() < end; blocks++) {
    await node.mine(1);
    await sleep(300);
  }
  return blocks;
}

test("eight nodes in eight processes have one tip soon, and again after a minute of mining over a bad network", async () => {
  const from = performance.now();
  await using network = await Network.start(8);
  const { nodes } = network;
  await nodes[0]!.mine(1);
  await network.untilAgreed();
  console.log(`eight nodes: one tip ${(performance.now() - from).toFixed(0)} ms after the start of the first`);
  await network.untilLinked(1);
  await Promise.all(nodes.map((node) => node.fault("delay", { delayMs: 100 })));
  await Promise.all(nodes.map((node) => node.fault("drop", { drop: 0.05 })));
  const mined = await Promise.all([mineFor(nodes[1]!, SECONDS * 1_000), mineFor(nodes[6]!, SECONDS * 1_000)]);
  const ended = performance.now();
  // Two branches with the same work both stay, as everywhere: once all have heard of all, one more block decides.
  await until("one height", async () => new Set(await Promise.all(nodes.map((node) => node.height()))).size === 1);
  await nodes[1]!.mine(1);
  await network.untilAgreed();
  const ms = performance.now() - ended;
  console.log(
    `eight nodes: ${mined.join(" + ")} blocks mined, height ${await nodes[0]!.height()}, one tip ${ms.toFixed(0)} ms after the end`,
  );
  expect(await nodes[0]!.height()).toBeGreaterThan(Math.max(...mined) - 1);
  expect(new Set(await Promise.all(nodes.map((node) => node.coins()))).size).toBe(1);
});

test("two sides of a partition with conflicting payments agree when it is healed, and lose no payment that can stand", async () => {
  await using network = await Network.start(5);
  const { nodes } = network;
  await network.untilLinked(1);
  await nodes[0]!.mine(110);
  const { accounts } = await nodes[0]!.admin.get<{ accounts: { address: string }[] }>("/v1/accounts");
  await nodes[0]!.admin.post("/v1/send", { to: accounts[1]!.address, amountSats: 1e8, from: 0 });
  await nodes[0]!.mine(1);
  await network.untilAgreed();
  const [left, right] = [nodes.slice(0, 2), nodes.slice(2)];
  for (const here of left) for (const there of right) await here.fault("partition", { peer: there.id });
  for (const here of right) for (const there of left) await here.fault("partition", { peer: there.id });

  // Each side spends 400 of the account's about 500: whatever coins they take, some are the same, and only one can stand.
  const pay = async (node: NodeProcess, from: number, amountSats: number) => {
    const to = await node.rpc<string>("getnewaddress");
    return (await node.admin.post<{ txid: string }>("/v1/send", { to, amountSats, from })).txid;
  };
  const [a, b] = [left[0]!, right[0]!];
  const onLeft = await pay(a, 0, 400e8);
  const onRight = await pay(b, 0, 400e8);
  const kept = await pay(left[1]!, 1, 0.5e8);
  await until("the payments have gone round their side", async () => {
    const pools = await Promise.all([...left, ...right].map((node) => node.rpc<string[]>("getrawmempool")));
    return (
      pools.slice(0, 2).every((pool) => pool.includes(onLeft) && pool.includes(kept)) &&
      pools.slice(2).every((pool) => pool.includes(onRight))
    );
  });
  await a.mine(12);
  await b.mine(15);
  await Promise.all([network.untilAgreed(left), network.untilAgreed(right)]);
  expect(await a.tip()).not.toBe(await b.tip());

  await Promise.all(nodes.map((node) => node.fault("heal")));
  const ms = await network.untilAgreed();
  console.log(`partition: one tip ${ms.toFixed(0)} ms after healing`);
  expect(await a.height()).toBe(126);
  await until("what was displaced waits again, everywhere", async () => {
    const pools = await Promise.all(nodes.map((node) => node.rpc<string[]>("getrawmempool")));
    return pools.every((pool) => pool.includes(kept) && !pool.includes(onLeft));
  });
  expect((await a.rpc<{ confirmations: number }>("getrawtransaction", onRight, true)).confirmations).toBe(15);
  await b.mine(1);
  await network.untilAgreed();
  await until("it is mined", async () => (await a.rpc<string[]>("getrawmempool")).length === 0);
  expect(new Set(await Promise.all(nodes.map((node) => node.coins()))).size).toBe(1);
});

test("kill -9 of either side during a synchronisation: it goes on where it was, and nothing connected is fetched again", async () => {
  await using network = await Network.start(1);
  await network.nodes[0]!.mine(1_500);
  let before = 0;
  for (let round = 0; round < 6; round++) {
    const follower = await network.revive("core1");
    expect(await follower.height()).toBeGreaterThanOrEqual(before); // Nothing that was connected is lost.
    await until("it has got on", async () => (await follower.height()) >= Math.min(1_500, before + 100));
    before = await follower.height();
    await network.nodes[round % 2]!.kill(); // Each side in turn; the other one goes on by itself.
    if (round % 2 === 0) await network.revive("core0");
    else continue;
    await until(
      "it has got on with a source that is back",
      async () => (await follower.height()) >= Math.min(1_500, before + 50),
    );
    before = await follower.height();
    await follower.kill();
  }
  const follower = await network.revive("core1");
  await network.untilAgreed();
  await until("it is linked", async () => (await follower.peers()).peers.length > 0);
  const { bytesReceived } = (await follower.peers()).peers[0]!;
  const size = (await follower.rpc<{ size_on_disk: number }>("getblockchaininfo")).size_on_disk;
  const share = (1_500 - before) / 1_500;
  console.log(`killed six times at heights up to ${before}: then ${bytesReceived} bytes for the rest of a chain of ${size}`);
  expect(bytesReceived).toBeLessThan(size * share + 500_000); // Headers, pings and the requests that were under way.
  expect(await follower.coins()).toBe(await network.nodes[0]!.coins());
});

test("a dead peer leaves the active set, and one that returns is linked again", async () => {
  await using network = await Network.start(3);
  await network.untilLinked(2);
  const gone = network.nodes[2]!;
  const from = performance.now();
  await gone.kill();
  await until("it is gone", async () => (await network.nodes[0]!.peers()).peers.every(({ node }) => node !== "core2"));
  console.log(`a killed peer was gone after ${(performance.now() - from).toFixed(0)} ms`);
  const back = performance.now();
  await network.revive("core2");
  await until("it is back", async () => (await network.nodes[0]!.peers()).peers.some(({ node }) => node === "core2"));
  console.log(`it was back ${(performance.now() - back).toFixed(0)} ms after its start`);
});
