import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chaincoreHome, ensurePrivateFolder, nodeFolder, sessionFolder } from "../../src/core/files/paths.ts";
import { SOCKET_PATH_BYTES_MAX, socketPath } from "../../src/core/files/socket-path.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-paths-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const root = process.getuid?.() === 0;

test("the home is the flag's, else CHAINCORE_HOME, else under XDG_STATE_HOME, else under the user's folder", () => {
  const environment = { HOME: "/home/me", XDG_STATE_HOME: "/state", CHAINCORE_HOME: "/own" };
  expect(chaincoreHome("/flag", environment)).toBe("/flag");
  expect(chaincoreHome(undefined, environment)).toBe("/own");
  expect(chaincoreHome(undefined, { ...environment, CHAINCORE_HOME: "" })).toBe("/state/chaincore");
  expect(chaincoreHome(undefined, { HOME: "/home/me", XDG_STATE_HOME: "relative" })).toBe("/home/me/.local/state/chaincore");
});

test("session and node names with slashes, dots in front or nothing in them are refused", () => {
  expect(nodeFolder("/h", "a-b_c.1", "core0")).toBe("/h/sessions/a-b_c.1/nodes/core0");
  for (const name of ["", "..", ".x", "a/b", "a\\b", "a b", "ä", "x".repeat(65), "-x"]) {
    expect(() => sessionFolder("/h", name)).toThrow(expect.objectContaining({ code: "bad-session-name" }));
  }
  expect(() => nodeFolder("/h", "s", "../x")).toThrow(expect.objectContaining({ code: "bad-node-name" }));
});

test("a socket path of at most 103 bytes stays in the node's folder, a longer one moves to the runtime folder", () => {
  const fits = `/${"x".repeat(SOCKET_PATH_BYTES_MAX - "//admin.sock".length)}`;
  expect(socketPath(fits, {})).toBe(`${fits}/admin.sock`);
  const long = `${fits}x`;
  expect(socketPath(long, { XDG_RUNTIME_DIR: "/run/user/7" })).toMatch(/^\/run\/user\/7\/chaincore\/[0-9a-f]{16}\.sock$/);
  expect(socketPath(long, {}, 7)).toMatch(/\/chaincore-7\/[0-9a-f]{16}\.sock$/);
  expect(socketPath(long, {}, 7)).not.toBe(socketPath(`${long}y`, {}, 7));
});

test("a private folder is made with its parents and closed to others", async () => {
  const path = join(folder, "a", "b");
  await ensurePrivateFolder(path);
  await ensurePrivateFolder(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});

test("a file in the place of a folder is refused with a way out", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(ensurePrivateFolder(join(folder, "file"))).rejects.toThrow(/is a file, not a folder; choose another home/);
  await expect(ensurePrivateFolder(join(folder, "file", "x"))).rejects.toMatchObject({ code: "bad-environment" });
});

test.skipIf(root)("a folder that may not be written is refused (skipped for root, whom no mode stops)", async () => {
  await mkdir(join(folder, "closed"), { mode: 0o500 });
  await expect(ensurePrivateFolder(join(folder, "closed"))).rejects.toThrow(/may not be written by you/);
  await expect(ensurePrivateFolder(join(folder, "closed", "x"))).rejects.toThrow(/may not be written by you/);
  await chmod(join(folder, "closed"), 0o700);
});

test.skipIf(!root)("a folder of another user is refused (needs root to make one)", async () => {
  const { chown } = await import("node:fs/promises");
  await mkdir(join(folder, "theirs"));
  await chown(join(folder, "theirs"), 12345, 12345);
  await expect(ensurePrivateFolder(join(folder, "theirs"))).rejects.toThrow(/belongs to user 12345, not to you \(0\)/);
});
