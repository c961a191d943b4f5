import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeTemporaryFiles, writeFileAtomic } from "../../src/core/files/atomic-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chaincore-atomic-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a file is replaced whole, closed to others, with nothing left beside it", async () => {
  const path = join(folder, "x");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, new Uint8Array([0x74, 0x77, 0x6f]));
  expect(await readFile(path, "utf8")).toBe("two");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["x"]);
});

test("a write that fails leaves the old file and no temporary one", async () => {
  await writeFileAtomic(join(folder, "x"), "old");
  const content = "new" as string;
  await expect(writeFileAtomic(join(folder, "missing", "x"), content)).rejects.toMatchObject({ code: "ENOENT" });
  await rm(join(folder, "x"));
  const { mkdir } = await import("node:fs/promises");
  await mkdir(join(folder, "x"));
  await expect(writeFileAtomic(join(folder, "x"), content)).rejects.toThrow();
  expect(await readdir(folder)).toEqual(["x"]);
});

test("a reader sees the old or the new content, never a mixture", async () => {
  const path = join(folder, "x");
  const contents = ["a".repeat(300_000), "b".repeat(300_000)];
  await writeFileAtomic(path, contents[0]!);
  let writing = true;
  const reads = (async () => {
    while (writing) expect(contents).toContain(await readFile(path, "utf8"));
  })();
  for (let n = 0; n < 40; n++) await writeFileAtomic(path, contents[n % 2]!);
  writing = false;
  await reads;
});

test("temporary files of killed writers are cleaned up, other files are not", async () => {
  for (const name of ["list.json", "list.json.123", "list.json.lock", "other.json.5"]) await writeFile(join(folder, name), "");
  expect(await removeTemporaryFiles(join(folder, "list.json"))).toBe(1);
  expect((await readdir(folder)).sort()).toEqual(["list.json", "list.json.lock", "other.json.5"]);
});
