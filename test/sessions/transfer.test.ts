import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findUnfinished, unfinishedPath } from "../../src/core/client/unfinished.ts";
import { createSession, removeSession } from "../../src/core/sessions/manage.ts";
import type { Session } from "../../src/core/sessions/session.ts";
import { writeSessionFile } from "../../src/core/sessions/session-file.ts";
import { exportSession, importSession } from "../../src/core/sessions/transfer.ts";

const core0 = {
  node_id: "core0",
  api_port: 5001,
  p2p_port: 8001,
  socket: "/s",
  cookie: "/c",
  api_url: "http://a",
  p2p_url: "http://b",
};
const block = Buffer.concat([randomBytes(70_000), Buffer.alloc(300_000)]);
let home: string;
let file: string;
let session: Session;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-transfer-"));
  file = join(home, "alpha.session");
  session = await createSession({ home, session: "alpha" }, { mnemonic: "random" });
  await session.registry.register(core0);
  await session.registry.unregister("core0");
  await session.registry.update((now) => ({ ...now, of_a_later_release: [1] }) as typeof now);
  const folder = await session.nodeFolder("core0");
  for (const name of ["blocks", "db"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "blocks", "blk00000.dat"), block);
  await writeFile(join(folder, "db", "000003.log"), "");
  for (const name of [".cookie", "node.log", "node.out", "peers.json", "db/LOCK"])
    await writeFile(join(folder, name), "here only");
});
afterEach(() => rm(home, { recursive: true, force: true }));

const place = () => ({ home, session: "alpha" });
const standing = async () => await readdir(join(home, "sessions"));

const firstLine = (format: number) => {
  const text = `chaincore session ${format}`;
  return `${text} ${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
};

/** A format 1 file by hand, as this test understands it. */
function packed(files: { path: string; bytes: Buffer }[], format = 1): Buffer {
  const entries = files.map(({ path, bytes }) => ({
    path,
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  }));
  const header = JSON.stringify({ session: "hand", files: entries });
  const body = Buffer.concat([
    Buffer.from(`${firstLine(format)}\n${header}\n`),
    gzipSync(Buffer.concat(files.map(({ bytes }) => bytes))),
  ]);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

test("a session comes back whole under another name, and only its owner reads file and mnemonic", async () => {
  await writeFile(file, "an older one", { mode: 0o644 });
  expect(await exportSession(place(), file)).toMatchObject({ session: "alpha", path: file, files: 4 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await importSession(home, file, "beta")).toMatchObject({ session: "beta", files: 4 });
  const folder = join(home, "sessions", "beta");
  expect((await readdir(folder, { recursive: true })).sort()).toEqual(
    ["mnemonic", "nodes", "nodes/core0", "nodes/core0/blocks", "nodes/core0/blocks/blk00000.dat", "nodes/core0/db"].concat([
      "nodes/core0/db/000003.log",
      "session_metadata.json",
    ]),
  );
  expect(await readFile(join(folder, "nodes", "core0", "blocks", "blk00000.dat"))).toEqual(block);
  expect(await readFile(join(folder, "mnemonic"), "utf8")).toBe(`${await session.mnemonic()}\n`);
  expect((await stat(join(folder, "mnemonic"))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const metadata = JSON.parse(await readFile(join(folder, "session_metadata.json"), "utf8"));
  expect(metadata).toMatchObject({ name: "beta", of_a_later_release: [1], created: (await session.metadata()).created });
  expect(metadata.nodes).toEqual([
    expect.objectContaining({
      node_id: "core0",
      api_port: 5001,
      account: 0,
      is_active: false,
      pid: 0,
      socket: "",
      api_url: null,
    }),
  ]);
  expect((await readdir(home)).sort()).toEqual(["alpha.session", "sessions"]);
});

test("a flipped bit anywhere, a cut anywhere and a tail make nothing", async () => {
  await exportSession(place(), file);
  const sound = await readFile(file);
  const headerEnd = sound.indexOf(10, sound.indexOf(10) + 1) + 1;
  // Every byte of the first line and of the gzip header, the digest's, and a sample of the rest.
  const step = Math.ceil(sound.length / 150);
  const places = [...Array(sound.length).keys()].filter(
    (at) => at < 24 || (at >= headerEnd - 2 && at < headerEnd + 12) || at >= sound.length - 40 || at % step === 0,
  );
  const refused = async (bytes: Buffer, what: string) => {
    await writeFile(file, bytes);
    const code = await importSession(home, file, "beta").then(
      () => `${what} was taken`,
      (error: { code?: string }) => error.code,
    );
    expect(code, what).toBe("session-file-damaged");
  };
  for (const at of places) {
    const bytes = Buffer.from(sound);
    bytes[at]! ^= 1 << (at % 8);
    await refused(bytes, `bit ${at % 8} of byte ${at}`);
  }
  for (const at of places) await refused(sound.subarray(0, at), `${at} bytes`);
  await refused(Buffer.concat([sound, Buffer.from([0])]), "one byte more");
  expect(await standing()).toEqual(["alpha"]);
  await writeFile(file, sound);
  await importSession(home, file, "beta");
});

test("a running node, a standing name and a name that is none are refused", async () => {
  await exportSession(place(), file);
  await expect(importSession(home, file)).rejects.toMatchObject({ code: "session-exists" });
  await expect(importSession(home, file, "a/b")).rejects.toMatchObject({ code: "bad-session-name" });
  await session.registry.register(core0);
  await rm(file);
  await expect(exportSession(place(), file)).rejects.toMatchObject({
    code: "nodes-run",
    message: expect.stringContaining("core0"),
  });
  await expect(exportSession({ home, session: "nope" }, file)).rejects.toMatchObject({ code: "no-such-session" });
  await expect(importSession(home, file, "beta")).rejects.toMatchObject({ code: "session-file" });
  expect(await readdir(home)).toEqual(["sessions"]);
  expect(await standing()).toEqual(["alpha"]);
});

test("a node that starts, or a file that changes, while the file is written leaves no file", async () => {
  let reads = 0;
  const twice = {
    path: "a",
    read: async function* () {
      yield Buffer.from(`${reads++}`);
    },
  };
  const once = {
    path: "a",
    read: async function* () {
      yield Buffer.from("a");
    },
  };
  await expect(
    writeSessionFile({ path: file, temporary: `${file}.part` }, "alpha", [twice], async () => {}),
  ).rejects.toMatchObject({ code: "session-changed" });
  const late = () => Promise.reject(new Error("a node runs"));
  await expect(writeSessionFile({ path: file, temporary: `${file}.part` }, "alpha", [once], late)).rejects.toThrow("a node runs");
  expect(await readdir(home)).toEqual(["sessions"]);
});

test("the format is the documented one; a newer one is refused by its number", async () => {
  await exportSession(place(), file);
  const bytes = await readFile(file);
  const [first, header] = bytes.toString("latin1").split("\n", 2);
  expect(first).toBe(firstLine(1));
  const { files } = JSON.parse(header!) as { files: { size: number }[] };
  const unpacked = gunzipSync(bytes.subarray(first!.length + header!.length + 2, -32));
  expect(unpacked).toHaveLength(files.reduce((sum, { size }) => sum + size, 0));
  await writeFile(file, packed([], 2));
  await expect(importSession(home, file)).rejects.toMatchObject({
    code: "session-file-too-new",
    message: expect.stringContaining("format 2"),
  });
});

test("a file made to reach out of the folder, or without a sound registry, makes nothing", async () => {
  for (const path of ["../evil", "/evil", "nodes/../../evil", "nodes//evil", "..", "a\\..\\evil", ""]) {
    await writeFile(file, packed([{ path, bytes: Buffer.from("x") }]));
    await expect(importSession(home, file), path).rejects.toMatchObject({ code: "session-file-damaged" });
  }
  await writeFile(file, packed([{ path: "mnemonic", bytes: Buffer.from("x") }]));
  await expect(importSession(home, file)).rejects.toMatchObject({ code: "bad-session-metadata" });
  const newer = Buffer.from(JSON.stringify({ schema_version: 99, nodes: [] }));
  await writeFile(file, packed([{ path: "session_metadata.json", bytes: newer }]));
  await expect(importSession(home, file)).rejects.toMatchObject({ code: "session-too-new" });
  expect(await standing()).toEqual(["alpha"]);
});

test("a process that works in the database without being registered is named, and nothing is written", async () => {
  const script = `require("node:fs").openSync(${JSON.stringify(join(session.folder, "nodes/core0/db/LOCK"))}, "a"); console.log(); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  try {
    if (process.platform !== "linux") return;
    const refused = { code: "nodes-run", message: expect.stringContaining(`process ${child.pid} works in the folder of core0`) };
    await expect(exportSession(place(), file)).rejects.toMatchObject(refused);
    await expect(removeSession(home, "alpha")).rejects.toMatchObject(refused);
    expect(await readdir(home)).toEqual(["sessions"]);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

test("what a killed export and import leave is found and removed by the next one; the work of one that runs is not", async () => {
  const dead = `${process.pid}.another-1.0123456789abcdef`;
  const part = `${file}.exporting-${dead}.part`;
  const sessions = join(home, "sessions");
  await writeFile(part, "the mnemonic");
  await writeFile(join(sessions, `.exporting-${dead}`), part);
  await mkdir(join(sessions, `.imported-${dead}`));
  await writeFile(join(sessions, `.imported-${dead}`, "mnemonic"), "the mnemonic");
  const ours = unfinishedPath(home, "imported");
  await mkdir(ours);
  expect((await findUnfinished(home)).map(({ path }) => path).sort()).toEqual([part, join(sessions, `.imported-${dead}`)].sort());
  await exportSession(place(), file);
  expect((await readdir(home)).sort()).toEqual(["alpha.session", "sessions"]);
  expect((await standing()).sort()).toEqual([basename(ours), "alpha"].sort());
});
