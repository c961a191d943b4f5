import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliUser } from "../support/cli.ts";

let user: CliUser;
beforeEach(() => {
  user = new CliUser();
});
afterEach(() => user[Symbol.dispose]());

const config = (text: string) => {
  mkdirSync(join(user.folder, "config", "chaincore"), { recursive: true });
  writeFileSync(join(user.folder, "config", "chaincore", "config.json"), text);
};

test("help of a command shows its flags, their variables and an example", async () => {
  const { code, out, err } = await user.run("tx", "send", "--help");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("$ chaincore tx send");
  expect(out).toContain("[env: CHAINCORE_SESSION]");
  expect(out).toContain("EXAMPLES");
});

test("an unknown flag is a usage error: one sentence on stderr, nothing on stdout, status 2", async () => {
  const { code, out, err } = await user.run("mempool", "--colour");
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(/^chaincore: nonexistent flag: --colour; --help shows more\n$/);
});

test("a missing argument is a usage error", async () => {
  const { code, err } = await user.run("chain", "block");
  expect(code).toBe(2);
  expect(err).toContain("block");
});

test("an unknown command is status 127 and names the nearest one", async () => {
  const { code, out, err } = await user.run("memool");
  expect({ code, out }).toEqual({ code: 127, out: "" });
  expect(err).toContain("memool is not a chaincore command");
});

test("without a running node a question is answered by status 69 and what to run", async () => {
  const { code, out, err } = await user.run("chain", "info");
  expect({ code, out }).toEqual({ code: 69, out: "" });
  expect(err).toBe(
    'chaincore: the node of session "default" is not running; start one with "chaincore node" or "chaincore mine"\n',
  );
});

test("with --json an error is one object on stdout, with the same status", async () => {
  const { code, out, err } = await user.run("accounts", "--json", "-s", "alpha");
  expect({ code, err }).toEqual({ code: 69, err: "" });
  expect(JSON.parse(out)).toEqual({
    error: { code: "no-node-running", message: expect.stringContaining('session "alpha"'), detail: {} },
  });
});

test("an amount with nine decimals is refused before any node is asked", async () => {
  const { code, err } = await user.run("tx", "send", "bcrt1qxyz", "1.123456789");
  expect(code).toBe(2);
  expect(err).toBe('chaincore: "1.123456789" is no amount: it has 9 decimals, a coin has 8\n');
});

test("a session name with a slash is refused", async () => {
  const { code, err } = await user.run("mempool", "-s", "../x");
  expect(code).toBe(2);
  expect(err).toContain("is no session name");
});

test("the session comes from the flag, else the variable, else the config file, else what is in use", async () => {
  const asked = async (...args: string[]) => /session "(\w+)"/.exec((await user.run("mempool", ...args)).err)?.[1];
  mkdirSync(user.env["CHAINCORE_HOME"]!);
  writeFileSync(join(user.env["CHAINCORE_HOME"]!, "current-session"), "used\n");
  expect(await asked()).toBe("used");
  config('{"session": "configured"}');
  expect(await asked()).toBe("configured");
  user.env["CHAINCORE_SESSION"] = "variable";
  expect(await asked()).toBe("variable");
  expect(await asked("-s", "flag")).toBe("flag");
});

test("a config file that is no JSON is a bad environment: status 78, with its path", async () => {
  config("{session: 1");
  const { code, err } = await user.run("mempool");
  expect(code).toBe(78);
  expect(err).toMatch(/config\.json is no JSON; mend or remove it\n$/);
});

test("a reader that goes away is no error", async () => {
  const { child, ended } = user.start(["--help"]);
  child.stdout.destroy();
  const { code, err } = await ended;
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("half-written registry metadata is refused with its path and a way out", async () => {
  const folder = join(user.env["CHAINCORE_HOME"]!, "sessions", "default");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "session_metadata.json"), '{"nodes": [');
  const { code, err } = await user.run("mempool");
  expect(code).toBe(1);
  expect(err).toMatch(/session_metadata\.json is no JSON; move it away/);
});
