import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminClient, type LockDemoAnswer, type LocksAnswer, type NodeEvent } from "../../src/core/client/index.ts";
import { FileLock } from "../../src/core/files/file-lock.ts";
import { startNode } from "../../src/core/node/node.ts";
import { CliUser } from "../support/cli.ts";

/** Commands, socket, route and lock space of a node that really runs. */

let user: CliUser;
let node: Awaited<ReturnType<typeof startNode>>;
beforeEach(async () => {
  user = new CliUser();
  node = await startNode({ home: user.env["CHAINCORE_HOME"], apiPort: 0, p2pPort: 0, log: { level: "silent" } });
});
afterEach(async () => {
  await node.stop();
  user[Symbol.dispose]();
});

test("a deadlock is played in the live node, shown with its cycle, counted in stats and told as an event", async () => {
  const before = node.parts.events.sequence;
  const { code, out, err } = await user.run("locks", "demo", "deadlock");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/demo-2 was told: Deadlock detected: demo-2 #\d+ waits for "demo-a" .*; demo-1 #\d+ waits for "demo-b"/);
  expect(out).toMatch(/deadlocks prevented on this node +0 +1\n/);
  expect(node.parts.events.after(before)).toEqual([
    expect.objectContaining({
      event: "deadlock",
      text: expect.stringContaining('waits for "demo-b"'),
    } satisfies Partial<NodeEvent>),
  ]);
  const stats = JSON.parse((await user.run("locks", "stats", "--json")).out) as LocksAnswer;
  expect(stats.lock_stats["demo-a"]).toMatchObject({ deadlock_attempts: 1, state: "free", level: "PEERS" });
  expect(stats.deadlock_stats).toEqual({ cycles_detected: 1, prevented_deadlocks: 1 });
  expect(stats.kpis).toMatchObject({ connection_hit_rate: null });
  expect(stats.kpis["deadlocks_per_hour"]).toBeGreaterThan(0);
});

test("the other situations play too; an unknown one is a usage error that names them", async () => {
  const inversion = JSON.parse((await user.run("locks", "demo", "inversion", "--json")).out) as LockDemoAnswer;
  expect(inversion.refused.map(({ code }) => code)).toEqual(["lock-order", "lock-order"]);
  expect((await user.run("locks", "demo", "starvation")).out).toContain("0 others came in before it");
  const { code, err } = await user.run("locks", "demo", "livelock");
  expect(code).toBe(2);
  expect(err).toContain("deadlock, inversion, starvation");
});

test("stats and graph show who holds and who waits at this moment", async () => {
  const gate = Promise.withResolvers<void>();
  const { locks, mempoolLock } = node.parts;
  const holder = locks.task("holder", (at) => mempoolLock.withWrite(at, () => gate.promise, { site: "test hold" }));
  const waiter = locks.task("waiter", (at) => mempoolLock.withRead(at, () => undefined, { site: "test wait" }));
  const text = (await user.run("locks", "graph")).out;
  expect(text).toMatch(/holder #\d+ \(thread 0\)\n {2}holds mempool \(write, at test hold.*\)\n/);
  expect(text).toMatch(/waits for mempool \(read, at test wait\), held by holder #\d+\n/);
  expect((await user.run("locks", "graph", "--mermaid")).out).toContain('-.->|"waits to read"| lock0');
  expect((await user.run("locks", "graph", "--dot")).out).toMatch(/^digraph locks \{\n[\s\S]*\}\n$/);
  expect((await user.run("locks", "graph", "--dot", "--mermaid")).code).toBe(2);
  expect((await user.run("locks", "stats")).out).toMatch(/^mempool .* 1 w +1 +0 +0$/m);
  gate.resolve();
  await Promise.all([holder, waiter]);
});

test("the registry's lock between processes stands among the node's, with its figures and who is inside", async () => {
  const registry = new FileLock(join(user.env["CHAINCORE_HOME"]!, "sessions", "default", "session_metadata.json"));
  await registry.withLock(async () => {
    const { lock_stats } = JSON.parse((await user.run("locks", "stats", "--json")).out) as LocksAnswer;
    const { level, acquisitions, reads, wait_p99, sites, state, holders } = lock_stats["registry"]!;
    expect({ level, reads, wait_p99, sites, state }).toEqual({
      level: "SESSION",
      reads: null,
      wait_p99: null,
      sites: null,
      state: "write",
    });
    expect(acquisitions).toBeGreaterThanOrEqual(2); // It has registered twice.
    expect(holders).toEqual([expect.objectContaining({ owner: expect.stringContaining(`process ${process.pid} `) })]);
    expect((await user.run("locks", "stats")).out).toMatch(/^registry +\d+ +\d+ .* - +- .* 1 w +\d+ +\d+ +0$/m);
  });
});

test("on a pipe watch writes a line of JSON each time, and Ctrl-C ends it with 130 and nothing more", async () => {
  const { child, ended } = user.start(["locks", "watch", "--every", "0.05"]);
  await new Promise<void>((resolve) => {
    let lines = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      lines += chunk.toString().split("\n").length - 1;
      if (lines >= 3) resolve();
    });
  });
  child.kill("SIGINT");
  const { code, out, err } = await ended;
  expect({ code, err }).toEqual({ code: 130, err: "" });
  const looks = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LocksAnswer);
  expect(looks.at(-1)!.uptime_seconds).toBeGreaterThan(looks[0]!.uptime_seconds);
  expect(out.endsWith("\n")).toBe(true);
});

test("with its locks logged at debug a node warns of three nested locks, and of nothing that it does itself", async () => {
  await using debugged = new AsyncDisposableStack();
  const home = join(user.folder, "debugged");
  const other = await startNode({ home, apiPort: 0, p2pPort: 0, log: { level: "silent", areas: { locks: "debug" } } });
  debugged.defer(() => other.stop());
  const { locks, chainLock, coinsLock, mempoolLock } = other.parts;
  await locks.task("too deep", (at) =>
    chainLock.withRead(at, (at) => coinsLock.withRead(at, (at) => mempoolLock.withRead(at, () => undefined))),
  );
  await other.stop();
  const lines = readFileSync(join(other.status().folder, "node.log"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ area: "locks", msg: "deep-nesting", owner: "too deep" }),
  ]);
});

test("a route that is asked for nonsense refuses it with its code", async () => {
  const client = new AdminClient(node.status().socket, "node core0");
  await expect(client.post("/v1/locks/demo", { situation: "x" })).rejects.toMatchObject({ code: "unknown-situation" });
});
