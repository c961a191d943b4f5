import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSameProcess } from "../../src/core/files/process-identity.ts";
import { CliUser, fastestEntry } from "../support/cli.ts";

const root = new URL("../..", import.meta.url).pathname;
let user: CliUser;
beforeEach(() => {
  user = new CliUser();
});
afterEach(() => user[Symbol.dispose]());

/** The script as a user runs it; its temporary folders are in the user's own. */
function start(script: string) {
  const { CHAINCORE_HOME: _, ...env } = user.env;
  const CHAINCORE = `${process.execPath} ${join(root, fastestEntry())}`;
  const child = spawn("bash", [join(root, "examples", script)], { env: { ...env, TMPDIR: user.folder, CHAINCORE } });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, ended, out: () => out, err: () => err };
}

/** mktemp's folders under ours. */
const homes = () => readdirSync(user.folder).filter((name) => name.startsWith("tmp."));

function nodesOf(home: string): { pid: number; pid_started: string }[] {
  const path = join(user.folder, home, "sessions", "five", "session_metadata.json");
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { nodes: { pid: number; pid_started: string }[] }).nodes;
  } catch {
    return [];
  }
}

test("five nodes mine, pay, part and come together again, and nothing of them stays", async () => {
  const run = start("five-nodes.sh");
  const code = await run.ended;
  expect({ code, err: code === 0 ? "" : run.err() }).toEqual({ code: 0, err: "" });
  const out = run.out();
  const tips = (side: string) => new RegExp(`^${side} +([0-9a-f]{64})$`, "m").exec(out)?.[1];
  expect(tips("left")).not.toBe(tips("right"));
  expect(tips("all")).toBe(tips("right"));
  expect(out.match(/^core\d +\d+ +\d+ +104 /gm)).toHaveLength(5);
  expect(out.match(/^core\d has stopped$/gm)).toHaveLength(5);
  expect(homes()).toEqual([]);
});

test("a script that is ended midway takes its nodes along", async () => {
  const run = start("five-nodes.sh");
  while (!/core0 mines/.test(run.out())) {
    if (run.child.exitCode !== null) throw new Error(run.err());
    await sleep(20);
  }
  const nodes = homes().flatMap(nodesOf);
  expect(nodes).toHaveLength(5);
  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(143);
  for (const { pid, pid_started } of nodes) expect(isSameProcess(pid, pid_started)).toBe(false);
  expect(homes()).toEqual([]);
});
