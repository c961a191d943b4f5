import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REGTEST } from "../../../src/core/consensus/params.ts";
import { type RunningNode, startNode } from "../../../src/core/index.ts";
import { encodeAnnouncement } from "../../../src/core/peers/announcement.ts";
import { encodeBodies } from "../../../src/core/peers/bodies-message.ts";
import { PEER_LIMITS } from "../../../src/core/peers/listener.ts";
import type { BlockHash } from "../../../src/core/primitives/units.ts";
import { RandomTree } from "../../chain/random-tree.ts";
import { fakeTxid } from "../../support/build-block.ts";
import { until } from "../sync/sync-node.ts";
import { Station } from "../transport-pair.ts";
import { intrude, say, villains } from "./villains.ts";

const SOCKETS = 1_000;
const PER_ADDRESS = PEER_LIMITS.connectionsPerAddressMax!;

/** Asks a node's API without pause until it is told to end; every answer must be one. */
async function askAllTheTime(node: RunningNode, hasEnded: () => boolean): Promise<number> {
  const { urls, cookie } = node.status();
  const authorization = `Basic ${Buffer.from(await readFile(cookie, "utf8")).toString("base64")}`;
  let calls = 0;
  while (!hasEnded()) {
    for (const method of ["getblockcount", "getpeerinfo", "getmempoolinfo"]) {
      const answer = await fetch(urls.api!, { method: "POST", body: JSON.stringify({ method }), headers: { authorization } });
      expect([answer.status, ((await answer.json()) as { error: unknown }).error]).toEqual([200, null]);
      calls++;
    }
  }
  return calls;
}

/** Sockets that say nothing; the port cuts all but as many as it grants one address. */
async function crowd(stack: AsyncDisposableStack, url: string): Promise<void> {
  const sockets: Socket[] = [];
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
  });
  let settled = 0;
  for (let number = 0; number < SOCKETS; number++) {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    sockets.push(socket.on("error", () => undefined));
    socket.once("close", () => settled++);
  }
  await until("cut", () => settled >= SOCKETS - PER_ADDRESS);
}

test("a node under attack answers its API, keeps what is sound, and keeps each villain out under the right name", async () => {
  const home = await mkdtemp(join(tmpdir(), "hostile-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const start = (more: object) => startNode({ home, apiPort: 0, p2pPort: 0, verifiers: 0, log: { level: "warn" }, ...more });
  const node = stack.adopt(await start({ session: "attacked" }), (node) => node.stop());
  const p2p = node.status().urls.p2p!;
  let isOver = false;
  const calls = askAllTheTime(node, () => isOver);
  calls.catch(() => undefined); // Awaited below.

  const tree = new RandomTree(5, REGTEST);
  const sound = Array.from({ length: 9 }, () => tree.extend(tree.branches.at(-1)!, false, 0).block);
  const bad = tree.extend(tree.branches.at(-1)!, true, 0).block;
  const reasons: string[] = [];
  await using attack = new AsyncDisposableStack();
  for (const [reason, answers] of Object.entries(villains(sound, bad))) {
    const link = await intrude(attack, p2p, reason, answers, [...sound, bad]);
    reasons.push(reason);
    await link.closed;
    const again = await intrude(attack, p2p, reason, answers, sound).then(
      (link) => link.closed, // It came in before the ban was written, and goes with it.
      ({ message }: Error) => message,
    );
    expect(again).toMatch(/banned until|ended/);
  }
  const flood = await intrude(attack, p2p, "flood", { "get-transactions": () => encodeBodies([]) }, sound);
  const news = encodeAnnouncement({ txids: Array.from({ length: 2_000 }, (_, number) => fakeTxid(number + 1)) });
  for (let round = 0; round < 60; round++) await flood.request("announce", news).catch(() => undefined);
  await flood.closed;

  const strange = stack.use(new Station("strange"));
  strange.self = { ...strange.self, genesis: "ee".repeat(32) as BlockHash };
  await expect(strange.transport.dial(p2p)).rejects.toThrow("another network");
  const huge = "POST /p2p/v1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\nchaincore-peer: 1\r\nContent-Length: 900000000\r\n\r\n{";
  const heard = await Promise.all([
    say(p2p, "\0\xff\x16\x03garbage\r\n\r\n"),
    say(p2p, huge),
    say(p2p, `GET /${"x".repeat(20_000)}`),
  ]);
  expect(heard.map((text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]))).toEqual([400, 413, 431]);
  await crowd(attack, p2p);
  await attack.disposeAsync();

  await until("nobody is left", () => node.status().peers === 0);
  expect(node.parts.chain.tip.hash).toBe(sound.at(-1)!.hash);

  const friend = stack.adopt(await start({ session: "friend", connect: [p2p] }), (node) => node.stop());
  await until("in step with a new node", () => friend.parts.chain.tip.hash === node.parts.chain.tip.hash);
  isOver = true;
  expect(await calls).toBeGreaterThan(200);
  const { folder } = node.status();
  await node.stop();
  const saved = JSON.parse(await readFile(join(folder, "peers.json"), "utf8")) as { bans: { reason: string }[] };
  expect(saved.bans.map(({ reason }) => reason).sort()).toEqual([...reasons, "flood"].sort());
});
