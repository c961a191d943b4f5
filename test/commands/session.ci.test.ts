import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processStartTime } from "../../src/core/files/process-identity.ts";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
let sessions: string;
beforeEach(() => {
  user = new CliUser(fastestEntry());
  sessions = join(user.env["CHAINCORE_HOME"]!, "sessions");
});
afterEach(() => user[Symbol.dispose]());

const metadata = (name: string) => join(sessions, name, "session_metadata.json");

/** As if the runner of this test were a node of the session. */
function register(name: string): void {
  const value = JSON.parse(readFileSync(metadata(name), "utf8")) as { nodes: object[] };
  value.nodes.push({
    node_id: "core0",
    is_active: true,
    pid: process.pid,
    pid_started: processStartTime(process.pid),
    socket: join(user.folder, "no'where.sock"),
    cookie: "/c/.cookie",
    api_port: 5000,
    api_url: "http://127.0.0.1:5000",
    p2p_url: null,
  });
  writeFileSync(metadata(name), JSON.stringify(value));
}

test("a session is created once, used, listed and removed", async () => {
  expect(await user.run("session", "create", "alpha")).toMatchObject({
    code: 0,
    out: `${join(sessions, "alpha")}\n`,
    err: 'commands mean "default" still: add --session alpha, or run "chaincore session use alpha"\n',
  });
  expect(await user.run("session", "create", "alpha")).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringContaining("stands already"),
  });
  expect(await user.run("session", "use", "alpha")).toMatchObject({ code: 0 });
  const { out } = await user.run("session", "list");
  expect(out).toMatch(/^SESSION +NETWORK +RUNNING +CREATED\nalpha \* +regtest +0 of 0 +\d{4}-/);
  expect(await user.run("session", "remove", "alpha", "--yes")).toMatchObject({ code: 0, err: "" });
  expect(existsSync(join(sessions, "alpha"))).toBe(false);
});

test("a random mnemonic is made, kept private and not shown", async () => {
  const { out, err } = await user.run("session", "create", "alpha", "--mnemonic", "random");
  const path = join(sessions, "alpha", "mnemonic");
  const words = readFileSync(path, "utf8").trim().split(" ");
  expect(words).toHaveLength(12);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(out + err).not.toContain(words.slice(0, 2).join(" "));
});

test("a mnemonic with a wrong checksum is refused", async () => {
  const { code, err } = await user.run("session", "create", "alpha", "--mnemonic", "test test test");
  expect({ code, made: existsSync(join(sessions, "alpha")) }).toEqual({ code: 2, made: false });
  expect(err).toContain("no BIP39 words");
});

test("using or removing a session that does not stand is refused", async () => {
  expect(await user.run("session", "use", "nope")).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no session "nope"'),
  });
  expect(await user.run("session", "remove", "nope", "--yes")).toMatchObject({ code: 1, out: "" });
  expect(await user.run("session")).toMatchObject({ code: 1, err: expect.stringContaining("session create default") });
});

test("removing asks, and without a terminal to ask on does nothing", async () => {
  await user.run("session", "create", "alpha");
  expect(await user.run("session", "remove", "alpha")).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
  expect(existsSync(metadata("alpha"))).toBe(true);
});

test("a session whose nodes run is not removed", async () => {
  await user.run("session", "create", "alpha");
  register("alpha");
  const { code, err } = await user.run("session", "remove", "alpha", "--yes");
  expect({ code, stands: existsSync(metadata("alpha")) }).toEqual({ code: 1, stands: true });
  expect(err).toContain("still runs core0; stop them first");
});

test("the session's table shows a node that does not answer without figures", async () => {
  await user.run("session", "create", "alpha");
  register("alpha");
  const { code, out } = await user.run("session", "-s", "alpha");
  expect(code).toBe(0);
  expect(out.split("\n")[1]).toMatch(new RegExp(`^core0 +${process.pid} +5000$`));
});

test("the environment is printed as lines that a shell can evaluate", async () => {
  await user.run("session", "create", "alpha");
  register("alpha");
  const { out } = await user.run("session", "env", "-s", "alpha");
  expect(out).toContain(
    "export CHAINCORE_SESSION='alpha'\nexport CHAINCORE_NODE='core0'\nexport CHAINCORE_API='http://127.0.0.1:5000'\n",
  );
  expect(out).toContain("no'\\''where.sock'");
});

test("doctor names a registry that cannot be read, and ends with status 1", async () => {
  mkdirSync(join(sessions, "broken"), { recursive: true });
  writeFileSync(metadata("broken"), "{");
  const { code, out } = await user.run("doctor");
  expect(code).toBe(1);
  expect(out).toMatch(/ERROR +session broken .*is no JSON/);
  expect(out).toContain('-> move it away or run "chaincore session remove broken"');
});

test("doctor finds a mnemonic that others may read, and a node that ended without a word", async () => {
  await user.run("session", "create", "default");
  writeFileSync(join(sessions, "default", "mnemonic"), "x", { mode: 0o644 });
  const { chmodSync } = await import("node:fs");
  chmodSync(join(sessions, "default", "mnemonic"), 0o644);
  register("default");
  writeFileSync(
    metadata("default"),
    readFileSync(metadata("default"), "utf8").replace(/"pid_started":"[^"]*"/, '"pid_started":"another"'),
  );
  const { findings } = JSON.parse((await user.run("doctor", "--json")).out) as {
    findings: { subject: string; state: string; text: string }[];
  };
  expect(findings).toContainEqual(
    expect.objectContaining({ subject: "mnemonic", state: "error", remedy: expect.stringContaining("chmod 600") }),
  );
  expect(findings).toContainEqual(
    expect.objectContaining({ subject: "session default", state: "warning", text: "ended without a word: core0" }),
  );
});

test("doctor calls a home that is a file an error", async () => {
  writeFileSync(user.env["CHAINCORE_HOME"]!, "");
  const { code, out } = await user.run("doctor");
  expect(code).toBe(1);
  expect(out).toMatch(/ERROR +home .*is a file, not a folder\n +-> choose another home/);
});
