import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Store } from "../../src/core/store/store.ts";
import { diskError } from "../../src/core/store/store-error.ts";
import { hashOf } from "./samples.ts";

const options = (directory: string) => ({ directory, magic: Uint8Array.of(1, 2, 3, 4), genesisHash: hashOf(0) });

/** As classic-level passes it on: LevelDB's own error inside one of its own. */
function levelError(code: string, message: string): Error {
  const cause = Object.assign(new Error(message), { code });
  return Object.assign(new Error("Database failed to open", { cause }), { code: "LEVEL_DATABASE_NOT_OPEN" });
}

test.each([
  [
    Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }),
    "disk-full",
    /is full: free some space/,
  ],
  [levelError("LEVEL_IO_ERROR", "IO error: db/000003.log: No space left on device"), "disk-full", /is full/],
  [Object.assign(new Error("EROFS"), { code: "EROFS" }), "folder-not-writable", /cannot be written to/],
  [levelError("LEVEL_IO_ERROR", "IO error: db/LOCK: Permission denied"), "folder-not-writable", /another user's folder/],
  [levelError("LEVEL_LOCKED", "IO error: lock db/LOCK"), "folder-in-use", /Another node is running/],
  [levelError("LEVEL_CORRUPTION", "Corruption: bad block"), "database-damaged", /--reindex/],
  [Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" }), "disk-failed", /The disk failed under/],
])("each way in which a disk fails has its code and one sentence (%s)", (cause, code, sentence) => {
  const error = diskError(cause, "/data/node");
  expect([error.code, error.cause]).toEqual([code, cause]);
  expect(error.message).toMatch(sentence);
  expect(error.message).toContain("/data/node");
  expect(error.message.split(/[.] /).length).toBe(1);
  expect(diskError(error, "/elsewhere")).toBe(error);
});

test.skipIf(process.getuid?.() === 0)(
  "a folder that this user may not write to is refused (skipped for root, whom no mode stops)",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "chaincore-readonly-"));
    await chmod(directory, 0o500);
    await expect(Store.open(options(directory))).rejects.toEqual(expect.objectContaining({ code: "folder-not-writable" }));
    await chmod(directory, 0o700);
    await rm(directory, { recursive: true });
  },
);

test("a folder whose path is a file is refused", async () => {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-file-"));
  await writeFile(join(directory, "node"), "");
  await expect(Store.open(options(join(directory, "node")))).rejects.toEqual(expect.objectContaining({ code: "disk-failed" }));
  await rm(directory, { recursive: true });
});
