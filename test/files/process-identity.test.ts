import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { isSameProcess, processStartTime } from "../../src/core/files/process-identity.ts";

test("a process is the same as long as it runs, and not after", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const started = processStartTime(child.pid!);
  expect(isSameProcess(child.pid!, started)).toBe(true);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(isSameProcess(child.pid!, started)).toBe(false);
});

test.skipIf(process.platform !== "linux")("a pid that another process has now is not the same process", () => {
  expect(isSameProcess(process.pid, processStartTime(process.pid))).toBe(true);
  expect(isSameProcess(process.pid, "00000000-1")).toBe(false);
});

test("numbers that are no pid belong to nobody", () => {
  for (const pid of [0, -1, 1.5, Number.NaN]) expect(isSameProcess(pid, null)).toBe(false);
});

test.skipIf(process.platform !== "linux")("a zombie counts as ended", async () => {
  // The shell starts a child that ends at once and never asks for it: the child stays as a zombie.
  const shell = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 30"], { stdio: ["ignore", "pipe", "ignore"] });
  const pid = Number(await new Promise<Buffer>((resolve) => shell.stdout.once("data", resolve)));
  while (isSameProcess(pid, null) && processStartTime(pid) !== null && isSameProcess(pid, processStartTime(pid))) {
    await new Promise(setImmediate);
  }
  expect(isSameProcess(pid, processStartTime(pid))).toBe(false);
  shell.kill("SIGKILL");
});
