/** What people do wrong with sessions: each is answered by one sentence (what, where, what to do) and its status, and nothing is lost. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { freemem } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
let sessions: string;
beforeEach(() => {
  user = new CliUser(fastestEntry());
  sessions = join(user.env["CHAINCORE_HOME"]!, "sessions");
});
afterEach(async () => {
  await user.run("session", "down");
  user[Symbol.dispose]();
});

const metadata = (name = "default") => join(sessions, name, "session_metadata.json");

/** One line on stderr that begins with the program's name, without a stack; the status; nothing on stdout. */
async function refused(code: number, sentence: RegExp, ...args: string[]) {
  const result = await user.run(...args);
  const lines = result.err.split("\n").filter((line) => line !== "" && !/^[❯✖✔›]/u.test(line)); // Less the marks of progress.
  expect({ code: result.code, out: result.out, lines: lines.length }, result.err).toEqual({
    code,
    out: "",
    lines: 1,
  });
  expect(lines[0]).toMatch(sentence);
  expect(result.err).not.toMatch(/\.[jt]s:\d+|unexpected failure/);
}

test.each(["a/b", "../up", ".hidden", "", "a b", "x".repeat(65)])("a name that is none, %j, makes no folder", async (name) => {
  await refused(2, /no session name; use 1 to 64 letters/, "session", "create", name);
  expect(existsSync(join(sessions))).toBe(false);
});

test("slashes in --session and --node-id are refused by every command that takes them", async () => {
  await refused(2, /"a\/b" is no session name/, "session", "up", "-s", "a/b");
  await refused(2, /"a\/b" is no session name/, "session", "down", "-s", "a/b");
  await refused(2, /"a\/b" is no session name/, "session", "-s", "a/b");
  await refused(2, /"\.\.\/x" is no node name/, "node", "--node-id", "../x", "--api-port", "0");
});

test("a session that does not stand is named, with how to make or find one", async () => {
  await refused(1, /there is no session "nope"; make it with "chaincore session create nope"/, "session", "-s", "nope");
  await refused(1, /there is no session "nope"; "chaincore session list" shows/, "session", "export", "x.session", "-s", "nope");
  await refused(1, /there is no session "nope"/, "session", "use", "nope");
  await refused(1, /x\.session cannot be read \(ENOENT\); check its path/, "session", "import", "x.session");
  expect(existsSync(sessions) && existsSync(join(sessions, "nope"))).toBe(false);
});

test("the folder of a session that is a file, and a home that is one, are named and left as they are", async () => {
  mkdirSync(sessions, { recursive: true });
  writeFileSync(join(sessions, "default"), "mine");
  await refused(78, /default is a file, not a folder; choose another home/, "session", "up", "--api-port", "0");
  expect(readFileSync(join(sessions, "default"), "utf8")).toBe("mine");
});

test.each([
  ["half written", '{"schema_version": 1, "nodes": [{"node_id": "co'],
  ["empty", ""],
  ["of another kind", '["nodes"]'],
])("metadata that is %s is named, not touched, and stays in the way until somebody decides", async (_, text) => {
  await user.run("session", "create", "default");
  writeFileSync(metadata(), text);
  for (const command of [
    ["session"],
    ["session", "up", "--api-port", "0"],
    ["session", "down"],
    ["session", "env"],
    ["node", "--api-port", "0"],
  ])
    await refused(1, /session_metadata\.json (is no JSON|lists no nodes); move it away .* or remove the session/, ...command);
  expect(readFileSync(metadata(), "utf8")).toBe(text);
  expect(existsSync(join(sessions, "default", "mnemonic"))).toBe(true);
});

test("metadata of a newer release is refused, and kept", async () => {
  await user.run("session", "create", "default");
  const text = JSON.stringify({ schema_version: 99, nodes: [] });
  writeFileSync(metadata(), text);
  await refused(
    1,
    /written by a newer chaincore .*; update chaincore or use another session/,
    "session",
    "up",
    "--api-port",
    "0",
  );
  expect(readFileSync(metadata(), "utf8")).toBe(text);
});

const isRoot = process.getuid?.() === 0;
if (isRoot) console.info("root reads every file: metadata without permission is tested as another user only");

test.skipIf(isRoot)(
  "metadata that one may not read is named with what to check (skipped for root, whom no mode stops)",
  async () => {
    await user.run("session", "create", "default");
    chmodSync(metadata(), 0o000);
    await refused(78, /cannot read .*session_metadata\.json \(EACCES\); check its owner and mode/, "session");
  },
);

test.skipIf(!isRoot)("a home of another user's is refused by its owner's number (as root, who alone can make one)", async () => {
  await user.run("session", "create", "default");
  chownSync(user.env["CHAINCORE_HOME"]!, 12_345, 12_345);
  await refused(
    78,
    /belongs to user 12345, not to you \(0\); choose another home with CHAINCORE_HOME/,
    "session",
    "up",
    "--api-port",
    "0",
  );
  expect(existsSync(metadata())).toBe(true);
});

test("a port that is taken is an error when it was asked for, and nothing is left running", async () => {
  await using taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  await refused(1, new RegExp(`port ${port} .*(taken|in use|used)`), "node", "--api-port", String(port));
  await refused(69, /no node of session "default" runs/, "session", "down");
});

test("more nodes than memory holds are refused with how many fit, before one is started", async () => {
  const room = Math.floor(freemem() / 130_000_000);
  await refused(1, /65 nodes are too many: at most 64 nodes make a session/, "session", "up", "--nodes", "65", "--api-port", "0");
  if (room < 60)
    await refused(
      1,
      /64 nodes are too many: free memory suffices for \d+ more/,
      "session",
      "up",
      "--nodes",
      "64",
      "--api-port",
      "0",
    );
  else console.info(`memory for ${room} nodes is free: the refusal by memory cannot be seen here`);
  await refused(69, /no node of session "default" runs/, "session", "down");
  expect(existsSync(join(sessions, "default", "nodes", "core0"))).toBe(false);
});

test("up twice changes nothing; a second node of the same id is refused with who runs; down twice is status 69", async () => {
  expect(await user.run("session", "up", "--api-port", "0")).toMatchObject({ code: 0 });
  const pid = () => (JSON.parse(readFileSync(metadata(), "utf8")) as { nodes: { pid: number }[] }).nodes[0]!.pid;
  const first = pid();
  expect(await user.run("session", "up", "--api-port", "0")).toMatchObject({ code: 0 });
  await refused(
    1,
    new RegExp(`node core0 .* runs already as process ${first}; stop it`),
    "node",
    "--node-id",
    "core0",
    "--api-port",
    "0",
  );
  expect(pid()).toBe(first);
  expect(await user.run("session", "down")).toMatchObject({ code: 0 });
  await refused(69, /no node of session "default" runs/, "session", "down");
});

test("down of a session that never was says so and makes none", async () => {
  await refused(69, /no node of session "nope" runs/, "session", "down", "-s", "nope");
  expect(existsSync(join(sessions, "nope"))).toBe(false);
});
