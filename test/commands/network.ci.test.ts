import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSameProcess, processStartTime } from "../../src/core/files/process-identity.ts";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
beforeEach(() => {
  user = new CliUser(fastestEntry());
});
afterEach(async () => {
  await user.run("session", "down");
  user[Symbol.dispose]();
});

const up = async (...flags: string[]) => await user.run("session", "up", "--api-port", "0", ...flags);
const registry = () => join(user.env["CHAINCORE_HOME"]!, "sessions", "default", "session_metadata.json");
const pids = () => (JSON.parse(readFileSync(registry(), "utf8")) as { nodes: { pid: number }[] }).nodes.map((node) => node.pid);

test("three nodes come up as processes of their own, are found, and go down", async () => {
  const { code, out } = await up("--nodes", "3", "--json");
  expect(code).toBe(0);
  const { nodes } = JSON.parse(out.trim().split("\n").at(-1)!) as { nodes: { node: string; height: number; pid: number }[] };
  expect(nodes.map(({ node, height }) => [node, height])).toEqual([
    ["core0", 0],
    ["core1", 0],
    ["core2", 0],
  ]);
  expect((await user.run("session")).out.split("\n")).toHaveLength(5);
  const exec = await user.run("session", "exec", "--node", "core1", "--", "sh", "-c", 'echo "$CHAINCORE_NODE"; exit 3');
  expect(exec).toMatchObject({ code: 3, out: "core1\n" });
  expect(await user.run("session", "down")).toMatchObject({
    code: 0,
    out: "core0 has stopped\ncore1 has stopped\ncore2 has stopped\n",
  });
  for (const { pid } of nodes) expect(isSameProcess(pid, processStartTime(pid))).toBe(false); // A zombie has ended too.
});

test("up twice starts nothing twice; up after a kill -9 starts what is gone", async () => {
  await up("--nodes", "2");
  const first = pids();
  expect(await up("--nodes", "2")).toMatchObject({ code: 0 });
  expect(pids()).toEqual(first);
  process.kill(first[1]!, "SIGKILL");
  expect(await up("--nodes", "2")).toMatchObject({ code: 0 });
  expect(pids()[0]).toBe(first[0]);
  expect(pids()[1]).not.toBe(first[1]);
});

test("down of nothing is status 69", async () => {
  expect(await user.run("session", "down")).toMatchObject({ code: 69, err: 'chaincore: no node of session "default" runs\n' });
});

test("a node that cannot start is named with its reason, and what was started goes down again", async () => {
  await up("--nodes", "1");
  await user.run("session", "down");
  writeFileSync(join(user.env["CHAINCORE_HOME"]!, "sessions", "default", "nodes", "core1"), "in the way");
  const { code, err } = await up("--nodes", "2");
  expect(code).toBe(78);
  expect(err).toMatch(/core1.* is a file, not a folder/s);
  expect(await user.run("session", "down")).toMatchObject({ code: 69 });
});

test("more nodes than this machine can hold are refused at once", async () => {
  expect(await up("--nodes", "65")).toMatchObject({ code: 1, err: expect.stringContaining("at most 64 nodes make a session") });
});

test("mine beside a running node says which of its flags do not count there", async () => {
  await up("--nodes", "1");
  const { code, err } = await user.run("mine", "--blocks", "1", "--p2p-port", "0");
  expect(code).toBe(0);
  expect(err).toContain("--p2p-port: passed over, for that node runs already and has its own peer port\n");
});

test("a ban that was answered for survives a kill -9, and a fault needs a peer that is one", async () => {
  await up("--nodes", "2");
  expect(await user.run("peers", "ban", "http://127.0.0.1:1")).toMatchObject({ code: 0 });
  process.kill(pids()[0]!, "SIGKILL");
  expect(await up("--nodes", "2")).toMatchObject({ code: 0 });
  expect((await user.run("peers")).out).toMatch(/banned: http:\/\/127\.0\.0\.1:1 until .* \(by hand\)/);
  expect(await user.run("peers", "partition", "core9")).toMatchObject({
    code: 1,
    err: 'chaincore: core9 is no peer of this node; "chaincore peers" lists them\n',
  });
  expect((await user.run("peers", "partition", "core1")).out).toContain("fault: core1 cut off");
  // The link has ended, and the other side, which may never have dialled, calls it by its name all the same.
  expect((await user.run("peers", "partition", "core0", "--node", "core1")).out).toContain("fault: core0 cut off");
});
