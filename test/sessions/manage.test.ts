import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { currentSession } from "../../src/core/client/find-node.ts";
import { examine } from "../../src/core/sessions/examination.ts";
import { createSession, removeSession, useSession } from "../../src/core/sessions/manage.ts";
import { checkRoom } from "../../src/core/sessions/network.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-manage-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const core0 = { node_id: "core0", api_port: 1, p2p_port: 2, socket: "", cookie: "", api_url: null, p2p_url: null };

test("a session is created once, used and removed", async () => {
  const session = await createSession({ home, session: "alpha" }, { use: true });
  expect(session.folder).toBe(join(home, "sessions", "alpha"));
  expect(await currentSession({ home })).toBe("alpha");
  await expect(createSession({ home, session: "alpha" })).rejects.toMatchObject({ code: "session-exists" });
  await removeSession(home, "alpha");
  expect(await readdir(join(home, "sessions"))).toEqual([]);
  await expect(useSession(home, "alpha")).rejects.toMatchObject({ code: "no-such-session" });
  await expect(removeSession(home, "alpha")).rejects.toMatchObject({ code: "no-such-session" });
});

test("a random mnemonic has twelve words with a right checksum, and only its owner reads it", async () => {
  const session = await createSession({ home, session: "alpha" }, { mnemonic: "random" });
  const words = await session.mnemonic();
  expect(words.split(" ")).toHaveLength(12);
  expect((await stat(session.mnemonicPath)).mode & 0o777).toBe(0o600);
  await removeSession(home, "alpha");
  expect(await (await createSession({ home, session: "alpha" }, { mnemonic: `  ${words}\n` })).mnemonic()).toBe(words);
});

test("words that are no mnemonic make no session", async () => {
  await expect(createSession({ home, session: "alpha" }, { mnemonic: "test test test" })).rejects.toMatchObject({
    code: "bad-mnemonic",
  });
  expect(await readdir(home)).toEqual([]);
});

test("a session whose nodes run is not removed", async () => {
  const session = await createSession({ home, session: "alpha" });
  await session.registry.register(core0);
  await expect(removeSession(home, "alpha")).rejects.toMatchObject({ code: "nodes-run" });
  expect((await session.metadata()).nodes).toHaveLength(1);
});

test("an examination of a fresh home finds nothing wrong", async () => {
  const findings = await examine({ home });
  expect(findings.filter((finding) => finding.state === "error")).toEqual([]);
  expect(findings.map((finding) => finding.subject)).toEqual([
    "node",
    "engines",
    "descriptors",
    "memory",
    "home",
    "file system",
    "clock",
    "disk",
    "socket",
    "mnemonic",
    "paths",
  ]);
});

test("an examination finds an exposed mnemonic, a node that ended without a word, and a lock that is held", async () => {
  const session = await createSession({ home, session: "default" });
  await chmod(session.mnemonicPath, 0o644);
  await session.registry.register(core0);
  await session.registry.update((now) => ({ ...now, nodes: now.nodes.map((node) => ({ ...node, pid_started: "another" })) }));
  const findings = await session.registry.lock.withLock(() => examine({ home }));
  expect(findings).toContainEqual(
    expect.objectContaining({ subject: "mnemonic", state: "error", remedy: expect.stringContaining("chmod 600") }),
  );
  expect(findings).toContainEqual(expect.objectContaining({ state: "warning", text: "ended without a word: core0" }));
  expect(findings).toContainEqual(expect.objectContaining({ text: expect.stringContaining(`process ${process.pid} (`) }));
});

test("an examination survives a registry that cannot be read", async () => {
  await mkdir(join(home, "sessions", "broken"), { recursive: true });
  await writeFile(join(home, "sessions", "broken", "session_metadata.json"), "{");
  expect(await examine({ home })).toContainEqual({
    subject: "session broken",
    state: "error",
    text: expect.stringContaining("is no JSON"),
    remedy: 'move it away or run "chaincore session remove broken"',
  });
  expect(await readFile(join(home, "sessions", "broken", "session_metadata.json"), "utf8")).toBe("{");
});

test("nodes for which memory does not suffice are refused with how many fit", () => {
  expect(() => checkRoom(8, 10, 8 * 130_000_000)).not.toThrow();
  expect(() => checkRoom(8, 10, 8 * 130_000_000 - 1)).toThrow("10 nodes are too many: free memory suffices for 7 more nodes");
  expect(() => checkRoom(1, 65, Infinity)).toThrow("65 nodes are too many: at most 64 nodes make a session");
});
