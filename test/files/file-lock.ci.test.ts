import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileLock } from "../../src/core/files/file-lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-lock-"));
  path = join(folder, "guarded");
});
const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const identity = JSON.stringify(new URL("../../src/core/files/process-identity.ts", import.meta.url).href);
const module = JSON.stringify(new URL("../../src/core/files/file-lock.ts", import.meta.url).href);

function run(body: string) {
  const script = `
    import { readFileSync, rmSync, writeFileSync } from "node:fs";
    const { FileLock } = await import(${module});
    const { isSameProcess, processStartTime } = await import(${identity});
    const path = ${JSON.stringify(path)};
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  return child;
}

test.skipIf(process.platform !== "linux")(
  "a suspended holder loses the lock after 5 s, and is told when it goes on",
  async () => {
    const holder = run(`await new FileLock(path).withLock(async (held) => {
    process.stdout.write("held");
    await new Promise((resolve) => held.signal.addEventListener("abort", resolve) ?? setInterval(() => {}, 1000));
    try { held.throwIfLost(); } catch ({ code }) { process.stdout.write(code); }
  });
  process.exit(0);`);
    await once(holder.stdout, "data");
    holder.kill("SIGSTOP");
    const from = performance.now();
    await new FileLock(path).withLock(async () => {
      expect(performance.now() - from).toBeGreaterThan(4_900);
      holder.kill("SIGCONT");
      expect(String(await once(holder.stdout, "data"))).toBe("file-lock-lost");
      await once(holder, "exit");
      expect(new FileLock(path).holder()?.pid).toBe(process.pid); // What it gave back was not ours.
    });
  },
  60_000,
);

test.skipIf(process.platform !== "linux")(
  "a holder that computes for 8 s without a turn of its event loop keeps the lock",
  async () => {
    const holder = run(`await new FileLock(path).withLock(async (held) => {
    process.stdout.write("held");
    await new Promise(setImmediate);
    for (const from = performance.now(); performance.now() - from < 8000; );
    held.throwIfLost();
  });`);
    await once(holder.stdout, "data");
    await expect(new FileLock(path).withLock(() => {}, { timeoutMs: 7_000 })).rejects.toMatchObject({
      code: "file-lock-timeout",
    });
    expect(await once(holder, "exit")).toEqual([0, null]);
  },
  60_000,
);

test("of eight processes that take, hold and are killed at random, never are two inside, and nobody waits for the dead", async () => {
  // Who is inside has its pid in a file; another's pid there is a dead one's, or two were inside.
  const body = `
    const mark = path + ".inside";
    for (;;) await new FileLock(path).withLock(async () => {
      let before = "";
      try { before = readFileSync(mark, "utf8"); } catch {}
      if (before !== "" && isSameProcess(Number(before), processStartTime(Number(before)))) process.stdout.write("TWO INSIDE");
      writeFileSync(mark, String(process.pid));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      rmSync(mark, { force: true });
      process.stdout.write("round\\n");
    }, { timeoutMs: 30_000 });`;
  let said = "";
  let rounds = 0;
  const start = () => {
    const child = run(body);
    child.stdout.on("data", (chunk: Buffer) => {
      rounds += chunk.toString().split("round").length - 1;
      if (/[A-Z]/.test(chunk.toString())) said += chunk.toString();
    });
    return child;
  };
  const children = new Set(Array.from({ length: 8 }, start));
  for (let kill = 0; kill < 120; kill++) {
    const goal = rounds + 3;
    const from = performance.now();
    while (rounds < goal) {
      if (performance.now() - from > 60_000) throw new Error("nobody gets in any more");
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    }
    const inside = new FileLock(path).holder()?.pid;
    const victim = [...children].find(({ pid }) => pid === inside) ?? [...children][kill % children.size]!;
    victim.kill("SIGKILL");
    children.delete(victim);
    children.add(start());
  }
  for (const child of children) child.kill("SIGKILL");
  await Promise.all([...children].map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
  console.info(`${rounds} rounds`);
  expect(said).toBe("");
  await new FileLock(path).withLock(() => {});
  expect((await readdir(folder)).filter((name) => name !== "guarded.inside")).toEqual([]);
}, 120_000);
