import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliUser, fastestEntry } from "../support/cli.ts";

let user: CliUser;
let small: string;
let isMounted = false;

beforeEach(() => {
  user = new CliUser(fastestEntry());
  small = join(user.folder, "small");
  mkdirSync(small);
  isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1500k", "tmpfs", small]).status === 0;
});
afterEach(() => {
  if (isMounted) spawnSync("umount", [small]);
  user[Symbol.dispose]();
});

/** Of the blocks that `mine` told of. */
const heightsOf = (out: string) => Array.from(out.matchAll(/^block (\d+) {2}[0-9a-f]{64}$/gm), ([, height]) => Number(height));

test("on a full disk a node ends with one sentence, and no block that it acknowledged is lost", async ({ skip }) => {
  if (!isMounted) skip("a small tmpfs cannot be mounted here (needs root)");
  const first = await user.run("mine", "--home", small, "--blocks", "100000", "--threads", "2");
  expect(first).toMatchObject({ code: 1, err: expect.stringMatching(/is full: free some space, then start again/) });
  expect(first.err).not.toMatch(/\bat .*:\d+:\d+/);
  const acknowledged = heightsOf(first.out).at(-1)!;
  const again = await user.run("mine", "--home", small, "--blocks", "1", "--threads", "1");
  expect(again).toMatchObject({ code: 1, err: expect.stringMatching(/disk .*is full: free some space/) });
  const roomy = join(user.folder, "roomy");
  cpSync(small, roomy, { recursive: true });
  const rescued = await user.run("mine", "--home", roomy, "--blocks", "1", "--threads", "1");
  expect(rescued.code).toBe(0);
  expect(heightsOf(rescued.out)[0]).toBeGreaterThan(acknowledged);
});
