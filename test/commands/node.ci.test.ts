import { afterEach, beforeEach, expect, test } from "vitest";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
beforeEach(() => {
  user = new CliUser(fastestEntry());
});
afterEach(() => user[Symbol.dispose]());

type Started = ReturnType<CliUser["start"]>;

/** The first line on stdout. */
async function firstLine({ child, ended }: Started): Promise<string> {
  let out = "";
  const line = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes("\n")) resolve(out.slice(0, out.indexOf("\n")));
    });
  });
  return await Promise.race([line, ended.then(({ code, err }) => Promise.reject(new Error(`ended with ${code}: ${err}`)))]);
}

const startNode = async (...flags: string[]) => {
  const started = user.start(["node", "--api-port", "0", "--p2p-port", "0", "--json", ...flags]);
  const ready = JSON.parse(await firstLine(started)) as {
    node: string;
    api: string;
    height: number;
    tip: string;
    cookie: string;
    socket: string;
  };
  return { ...started, ready };
};

test("a node says ready once it answers, and SIGTERM ends it with 0", async () => {
  const { child, ended, ready } = await startNode();
  expect(ready).toMatchObject({
    node: "core0",
    session: "default",
    height: 0,
    api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
  });
  expect(await (await fetch(`${ready.api}/status`)).json()).toMatchObject({ height: 0 });
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0, err: "" });
});

test("Ctrl-C ends a node with 130, and says nothing more", async () => {
  const { child, ended } = await startNode();
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 130, err: "" });
});

test("node stop ends the node and waits for it", async () => {
  const { ended } = await startNode();
  expect(await user.run("node", "stop")).toMatchObject({ code: 0, out: "core0 has stopped\n", err: "" });
  expect(await ended).toMatchObject({ code: 0, err: "" });
  expect(await user.run("node", "stop")).toMatchObject({ code: 69 });
});

test("mining for a node that runs leaves it running; blocks survive kill -9", async () => {
  const { child, ended, ready } = await startNode();
  const mined = await user.run("mine", "--blocks", "5", "--threads", "1", "--json");
  expect(mined).toMatchObject({ code: 0, err: "" });
  const last = JSON.parse(mined.out.trim().split("\n").at(-1)!) as { height: number; hash: string };
  expect(last).toMatchObject({ event: "block", height: 5, accepted: true });
  expect(await (await fetch(`${ready.api}/status`)).json()).toMatchObject({ height: 5 });
  const piped = await user.run("mine", "--blocks", "1", "--threads", "1"); // JSON only where it was asked for.
  expect(piped.out).toMatch(/^block 6 {2}[0-9a-f]{64}\n$/);
  child.kill("SIGKILL");
  await ended;
  expect(await user.run("chain", "info")).toMatchObject({ code: 69 });
  const again = await startNode();
  expect(again.ready).toMatchObject({ node: "core0", height: 6, tip: piped.out.slice(-65, -1) });
  again.child.kill("SIGTERM");
  await again.ended;
});

test("a second node of the session gets the next id; a taken id and a taken port are refused", async () => {
  const first = await startNode();
  const second = await startNode();
  expect([first.ready.node, second.ready.node]).toEqual(["core0", "core1"]);
  const sameId = await user.run("node", "--node-id", "core0");
  expect(sameId).toMatchObject({ code: 1, out: "" });
  expect(sameId.err).toContain("--node-id");
  const port = new URL(first.ready.api).port;
  expect(await user.run("node", "--api-port", port)).toMatchObject({ code: 1, err: expect.stringContaining(`port ${port}`) });
  for (const { child, ended } of [first, second]) {
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
  }
});

test("coins are mined, sent, mined in and found again", async () => {
  const node = await startNode();
  expect(await user.run("mine", "--blocks", "101", "--json")).toMatchObject({ code: 0 });
  const to = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
  const sent = await user.run("tx", "send", to, "1.5");
  expect(sent.code).toBe(0);
  const txid = sent.out.trim();
  expect((await user.run("mempool")).out).toContain(txid);
  expect(await user.run("mine", "--blocks", "1", "--json")).toMatchObject({ code: 0 });
  expect((await user.run("chain", "coins", to)).out).toContain(`${txid}:`);
  expect((await user.run("tx", "show", txid)).out).toContain("in block 102, 1 confirmations");
  expect(await user.run("tx", "send", to, "5000")).toMatchObject({ code: 1, err: expect.stringContaining("to spend") });
  expect(await user.run("tx", "send", "nobody", "1")).toMatchObject({
    code: 2,
    err: expect.stringContaining("no address of regtest"),
  });
  node.child.kill("SIGTERM");
  await node.ended;
});

test.each([
  ["an unknown network", ["node", "--network", "mars"], 2, /mars/],
  ["a log area that is none", ["node", "--log-level", "moon=debug"], 2, /no part of a node that logs/],
  ["no threads", ["mine", "--threads", "0"], 2, /threads/],
  ["a block time that is none", ["mine", "--block-time", "soon"], 2, /no time in seconds/],
  [
    "an address of another network",
    ["mine", "--blocks", "1", "--address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"],
    2,
    /address/,
  ],
  ["a block file that is missing", ["chain", "import", "missing.dat"], 1, /missing\.dat/],
])("%s is refused with its reason", async (_what, args, status, words) => {
  const { code, out, err } = await user.run(...args);
  expect({ code, out }).toEqual({ code: status, out: "" });
  expect(err).toMatch(words);
  expect(err).not.toMatch(/\n\s+at /);
});
