import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listSessions, type NodeEntry } from "../../src/core/client/session-metadata.ts";
import { type NodeRegistration, Registry } from "../../src/core/sessions/registry.ts";
import { DEVELOPMENT_MNEMONIC, Session } from "../../src/core/sessions/session.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-registry-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

let nowMs = Date.parse("2026-01-01T00:00:00Z");
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
const open = (name = "default") => Session.open({ home, name, clock });
const core = (n: number): NodeRegistration => ({
  node_id: `core${n}`,
  api_port: 5000 + n,
  p2p_port: 8000 + n,
  socket: `/run/core${n}.sock`,
  cookie: `/run/core${n}.cookie`,
  api_url: `http://127.0.0.1:${5000 + n}`,
  p2p_url: `http://127.0.0.1:${8000 + n}`,
});

test("a session is made on demand: private folders, a registry, the development mnemonic", async () => {
  const session = await open();
  expect((await stat(session.folder)).mode & 0o777).toBe(0o700);
  expect((await stat(session.mnemonicPath)).mode & 0o777).toBe(0o600);
  expect(await session.mnemonic()).toBe(DEVELOPMENT_MNEMONIC);
  expect(await session.metadata()).toEqual({
    schema_version: 1,
    name: "default",
    created: "2026-01-01T00:00:00.000Z",
    revision: 1,
    network: "regtest",
    chain_spec: null,
    nodes: [],
  });
  expect(await listSessions(home)).toEqual(["default"]);
});

test("opening a session again changes nothing", async () => {
  await open();
  const session = await Session.open({ home, name: "default", clock, mnemonic: "other words" });
  expect(await session.mnemonic()).toBe(DEVELOPMENT_MNEMONIC);
  expect((await session.metadata()).revision).toBe(1);
});

test("a node registers, beats, ends and comes back with its account", async () => {
  const { registry } = await open();
  expect(await registry.register(core(0))).toMatchObject({ node_id: "core0", account: 0, is_active: true, pid: process.pid });
  expect(await registry.register(core(1))).toMatchObject({ account: 1, registration_time: "2026-01-01T00:00:00.000Z" });
  nowMs += 5_000;
  await registry.heartbeat("core1");
  expect((await registry.read()).nodes[1]!.last_seen).toBe("2026-01-01T00:00:05.000Z");
  await registry.unregister("core1");
  expect((await registry.read()).nodes[1]!.is_active).toBe(false);
  expect(await registry.register({ ...core(1), api_port: 6001 })).toMatchObject({ account: 1, api_port: 6001, is_active: true });
});

test("account and place of a node follow its number, whoever registers first", async () => {
  const { registry } = await open();
  for (const n of [2, 0]) await registry.register(core(n));
  await registry.register({ ...core(0), node_id: "alice" });
  await registry.register(core(1));
  await registry.register(core(3));
  const { nodes } = await registry.read();
  expect(nodes.map((node) => [node.node_id, node.account])).toEqual([
    ["core0", 0],
    ["core1", 1],
    ["core2", 2],
    ["alice", 3],
    ["core3", 4],
  ]);
});

test("a node id that another running process has is refused", async () => {
  const { registry } = await open();
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await registry.register(core(0));
  await registry.update((now) => ({ ...now, nodes: now.nodes.map((node) => ({ ...node, pid: other.pid!, pid_started: null })) }));
  await expect(registry.register(core(0))).rejects.toMatchObject({ code: "node-already-runs", detail: { pid: other.pid } });
  other.kill("SIGKILL");
  await new Promise((resolve) => other.once("exit", resolve));
  expect(await registry.register(core(0))).toMatchObject({ pid: process.pid });
});

test("a pid that was used again is no life sign", async () => {
  const { registry } = await open();
  await registry.register(core(0));
  await registry.update((now) => ({ ...now, nodes: now.nodes.map((node) => ({ ...node, pid_started: "another boot" })) }));
  expect(await registry.markEnded()).toEqual(["core0"]);
  expect((await registry.read()).nodes[0]!.is_active).toBe(false);
});

test("expired nodes are pruned, running and recent ones are not", async () => {
  const { registry } = await open();
  await registry.register(core(0));
  await registry.register(core(1));
  await registry.unregister("core1");
  nowMs += 60_000;
  await registry.register(core(2));
  await registry.unregister("core2");
  expect(await registry.prune(30_000)).toEqual(["core1"]);
  expect((await registry.read()).nodes.map((node) => node.node_id)).toEqual(["core0", "core2"]);
});

test("fields that this release does not know are kept", async () => {
  const session = await open();
  await session.registry.register(core(0));
  const path = join(session.folder, "session_metadata.json");
  const value = JSON.parse(await readFile(path, "utf8")) as { nodes: object[] };
  await writeFile(path, JSON.stringify({ ...value, colour: "blue", nodes: [{ ...value.nodes[0], mood: "good" }] }));
  await session.registry.heartbeat("core0");
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ colour: "blue", nodes: [{ mood: "good", is_active: true }] });
});

test("the guide's metadata is migrated, with a backup", async () => {
  const folder = join(home, "sessions", "old");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const guide = {
    nodes: [
      {
        node_id: "node1",
        api_port: 5000,
        p2p_port: 8000,
        registration_time: "2025-01-01T00:00:00",
        last_seen: 1735689600,
        is_active: true,
      },
    ],
  };
  await writeFile(join(folder, "session_metadata.json"), JSON.stringify(guide));
  const metadata = await (await open("old")).metadata();
  expect(metadata).toMatchObject({ schema_version: 1, name: "old", network: "regtest", revision: 1 });
  expect(metadata.nodes[0]).toMatchObject({
    node_id: "node1",
    is_active: false,
    last_seen: "2025-01-01T00:00:00.000Z",
    account: 0,
  });
  expect(JSON.parse(await readFile(join(folder, "session_metadata.json.schema-0.bak"), "utf8"))).toEqual(guide);
});

test.each([
  ["of a newer release", '{"schema_version": 99, "nodes": []}', "session-too-new"],
  ["half written", '{"schema_version": 1, "nod', "bad-session-metadata"],
  ["of another kind", '["nodes"]', "bad-session-metadata"],
  ["with a strange version", '{"schema_version": "x", "nodes": []}', "bad-session-metadata"],
])("metadata %s is refused and left as it is", async (_, text, code) => {
  await open();
  const path = join(home, "sessions", "default", "session_metadata.json");
  await writeFile(path, text);
  await expect(open()).rejects.toMatchObject({ code });
  await expect(new Registry({ home, session: "default" }, { clock }).register(core(0))).rejects.toMatchObject({ code });
  expect(await readFile(path, "utf8")).toBe(text);
});

test("ten first processes at once agree on one session, and no registration is lost", async () => {
  const source = (file: string) => JSON.stringify(new URL(`../../src/core/sessions/${file}`, import.meta.url).href);
  const script = (n: number) => `
    const { Session } = await import(${source("session.ts")});
    const clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
    const { registry } = await Session.open({ home: ${JSON.stringify(home)}, name: "crowd", clock });
    for (let k = 0; k < 5; k++) await registry.register({ ...${JSON.stringify(core(0))}, node_id: "n${n}-" + k });`;
  const children = Array.from({ length: 10 }, (_, n) =>
    spawn(process.execPath, ["--input-type=module", "-e", script(n)], { stdio: "inherit" }),
  );
  const codes = await Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))));
  expect(codes).toEqual(Array(10).fill(0));
  const { nodes } = await (await open("crowd")).metadata();
  expect(nodes).toHaveLength(50);
  expect(new Set(nodes.map((node: NodeEntry) => node.account)).size).toBe(50);
  expect((await readdir(join(home, "sessions", "crowd"))).sort()).toEqual([
    "mnemonic",
    "session_metadata.json",
    "session_metadata.json.claim",
  ]);
});

test("the next node id is the first that does not run", async () => {
  const session = await open();
  expect(await session.nextNodeId()).toBe("core0");
  await session.registry.register(core(0));
  expect(await session.nextNodeId()).toBe("core1");
});
