import { spawn } from "node:child_process";
import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileLock } from "../../src/core/files/file-lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-lock-"));
  path = join(folder, "guarded.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Another process that takes the lock, says so, and keeps it until it is killed or its stdin ends. */
async function holderProcess(): Promise<{ pid: number; kill(signal: NodeJS.Signals): void; ended: Promise<unknown> }> {
  const script = `
    import { FileLock } from ${JSON.stringify(new URL("../../src/core/files/file-lock.ts", import.meta.url).href)};
    await new FileLock(${JSON.stringify(path)}).withLock(async () => {
      process.stdout.write("held\\n");
      await new Promise((resolve) => process.stdin.once("end", resolve).resume());
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return { pid: child.pid!, kill: (signal) => child.kill(signal), ended };
}

test("callers of one process enter one at a time, in the order in which they came", async () => {
  const lock = new FileLock(path);
  const order: number[] = [];
  let inside = 0;
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      lock.withLock(async () => {
        expect(++inside).toBe(1);
        await new Promise(setImmediate);
        order.push(n);
        inside--;
      }),
    ),
  );
  expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(lock.statistics.acquisitions).toBe(20);
});

test("two locks over one file in one process exclude each other", async () => {
  const [one, two] = [new FileLock(path), new FileLock(path)];
  await one.withLock(async () => {
    await expect(two.withLock(() => {}, { timeoutMs: 50 })).rejects.toThrow("Failed to acquire file lock");
  });
  await two.withLock(() => {});
});

test("a timeout names the process that holds the lock, its command and since when", async () => {
  const holder = await holderProcess();
  const error = await new FileLock(path).withLock(() => {}, { timeoutMs: 100 }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "file-lock-timeout", detail: { holder: { pid: holder.pid } } });
  expect((error as Error).message).toMatch(new RegExp(`process ${holder.pid} \\(.*\\) has held it since \\d{4}-`));
  holder.kill("SIGKILL");
  await holder.ended;
});

test("a holder that is killed gives the lock back at once", async () => {
  const holder = await holderProcess();
  const lock = new FileLock(path);
  expect(lock.holder()?.pid).toBe(holder.pid);
  const waiting = lock.withLock(() => "entered", { timeoutMs: 20_000 });
  holder.kill("SIGKILL");
  expect(await waiting).toBe("entered");
  expect(lock.holder()).toBeUndefined();
});

test("a holder that is suspended keeps the lock until it is stale, and finishes when it goes on in time", async () => {
  const holder = await holderProcess();
  holder.kill("SIGSTOP");
  const lock = new FileLock(path);
  await expect(lock.withLock(() => {}, { timeoutMs: 200 })).rejects.toMatchObject({ code: "file-lock-timeout" });
  holder.kill("SIGCONT");
  holder.kill("SIGTERM");
  await holder.ended;
  await lock.withLock(() => {});
});

test("a holder that was suspended past the stale time is told that it lost the lock", async () => {
  const [first, second] = [new FileLock(path), new FileLock(path)];
  await first.withLock(async (held) => {
    await utimes(`${path}.lock`, new Date(0), new Date(0)); // As if nothing had refreshed it for long.
    await second.withLock(() => {});
    await new Promise((resolve) => held.signal.addEventListener("abort", resolve));
    expect(() => held.throwIfLost()).toThrow(expect.objectContaining({ code: "file-lock-lost" }));
  });
});

test("an aborted wait leaves the queue and the lock as they were", async () => {
  const lock = new FileLock(path);
  const cancel = new AbortController();
  await lock.withLock(async () => {
    const aborted = expect(lock.withLock(() => {}, { signal: cancel.signal })).rejects.toMatchObject({ name: "AbortError" });
    cancel.abort();
    await aborted;
  });
  expect(await lock.withLock(() => "free")).toBe("free");
});

test("a caller that fails gives the lock back and its error on", async () => {
  const lock = new FileLock(path);
  await expect(
    lock.withLock(() => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(await lock.withLock(() => "free")).toBe("free");
});
