/** The time of day may jump by an hour either way, for a holder, for a waiter, and in the file system: who lives keeps the lock. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FencedFile } from "../../src/core/files/fenced-file.ts";
import { FileLock } from "../../src/core/files/file-lock.ts";
import { createSession } from "../../src/core/sessions/manage.ts";
import { Registry } from "../../src/core/sessions/registry.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-jump-"));
  path = join(folder, "list.json");
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const HOUR_MS = 3_600_000;
const directions = [
  ["forwards", HOUR_MS],
  ["backwards", -HOUR_MS],
] as const;
const files = JSON.stringify(new URL("../../src/core/files/", import.meta.url).href);

/** A process whose time of day is `jumpMs` off, or jumps to and fro every few milliseconds. */
function runShifted(jumpMs: number | "to and fro", body: string) {
  const script = `
    const real = Date.now;
    let shift = ${jumpMs === "to and fro" ? 0 : jumpMs};
    globalThis.Date = class extends Date {
      constructor(...args) { args.length === 0 ? super(real() + shift) : super(...args); }
      static now() { return real() + shift; }
    };
    ${jumpMs === "to and fro" ? `setInterval(() => { shift = shift === 0 ? ${HOUR_MS} : shift > 0 ? -${HOUR_MS} : 0; }, 7).unref();` : ""}
    const { FileLock } = await import(${files} + "file-lock.ts");
    const { FencedFile } = await import(${files} + "fenced-file.ts");
    const path = ${JSON.stringify(path)};
    ${body}`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
}

const hold = (jumpMs: number) =>
  runShifted(
    jumpMs,
    `await new FileLock(path).withLock(async (held) => {
      process.stdout.write("held\\n");
      await new Promise((resolve) => process.stdin.once("end", resolve).resume());
      held.throwIfLost();
    });`,
  );

test.each(directions)("the times of a lock's files jump %s: its holder keeps it, a dead one's is taken", async (_, jumpMs) => {
  const holder = hold(0);
  await once(holder.stdout, "data");
  const jumped = new Date(Date.now() + jumpMs);
  for (const name of await readdir(folder, { recursive: true })) await utimes(join(folder, name), jumped, jumped);
  const lock = new FileLock(path);
  await expect(lock.withLock(() => {}, { timeoutMs: 1_500 })).rejects.toMatchObject({ code: "file-lock-timeout" }); // Past a sign.
  expect(lock.holder()?.pid).toBe(holder.pid);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  await lock.withLock(() => {}, { timeoutMs: 2_000 });
});

test.each(directions)("a holder's clock jumps %s: it keeps the lock, finishes, and gives it back", async (_, jumpMs) => {
  const holder = hold(jumpMs);
  await once(holder.stdout, "data");
  const lock = new FileLock(path);
  await expect(lock.withLock(() => {}, { timeoutMs: 1_500 })).rejects.toMatchObject({ code: "file-lock-timeout" });
  holder.stdin.end();
  expect(await once(holder, "exit")).toEqual([0, null]);
  expect(await readdir(folder)).toEqual([]);
});

test.each(directions)(
  "a waiter's clock jumps %s: it takes no lock from one who lives, and a dead one's at once",
  async (_, jumpMs) => {
    const body = (timeoutMs: number) =>
      `process.stdout.write(await new FileLock(path).withLock(() => "entered", { timeoutMs: ${timeoutMs} }).catch(({ code }) => code));`;
    const said = async (timeoutMs: number) => String(await once(runShifted(jumpMs, body(timeoutMs)).stdout, "data"));
    const holder = hold(0);
    await once(holder.stdout, "data");
    expect(await said(300)).toBe("file-lock-timeout");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(await said(2_000)).toBe("entered");
  },
);

test("writers whose clocks jump to and fro lose no change and overwrite nothing", async () => {
  const body = (name: string) =>
    `const file = new FencedFile(path);
     for (let n = 0; n < 15; n++) await file.update((text) => JSON.stringify([...JSON.parse(text ?? "[]"), "${name}-" + n]), { timeoutMs: 20_000 });`;
  const writers = ["a", "b", "c", "d"].map((name) => runShifted("to and fro", body(name)));
  expect(await Promise.all(writers.map(async (child) => (await once(child, "exit"))[0]))).toEqual([0, 0, 0, 0]);
  const words = JSON.parse((await new FencedFile(path).read())!) as string[];
  expect(new Set(words).size).toBe(60);
  for (const name of ["a", "b", "c", "d"]) expect(words.filter((word) => word.startsWith(name))).toHaveLength(15);
});

test.each(directions)(
  "the registry's clock jumps %s: a node that runs stays, one that ended stays until it has expired",
  async (_, jumpMs) => {
    await createSession({ home: folder, session: "default" });
    let now = Date.now();
    const clock = { nowMs: () => now, monotonicMs: () => performance.now() };
    const registry = new Registry({ home: folder, session: "default" }, { clock });
    const place = { api_port: 1, p2p_port: 2, socket: "", cookie: "", api_url: null, p2p_url: null };
    await registry.register({ node_id: "core0", ...place });
    await registry.register({ node_id: "core1", ...place });
    await registry.unregister("core1");
    now += jumpMs;
    await registry.heartbeat("core0");
    expect(await registry.markEnded()).toEqual([]);
    expect(await registry.prune(2 * HOUR_MS)).toEqual([]);
    now += 4 * HOUR_MS;
    expect(await registry.prune(2 * HOUR_MS)).toEqual(["core1"]); // It ended; the other one runs, however old its last sign.
    const { nodes } = JSON.parse(await readFile(registry.path, "utf8")) as { nodes: { node_id: string; is_active: boolean }[] };
    expect(nodes.map(({ node_id, is_active }) => [node_id, is_active])).toEqual([["core0", true]]);
  },
);
