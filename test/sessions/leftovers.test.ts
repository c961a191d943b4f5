import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { examine } from "../../src/core/sessions/examination.ts";
import { findOrphans, isLockLeftBehind } from "../../src/core/sessions/leftovers.ts";
import { createSession } from "../../src/core/sessions/manage.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-leftovers-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

/** A process that has a file open for as long as it runs. */
async function holderOf(path: string) {
  const script = `require("node:fs").openSync(${JSON.stringify(path)}, "a"); process.stdout.write("open"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

test.skipIf(process.platform !== "linux")(
  "a process in a node's database that the registry does not know is an orphan, until it ends; a reader of the log is none",
  async () => {
    const session = await createSession({ home, session: "default" });
    const folder = await session.nodeFolder("core3");
    await mkdir(join(folder, "db"));
    const reader = await holderOf(join(folder, "node.log"));
    const orphan = await holderOf(join(folder, "db", "LOCK"));
    try {
      expect(await findOrphans(home, "default", [])).toEqual([{ pid: orphan.pid, node: "core3" }]);
      expect(await examine({ home })).toContainEqual({
        subject: "session default",
        state: "warning",
        text: `process ${orphan.pid} works in the folder of core3, but the registry does not know it`,
        remedy: `end it with "kill ${orphan.pid}", then start core3 again`,
      });
      const entry = { ...(await session.registry.register(place)), pid: orphan.pid!, pid_started: null };
      expect(await findOrphans(home, "default", [entry])).toEqual([]);
    } finally {
      for (const child of [reader, orphan]) {
        child.kill("SIGKILL");
        await new Promise((resolve) => child.once("exit", resolve));
      }
    }
    expect(await findOrphans(home, "default", [])).toEqual([]);
  },
);

const place = { node_id: "core3", api_port: 1, p2p_port: 2, socket: "", cookie: "", api_url: null, p2p_url: null };

test("the registry's lock is left behind when its holder is gone; a free one, a held one and an empty folder are not", async () => {
  const session = await createSession({ home, session: "default" });
  expect(isLockLeftBehind(home, "default")).toBe(false);
  await session.registry.lock.withLock(() => expect(isLockLeftBehind(home, "default")).toBe(false));
  const lock = `${session.registry.path}.lock`;
  await mkdir(lock);
  expect(isLockLeftBehind(home, "default")).toBe(false);
  await writeFile(join(lock, `${process.pid}.another-1.0123456789abcdef`), "{}\n"); // Our pid, of an earlier life.
  expect(isLockLeftBehind(home, "default")).toBe(true);
  expect(await examine({ home })).toContainEqual(
    expect.objectContaining({ state: "warning", text: "its lock was left behind by a process that is gone" }),
  );
  await session.registry.update((now) => ({ ...now }));
  expect(isLockLeftBehind(home, "default")).toBe(false);
});

test("an examination tells where no path is short enough for a socket, and goes on", async () => {
  vi.stubEnv("TMPDIR", `/tmp/${"t".repeat(120)}`);
  vi.stubEnv("XDG_RUNTIME_DIR", "");
  const deep = join(home, "d".repeat(120));
  expect(await examine({ home: deep })).toContainEqual(
    expect.objectContaining({ subject: "socket", state: "error", remedy: expect.stringContaining("CHAINCORE_HOME") }),
  );
});

test("folders that cannot be written and a node that does not answer are found, each with its remedy", async () => {
  const session = await createSession({ home, session: "default" });
  await session.registry.register(place); // This process: it runs, and answers nowhere.
  await writeFile(join(await session.nodeFolder("core3"), "db"), "in the way");
  const findings = await examine({ home });
  expect(findings).toContainEqual({
    subject: "paths",
    state: "error",
    text: `may not be written by you: ${join(session.folder, "nodes", "core3", "db")}`,
    remedy: expect.stringContaining("chown"),
  });
  expect(findings).toContainEqual({
    subject: "node core3",
    state: "warning",
    text: `process ${process.pid} of session default runs, but does not answer`,
    remedy: expect.stringContaining(`kill ${process.pid}`),
  });
  expect(findings.filter((finding) => finding.state !== "ok" && finding.remedy.length < 10)).toEqual([]);
});
