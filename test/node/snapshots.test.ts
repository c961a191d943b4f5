import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminClient, type RestoreAnswer, type RunningNode, type SnapshotsAnswer, startNode } from "../../src/core/index.ts";
import { decodeAddress } from "../../src/core/primitives/address.ts";
import { sats } from "../../src/core/primitives/units.ts";

let home: string;
let node: RunningNode;
let client: AdminClient;

async function start(): Promise<void> {
  node = await startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0 });
  client = new AdminClient(node.status().socket, "node core0");
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "snapshots-"));
  await start();
});
afterEach(async () => {
  await node.stop();
  await rm(home, { recursive: true, force: true });
});

/** Blocks that pay to the node's account. */
async function mine(count: number): Promise<void> {
  const script = node.accounts.firstScript();
  for (let i = 0; i < count; i++) await node.parts.locks.task("test", (at) => node.mining.mineNow(at, { script }));
}

const save = (name: string, height?: number) => client.post("/v1/snapshots/save", { name, height });
const restore = (name: string) => client.post<RestoreAnswer>("/v1/snapshots/restore", { name });
const list = () => client.get<SnapshotsAnswer>("/v1/snapshots");
const failure = (code: string) => expect.objectContaining({ code });

test("a payment of a block that is taken back waits in the pool again, and is mined on the restored tip", async () => {
  await mine(101);
  await save("before");
  const to = decodeAddress("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", node.parts.params.prefixes);
  if ("error" in to) throw new Error(to.error);
  const request = { script: to.script, amount: sats(1_000_000) };
  const { txid } = await node.parts.locks.task("test", (at) => node.accounts.send(at, request));
  await mine(2);
  const left = node.parts.chain.tip;
  expect(node.parts.mempool.size).toBe(0);
  expect(await restore("before")).toMatchObject({
    height: 101,
    disconnected: 2,
    connected: 0,
    pooled: 1,
    parked: { hash: left.hash, height: 103, restoredHeight: 101 },
  });
  expect(node.parts.mempool.find(txid)).toBeDefined();
  await node.stop();
  await start();
  expect([node.parts.chain.tip.height, node.parts.mempool.size]).toEqual([101, 1]);
  await mine(1);
  expect(node.parts.chain.tip.height).toBe(102);
  const place = await node.parts.chain.findTransaction(txid);
  expect(place?.block).toBe(node.parts.chain.tip.hash);
  expect((await list()).parked).toMatchObject({ height: 103 });
  await mine(2);
  expect((await list()).parked).toBeNull();
});

test("whoever listens is told of each block that is taken back, and miners of the new tip", async () => {
  await mine(3);
  await save("three");
  await mine(2);
  const events: string[] = [];
  node.parts.events.follow(node.parts.events.sequence, ({ event }) => {
    events.push(event);
    return true;
  });
  const work = node.mining.jobs(undefined, AbortSignal.timeout(4_000)); // New work comes every 5 s whatever happens.
  const first = (await work.next()).value as { height: number };
  const next = work.next();
  await restore("three");
  expect(events).toEqual(["block-disconnected", "block-disconnected"]);
  const second = (await next).value as { height: number };
  expect([first.height, second.height]).toEqual([6, 4]);
  await work.return(undefined);
});

test("snapshots are listed with the way to them; wrong requests are refused with their codes", async () => {
  await mine(4);
  await save("four");
  await save("two", 2);
  await restore("two");
  expect((await list()).snapshots).toMatchObject([
    { name: "four", height: 4, active: false, back: 0, forward: 2 },
    { name: "two", height: 2, active: true, back: 0, forward: 0 },
  ]);
  await expect(save("two")).rejects.toEqual(failure("snapshot-exists"));
  await expect(save("a/b")).rejects.toEqual(failure("bad-snapshot-name"));
  await expect(save("nine", 9)).rejects.toEqual(failure("unknown-block"));
  await expect(save("x", -1)).rejects.toEqual(failure("bad-request"));
  await expect(restore("x")).rejects.toEqual(failure("unknown-snapshot"));
  await expect(client.post("/v1/snapshots/drop", { name: "x" })).rejects.toEqual(failure("unknown-snapshot"));
  await client.post("/v1/snapshots/drop", { name: "two" });
  expect((await list()).snapshots.map(({ name }) => name)).toEqual(["four"]);
});
