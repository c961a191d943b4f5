import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FileLock } from "../../src/core/files/file-lock.ts";
import { release } from "../../src/core/files/lock-folder.ts";

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

test("a holder that lost the lock is told: at once when it asks, and by its signal; it does not end the next one's hold", async () => {
  const [first, second] = [new FileLock(path), new FileLock(path)];
  await second.withLock(async () => {}); // Its first use sweeps.
  let inside: Promise<void> | undefined;
  const leave = Promise.withResolvers<void>();
  await first.withLock(async (held) => {
    release(held.holds[0]!); // As a waiter does that has seen no sign of it for long.
    inside = second.withLock(() => leave.promise);
    expect(() => held.throwIfLost()).toThrow(expect.objectContaining({ code: "file-lock-lost" }));
    if (!held.signal.aborted) throw new Error("its signal is silent");
  });
  expect(second.holder()?.pid).toBe(process.pid);
  leave.resolve();
  await inside;
  expect(second.holder()).toBeUndefined();
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

test("nobody who waits or has given up leaves a file, and the first who enters removes what killed ones left", async () => {
  const holder = await holderProcess();
  const waiting = new FileLock(path).withLock(() => "entered");
  await vi.waitFor(async () => expect(await readdir(folder)).toContainEqual(expect.stringContaining(".waiter.")));
  const dead = `${process.pid}.another-1.0123456789abcdef`;
  await writeFile(`${path}.waiter.${dead}`, "{}\n");
  await mkdir(`${path}.lock.${dead}`);
  expect(new FileLock(path).waiters()).toEqual([expect.objectContaining({ pid: process.pid })]);
  holder.kill("SIGKILL");
  expect(await waiting).toBe("entered");
  expect(await readdir(folder)).toEqual([]);
});
