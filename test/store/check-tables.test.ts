import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkTables } from "../../src/core/store/check-tables.ts";
import { openDatabase } from "../../src/core/store/database.ts";
import { seededBytes, seededNumbers } from "../support/seeded.ts";

/** A database whose records have gone from its log into tables. */
async function withTables(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-tables-"));
  const random = seededBytes(1);
  for (let round = 0; round < 2; round++) {
    const database = await openDatabase(directory);
    const batch = database.batch();
    for (let i = 0; i < 500; i++) batch.put(random(37), random(40));
    await batch.write({ sync: true });
    await database.close();
  }
  return directory;
}

test("tables as LevelDB writes them pass; a flipped bit before the footer's padding does not", async () => {
  const directory = await withTables();
  await checkTables(directory);
  const [name] = (await readdir(directory)).filter((each) => each.endsWith(".ldb"));
  const path = join(directory, name!);
  const sound = await readFile(path);
  const next = seededNumbers(5);
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(sound);
    bytes[next() % (bytes.length - 48)]! ^= 1 << (next() % 8);
    await writeFile(path, bytes);
    await expect(checkTables(directory)).rejects.toEqual(expect.objectContaining({ code: "database-damaged" }));
  }
  await writeFile(path, sound.subarray(0, -1)); // Never finished: LevelDB's to judge.
  await checkTables(directory);
  await rm(directory, { recursive: true });
});

test("a folder that is not there has no damaged tables", async () => {
  await checkTables(join(tmpdir(), "chaincore-nowhere"));
});
