import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogTail } from "../../src/core/client/node-logs.ts";
import { formatLogLine } from "../../src/ui/log-line.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-logs-"));
  path = join(folder, "node.log");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a log is shown from its end, then as it grows, line by whole line", async () => {
  const tail = new LogTail(path);
  expect(await tail.more()).toEqual([]);
  await writeFile(path, "one\ntwo\nthr");
  expect(await tail.more()).toEqual(["one", "two"]);
  await appendFile(path, Buffer.from("ee ä").subarray(0, 4)); // In the middle of a letter.
  expect(await tail.more()).toEqual([]);
  await appendFile(path, Buffer.concat([Buffer.from("ä").subarray(1), Buffer.from("\n")]));
  expect(await tail.more()).toEqual(["three ä"]);
});

test("of a long log the last 64 kB are shown, beginning with a whole line", async () => {
  await writeFile(path, Array.from({ length: 10_000 }, (_, n) => `line ${n}\n`).join(""));
  const lines = await new LogTail(path).more();
  expect(lines[0]).toMatch(/^line \d+$/);
  expect(lines.at(-1)).toBe("line 9999");
  expect(lines.length).toBeLessThan(7_000);
});

test("after a rotation the new file is read from its start", async () => {
  const tail = new LogTail(path);
  await writeFile(path, "old\n");
  await tail.more();
  await rename(path, `${path}.1`);
  await writeFile(path, "new and longer\n");
  expect(await tail.more()).toEqual(["new and longer"]);
});

test("a JSON line is told in words, anything else as it is", () => {
  expect(formatLogLine('{"level":30,"time":0,"pid":7,"thread":"main","area":"node","height":3,"tip":"ab","msg":"ready"}')).toBe(
    "00:00:00.000 INFO  [main] node: ready height=3 tip=ab",
  );
  expect(formatLogLine("Segmentation fault")).toBe("Segmentation fault");
});
