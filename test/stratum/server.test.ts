import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type StratumOptions, StratumServer } from "../../src/core/stratum/server.ts";
import { ShareLedger } from "../../src/core/stratum/share-ledger.ts";
import { FakeChain } from "../fakes/fake-chain.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { StratumClient } from "./stratum-client.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Shares take about 50 hashes of a miner that is taken to do 10 a second; blocks come at the chain's own target unless told. */
async function serve(options: Partial<StratumOptions> = {}) {
  const chain = new FakeChain();
  const ledger = await ShareLedger.open();
  let prefix = 0x01020300;
  let passedMs = 0;
  const server = new StratumServer(
    { host: "127.0.0.1", port: 0, rateGuess: 10, blockTimeSeconds: 0, ...options },
    {
      source: async () => chain.candidate(),
      submit: async (block) => {
        const reason = chain.submit(block);
        return reason === undefined ? { accepted: true } : { accepted: false, reason };
      },
      reservePrefix: () => ++prefix,
      clock: { nowMs: () => chain.nowSeconds * 1000, monotonicMs: () => performance.now() + passedMs },
      log: new QuietLog(),
      ledger,
    },
  );
  const { port } = await server.listen();
  open.push(server);
  const join = async () => {
    const client = await StratumClient.connect(port);
    open.push(client);
    return client;
  };
  const pass = (ms: number) => {
    passedMs += ms;
  };
  return { chain, server, ledger, join, port, pass };
}

test("a miner that knows only the protocol mines blocks, each new job cleaning out the old", async () => {
  const { chain, ledger, join, server } = await serve();
  const miner = await (await join()).begin();
  for (let height = 1; height <= 3; height++) {
    const job = miner.nextJob();
    expect(await miner.submit(miner.job, miner.solve(miner.job))).toMatchObject({ result: true, error: null });
    await job;
    expect(chain.tip.height).toBe(height);
    expect(miner.job.clean).toBe(true);
  }
  expect(ledger.get("alice.1")).toMatchObject({ accepted: 3, blocks: 3, rejected: 0, lastShare: chain.nowSeconds });
  expect(server.miners).toBe(1);
});

test("two miners have different extranonces, and an extranonce2 of their own choice", async () => {
  const { chain, join } = await serve();
  const [one, two] = [await (await join()).begin("a"), await (await join()).begin("b")];
  expect(one.extranonce1).not.toBe(two.extranonce1);
  const job = one.nextJob();
  await two.submit(two.job, two.solve(two.job, "deadbeef"), { worker: "b", extranonce2: "deadbeef" });
  await job; // The other is told of the new tip too.
  expect(chain.tip.height).toBe(1);
});

test("where blocks keep a pace, easy shares count as shares and are not handed in as blocks", async () => {
  const { chain, ledger, join } = await serve({ blockTimeSeconds: 1e9 });
  const miner = await (await join()).begin();
  for (let round = 0; round < 5; round++) {
    const extranonce2 = `0000000${round}`;
    expect(await miner.submit(miner.job, miner.solve(miner.job, extranonce2), { extranonce2 })).toMatchObject({ result: true });
  }
  expect(chain.tip.height).toBe(0);
  expect(ledger.get("alice.1")).toMatchObject({ accepted: 5, blocks: 0 });
});

test("shares that are none are refused with the protocol's numbers", async () => {
  const { chain, server, ledger, join } = await serve({ blockTimeSeconds: 1e9 });
  const miner = await join();
  const early = {
    id: "1",
    prevHash: "",
    coinbase1: "",
    coinbase2: "",
    branch: [],
    version: "",
    bits: "",
    time: "00000000",
    clean: true,
  };
  expect(await miner.submit(early, "00000000")).toMatchObject({ error: [25, "Not subscribed", null] });
  await miner.begin();
  const { job } = miner;
  const nonce = miner.solve(job);
  expect(await miner.submit(job, nonce, { worker: "mallory" })).toMatchObject({ error: [24, "Unauthorized worker", null] });
  expect(await miner.submit(job, nonce)).toMatchObject({ result: true });
  expect(await miner.submit(job, nonce)).toMatchObject({ error: [22, "Duplicate share", null] });
  expect(await miner.submit(job, miner.solve(job, "00000000", false))).toMatchObject({
    error: [23, "Low difficulty share", null],
  });
  expect(await miner.submit(job, nonce, { time: "ffffffff" })).toMatchObject({ error: [20, "ntime out of range", null] });
  chain.extend();
  const next = miner.nextJob();
  server.tipChanged();
  await next;
  expect(await miner.submit(job, miner.solve(job, "00000001"), { extranonce2: "00000001" })).toMatchObject({
    error: [21, "Job not found (=stale)", null],
  });
  expect(ledger.get("alice.1")).toMatchObject({ accepted: 1, rejected: 4 });
});

test("wrong types and unknown methods are answered, and the connection goes on", async () => {
  const { join } = await serve();
  const miner = await join();
  for (const [method, params] of [
    ["mining.submit", ["a"]],
    ["mining.submit", ["a", "1", 5, {}, null]],
    ["mining.authorize", []],
    ["mining.authorize", ["x".repeat(1_000)]],
    ["mining.subscribe", { 0: "x" }],
    ["eth_submitWork", []],
  ] as const) {
    expect(await miner.call(method, params)).toMatchObject({ result: null, error: [20, expect.any(String), null] });
  }
  expect(await miner.call("mining.configure", [["version-rolling"], {}])).toMatchObject({ result: { "version-rolling": false } });
  await miner.begin();
  expect(await miner.call("mining.subscribe", [])).toMatchObject({ error: [20, "subscribed already", null] });
});

test.each([
  ["what is no JSON", "GET / HTTP/1.1\n"],
  ["JSON that is no message", "[1,2]\n"],
  ["a line without end", "x".repeat(20_000)],
  ["a flood", '{"id":1,"method":"mining.configure","params":[]}\n'.repeat(2_000)],
])("a connection that sends %s is closed, and others go on", async (_, text) => {
  const { join } = await serve();
  const other = await (await join()).begin();
  const bad = await join();
  bad.write(text);
  await bad.closed;
  expect(await other.submit(other.job, other.solve(other.job))).toMatchObject({ result: true });
});

test("a connection that never subscribes is closed", async () => {
  const { join } = await serve({ subscribeMsMax: 20 });
  const mute = await join();
  await mute.closed;
});

test("an address has only so many connections", async () => {
  const { join, server } = await serve({ connectionsPerAddressMax: 2 });
  await (await join()).begin();
  const second = await (await join()).begin();
  await (await join()).closed;
  second.close();
  while (server.miners > 1) await setImmediate();
  await (await join()).begin();
});

test("a miner that comes back to its session has its extranonce again, but not while another uses it", async () => {
  const { join, server } = await serve();
  const first = await (await join()).begin("a");
  const rival = await (await join()).begin("b", first.session);
  expect(rival.extranonce1).not.toBe(first.extranonce1);
  first.close();
  while (server.miners > 1) await setImmediate();
  const again = await (await join()).begin("a", first.session);
  expect(again.extranonce1).toBe(first.extranonce1);
});

test("a miner faster than it was taken for is sent a higher difficulty, and what it had begun at the old one still counts", async () => {
  const { join, ledger, pass } = await serve({ blockTimeSeconds: 1e9 });
  const miner = await (await join()).begin();
  const before = miner.difficulty;
  const submit = (round: number) => {
    const extranonce2 = round.toString(16).padStart(8, "0");
    return miner.submit(miner.job, miner.solve(miner.job, extranonce2), { extranonce2 });
  };
  for (let round = 0; round < 8; round++) expect(await submit(round)).toMatchObject({ result: true });
  const onItsWay = { job: miner.job, nonce: miner.solve(miner.job, "000000ff") };
  const harder = miner.next(({ method }) => method === "mining.set_difficulty");
  const job = miner.nextJob();
  pass(1_000); // Eight shares in a second, where one in five was wanted.
  await harder;
  await job;
  expect(miner.difficulty).toBeGreaterThan(2 * before);
  expect(miner.job.clean).toBe(false);
  expect(await miner.submit(onItsWay.job, onItsWay.nonce, { extranonce2: "000000ff" })).toMatchObject({ result: true });
  expect(ledger.get("alice.1")).toMatchObject({ accepted: 9, rejected: 0 });
});

test("a miner that hangs up one half of its connection is let go, and one that says nothing for long too", async () => {
  const { join, server, pass } = await serve();
  const halfOpen = await (await join()).begin();
  halfOpen.hangUp();
  await halfOpen.closed;
  const silent = await (await join()).begin();
  pass(300_000);
  const talking = await (await join()).begin();
  pass(300_001);
  await silent.closed;
  expect(await talking.submit(talking.job, talking.solve(talking.job))).toMatchObject({ result: true });
  talking.close();
  while (server.miners > 0) await setImmediate();
});

test("beyond so many connections in all nobody is let in", async () => {
  const { join } = await serve({ connectionsMax: 1 });
  const first = await (await join()).begin();
  await (await join()).closed;
  expect(await first.submit(first.job, first.solve(first.job))).toMatchObject({ result: true });
});

test("a port that is taken is an error of its own", async () => {
  const { port } = await serve();
  await expect(serve({ port })).rejects.toMatchObject({ code: "stratum-port" });
});
