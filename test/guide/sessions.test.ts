/** The guide's examples of file locks, atomic files and session registration, with our names (src/core/README.md has the table). */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileLock, openSession, writeFileAtomic } from "../../src/core/index.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-guide-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test("file_lock(path, timeout): one holder at a time, on <path>.lock; who waits too long hears the guide's words", async () => {
  const path = join(home, "shared.json");
  await new FileLock(path).withLock(async () => {
    expect(await readdir(home)).toContain("shared.json.lock");
    await expect(new FileLock(path).withLock(() => {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "file-lock-timeout",
      message: expect.stringMatching(new RegExp(`^Failed to acquire file lock .*process ${process.pid} `)),
    });
  });
  expect(await new FileLock(path).withLock(() => "free again")).toBe("free again");
});

test("AtomicFileWriter: whole or not at all, and no temporary file stays after a failure", async () => {
  const path = join(home, "state.json");
  await writeFileAtomic(path, "one");
  const whenMade = () => {
    throw new Error("the writer failed");
  };
  await expect(writeFileAtomic(path, "two", { whenMade })).rejects.toThrow("the writer failed");
  expect(await readFile(path, "utf8")).toBe("one");
  expect(await readdir(home)).toEqual(["state.json"]);
});

test('session_manager.register_node("node1", 5000, 8000): in session_metadata.json, with NodeInfo\'s six fields, renewed if known', async () => {
  const session = await openSession({ home });
  const place = { socket: "", cookie: "", api_url: null, p2p_url: null };
  await session.registry.register({ node_id: "node1", api_port: 5000, p2p_port: 8000, ...place });
  const { registration_time } = (await session.metadata()).nodes[0]!;
  await session.registry.register({ node_id: "node1", api_port: 5001, p2p_port: 8001, ...place });
  expect(basename(session.registry.path)).toBe("session_metadata.json");
  expect(session.folder).toBe(join(home, "sessions", "default")); // get_current_session_folder()
  const { nodes } = JSON.parse(await readFile(session.registry.path, "utf8")) as { nodes: object[] };
  expect(nodes).toEqual([
    expect.objectContaining({
      node_id: "node1",
      api_port: 5001,
      p2p_port: 8001,
      registration_time,
      last_seen: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      is_active: true,
    }),
  ]);
});
