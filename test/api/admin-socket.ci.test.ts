import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";

const CONTENDER = new URL("./socket-contender.ts", import.meta.url).pathname;
let folder: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-socket-"));
  path = join(folder, "node", "admin.sock");
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
  await rm(folder, { recursive: true, force: true });
});

/** A process that wants the socket; each line that it prints is one step further. */
async function contender(): Promise<{ child: ChildProcess; go(): Promise<string> }> {
  const child = spawn(process.execPath, [CONTENDER, path], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("ready");
  return {
    child,
    async go() {
      child.stdin!.write("\n");
      return (await lines.next()).value as string;
    },
  };
}

async function answerer(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request({ socketPath: path, path: "/" }, async (response) => resolve(String(await response.toArray())));
  outgoing.on("error", reject).end();
  return Number(await promise);
}

test.each([1, 2, 3])("of six processes that want the socket at once, exactly one gets it, round %i", async () => {
  const six = await Promise.all(Array.from({ length: 6 }, contender));
  const said = await Promise.all(six.map(({ go }) => go()));
  expect(said.toSorted()).toEqual(["node-running", "node-running", "node-running", "node-running", "node-running", "owner"]);
  expect(await answerer()).toBe(six[said.indexOf("owner")]!.child.pid);
});

test.each([1, 2, 3])("of six processes that find the socket of a killed one, exactly one gets it, round %i", async () => {
  const killed = await contender();
  expect(await killed.go()).toBe("owner");
  killed.child.kill("SIGKILL");
  await once(killed.child, "exit");
  expect((await lstat(path)).isSocket()).toBe(true);
  const six = await Promise.all(Array.from({ length: 6 }, contender));
  const said = await Promise.all(six.map(({ go }) => go()));
  expect(said.filter((word) => word === "owner")).toHaveLength(1);
  expect(await answerer()).toBe(six[said.indexOf("owner")]!.child.pid);
});
