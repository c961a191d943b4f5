import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sessionLocks } from "../../src/core/client/session-locks.ts";
import { FileLock, type HeldLock } from "../../src/core/files/file-lock.ts";
import { type Hold, newToken, take, writeWaiter } from "../../src/core/files/lock-folder.ts";
import { createSession } from "../../src/core/sessions/manage.ts";
import { CliUser } from "../support/cli.ts";

let home: string;
let folder: string;
const children: ReturnType<typeof spawn>[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "chaincore-cycle-"));
  ({ folder } = await createSession({ home, session: "default" }));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

const at = (name: string) => join(folder, name);
const worker = new URL("lock-worker.ts", import.meta.url).pathname;

/** A process that has the first lock. */
async function holder(first: string, second?: string, ...how: string[]) {
  const words = [at(first), ...(second === undefined ? [] : [at(second), ...how])];
  const child = spawn(process.execPath, [worker, ...words], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines: Interface = createInterface({ input: child.stdout });
  await once(lines, "line");
  const go = () => child.stdin.write("go\n");
  const answer = once(lines, "line").then(([line]) => JSON.parse(String(line)) as { ok?: true; code?: string; message?: string });
  return { pid: child.pid!, child, go, answer };
}

type Worker = Awaited<ReturnType<typeof holder>>;

test("two processes that hold A and want B and vice versa: one is refused at once with both holders, the other gets on", async () => {
  const [one, two] = await Promise.all([holder("a", "b"), holder("b", "a")]);
  one.go();
  two.go();
  const answers = await Promise.all([one.answer, two.answer]);
  const refused = answers.find(({ code }) => code !== undefined)!;
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  expect(refused.code).toBe("file-lock-deadlock");
  const said = (worker: Worker, holds: string, waitsFor: string) =>
    `process ${worker.pid} (lock-worker.ts ${at(holds)} ${at(waitsFor)} `;
  expect(refused.message).toMatch(/^Deadlock detected: process \d+ .*; process \d+ .*; this request was refused: /);
  for (const text of [said(one, "a", "b").split(" (")[0]!, said(two, "b", "a").split(" (")[0]!, at("a"), at("b")])
    expect(refused.message).toContain(text);
});

test("three processes in a circle: exactly one is refused", async () => {
  const three = await Promise.all([holder("a", "b"), holder("b", "c"), holder("c", "a")]);
  for (const { go } of three) go();
  const answers = await Promise.all(three.map(({ answer }) => answer));
  expect(answers.filter(({ ok }) => ok)).toHaveLength(2);
  expect(answers.find(({ code }) => code !== undefined)?.message?.match(/ and waits for /g)).toHaveLength(3);
});

test("the session's graph shows a circle of processes that nobody refused, with both holders, and none without one", async () => {
  const [one, two] = await Promise.all([holder("a", "b", "apart"), holder("b", "a", "apart")]);
  expect((await sessionLocks({ home })).cycles).toEqual([]);
  one.go();
  await vi.waitFor(async () => expect((await sessionLocks({ home })).edges).toHaveLength(1), 10_000);
  expect((await sessionLocks({ home })).cycles).toEqual([]); // A wait alone is none.
  two.go();
  await vi.waitFor(async () => expect((await sessionLocks({ home })).edges).toHaveLength(2), 10_000);
  const { cycles, owners } = await sessionLocks({ home });
  expect(cycles).toEqual([{ certain: false, members: expect.any(Array) }]);
  expect(cycles[0]!.members.map(({ pid, holds, waitsFor }) => [pid, holds, waitsFor]).sort()).toEqual(
    [
      [one.pid, "a", "b"],
      [two.pid, "b", "a"],
    ].sort(),
  );
  expect(owners.map(({ since }) => Date.parse(since)).every((since) => Math.abs(since - Date.now()) < 60_000)).toBe(true);
  using user = new CliUser();
  user.env["CHAINCORE_HOME"] = home;
  const text = await user.run("locks", "graph", "--session");
  expect(text).toMatchObject({ code: 0, err: "" });
  expect(text.out).toMatch(
    new RegExp(`^Possible deadlock: process (${one.pid}|${two.pid}) .* holds . and waits for .; process`, "m"),
  );
  expect(text.out).toMatch(/^ {2}waits for a since \d{4}-.*Z, held by lock-worker.ts/m);
  expect((await user.run("locks", "graph", "--session", "--mermaid")).out).toContain('-.->|"waits to write"|');
  expect((await user.run("locks", "graph", "--session", "--dot")).out).toMatch(/^digraph locks \{\n[\s\S]*\}\n$/);
  const json = JSON.parse((await user.run("locks", "graph", "--session", "--json")).out) as { cycles: unknown[] };
  expect(json.cycles).toHaveLength(1);
});

test("a circle whose waits go on inside the holds is certain, and is shown once", async () => {
  const [a, b] = ["a", "b"].map((name) => ({ path: at(name), token: newToken() })) as [Hold, Hold];
  const note = { command: "test", since: new Date().toISOString() };
  for (const hold of [a, b]) take(hold, note);
  writeWaiter({ path: b.path, token: newToken() }, { ...note, within: [a] });
  writeWaiter({ path: a.path, token: newToken() }, { ...note, within: [b] });
  const { cycles } = await sessionLocks({ home });
  expect(cycles.map(({ certain, members }) => [certain, members.map(({ holds }) => holds).sort()])).toEqual([[true, ["a", "b"]]]);
});

test("a killed process neither holds nor waits: the graph forgets it, and who waited for it goes on", async () => {
  const [one, two] = await Promise.all([holder("a", "b"), holder("b")]);
  one.go();
  await vi.waitFor(async () => expect((await sessionLocks({ home })).edges).toHaveLength(1), 10_000);
  two.child.kill("SIGKILL");
  expect(await one.answer).toEqual({ ok: true });
  await once(one.child, "exit");
  expect(await sessionLocks({ home })).toEqual({ session: "default", owners: [], edges: [], cycles: [] });
  expect((await readdir(folder)).filter((name) => /^[ab]\./.test(name))).toEqual([]);
});

test("inside one process: taking what one holds is refused at once; waiting in line for each other is no circle", async () => {
  const [a, b] = [new FileLock(at("a")), new FileLock(at("b"))];
  const inside = (lock: FileLock, held: HeldLock) => lock.withLock(() => "in", { within: held, timeoutMs: 20_000 });
  await expect(a.withLock((held) => inside(a, held))).rejects.toMatchObject({ code: "file-lock-deadlock" });
  expect(a.statistics).toMatchObject({ deadlocks: 1, timeouts: 0 });
  const nested = () => a.withLock((held) => inside(b, held));
  expect(await Promise.all(Array.from({ length: 8 }, nested))).toEqual(Array(8).fill("in"));
  await b.withLock(async () => {
    const waiting = b.withLock(() => "next");
    await vi.waitFor(async () => expect((await sessionLocks({ home })).edges).toHaveLength(1));
    expect((await sessionLocks({ home })).cycles).toEqual([]);
    return () => waiting;
  });
  expect(b.statistics.deadlocks).toBe(0);
});
