import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isRunning, type NodeEntry, type NodeStatus } from "../../src/core/client/index.ts";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
let sessions: string;
beforeEach(() => {
  user = new CliUser(fastestEntry());
  sessions = join(user.env["CHAINCORE_HOME"]!, "sessions");
});
afterEach(async () => {
  for (const name of ["alpha", "beta"]) await user.run("session", "down", "-s", name);
  user[Symbol.dispose]();
});

const until = async (done: () => boolean) => {
  const from = performance.now();
  while (!done()) {
    if (performance.now() - from > 60_000) throw new Error("it never came so far");
    await new Promise(setImmediate);
  }
};

async function up(session: string): Promise<NodeStatus> {
  const { code, out, err } = await user.run("session", "up", "--api-port", "0", "-s", session, "--json");
  expect({ code, err }).toMatchObject({ code: 0 });
  return (JSON.parse(out.trim().split("\n").at(-1)!) as { nodes: NodeStatus[] }).nodes[0]!;
}

async function coins(status: NodeStatus): Promise<unknown> {
  const answer = await fetch(status.urls.api!, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(readFileSync(status.cookie, "utf8")).toString("base64")}` },
    body: JSON.stringify({ method: "gettxoutsetinfo", params: ["muhash"] }),
  });
  const { result } = (await answer.json()) as { result: Record<string, unknown> };
  return { height: result["height"], tip: result["bestblock"], muhash: result["muhash"], txouts: result["txouts"] };
}

test("a session that has mined, its memory told by doctor, goes through a file to another name, and comes up with the same tip and coins", async () => {
  await user.run("session", "create", "alpha", "--mnemonic", "random");
  const before = await up("alpha");
  expect(await user.run("mine", "--blocks", "5", "--threads", "1", "--block-time", "0", "-s", "alpha")).toMatchObject({
    code: 0,
  });
  expect((await user.run("doctor", "-s", "alpha")).out).toMatch(/^ok +node core0 +session alpha: rss \d+ MB, heap \d+ MB$/m);
  const had = await coins(before);
  expect(had).toMatchObject({ txouts: expect.any(Number), muhash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await user.run("session", "export", "a.session", "-s", "alpha")).toMatchObject({
    code: 1,
    err: expect.stringContaining("still runs core0"),
  });
  expect(await user.run("session", "down", "-s", "alpha")).toMatchObject({ code: 0 });
  expect(await user.run("session", "export", "a.session", "-s", "alpha")).toMatchObject({ code: 0 });
  expect(await user.run("session", "import", "a.session", "beta")).toMatchObject({ code: 0 });
  const after = await up("beta");
  expect(await coins(after)).toEqual(had);
  const addresses = async (name: string) =>
    (JSON.parse((await user.run("accounts", "-s", name, "--json")).out) as { accounts: unknown[] }).accounts;
  const moved = await addresses("beta");
  await up("alpha");
  expect(moved).toEqual(await addresses("alpha"));
});

test("kill -9 of an export and of an import: doctor names what is left, and list removes it, with the mnemonic in it", async () => {
  await user.run("session", "create", "alpha", "--mnemonic", "random");
  const blocks = join(sessions, "alpha", "nodes", "core0", "blocks");
  mkdirSync(blocks, { recursive: true });
  writeFileSync(join(blocks, "blk00000.dat"), randomBytes(60_000_000)); // Long enough to be killed in the middle.
  const parts = () => readdirSync(user.folder).filter((name) => name.endsWith(".part"));
  const exporting = user.start(["session", "export", "a.session", "-s", "alpha"]);
  await until(() => parts().length > 0);
  exporting.child.kill("SIGKILL");
  await exporting.ended;
  const left = join(user.folder, parts()[0]!);
  const doctor = await user.run("doctor");
  expect(doctor.out).toContain(`${left} was left by a killed "session export" and holds a mnemonic`);
  expect(doctor.out).toContain('-> run "chaincore session list", which removes it');
  expect(await user.run("session", "list")).toMatchObject({ code: 0, err: expect.stringContaining(`removed ${left}`) });
  expect(existsSync(left)).toBe(false);
  expect(await user.run("session", "export", "a.session", "-s", "alpha")).toMatchObject({ code: 0 });
  const imported = () => readdirSync(sessions).filter((name) => name.startsWith(".imported-"));
  const importing = user.start(["session", "import", "a.session", "beta"]);
  await until(() => imported().length > 0);
  importing.child.kill("SIGKILL");
  await importing.ended;
  expect((await user.run("doctor")).out).toContain(`${join(sessions, imported()[0]!)} was left by a killed "session import"`);
  expect(await user.run("session", "import", "a.session", "beta")).toMatchObject({ code: 0 });
  expect(readdirSync(sessions).sort()).toEqual(["alpha", "beta"]);
});

test.skipIf(process.platform !== "linux")("whenever a node has its database open, the registry says that it runs", async () => {
  await user.run("session", "create", "alpha");
  const { child, ended } = user.start(["node", "-s", "alpha", "--api-port", "0", "--json"]);
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const isOpen = () => {
    try {
      const open = `/proc/${child.pid}/fd`;
      return readdirSync(open).some((name) => {
        try {
          return /\/db\/LOCK$/.test(readlinkSync(join(open, name)));
        } catch {
          return false;
        }
      });
    } catch {
      return false;
    }
  };
  const isRegistered = () => {
    const { nodes } = JSON.parse(readFileSync(join(sessions, "alpha", "session_metadata.json"), "utf8")) as {
      nodes: NodeEntry[];
    };
    return nodes.some(isRunning);
  };
  let looks = 0;
  while (!isOpen()) await new Promise(setImmediate);
  expect(isRegistered()).toBe(true);
  await vi.waitFor(() => expect(existsSync(join(sessions, "alpha", "nodes", "core0", ".cookie"))).toBe(true), 30_000);
  child.kill("SIGTERM");
  while (!hasEnded) {
    if (!isRegistered()) {
      looks++;
      expect(isOpen()).toBe(false);
    }
    await new Promise(setImmediate);
  }
  console.info(`${looks} looks between the end of the registration and of the process`);
});
