import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkLog, isSoundLog } from "../../src/core/store/check-log.ts";
import { openDatabase } from "../../src/core/store/database.ts";
import { seededBytes, seededNumbers } from "../support/seeded.ts";

/** A log as LevelDB writes it: 400 batches, some over several blocks of 32 KiB. */
async function withLog(): Promise<{ directory: string; path: string; log: Buffer }> {
  const directory = await mkdtemp(join(tmpdir(), "chaincore-log-"));
  const random = seededBytes(2);
  const database = await openDatabase(directory);
  for (let round = 0; round < 400; round++) {
    const batch = database.batch();
    batch.put(random(37), random(round % 50 === 0 ? 70_000 : 1_000));
    await batch.write({ sync: false });
  }
  await database.close();
  const [name] = (await readdir(directory)).filter((each) => each.endsWith(".log"));
  const path = join(directory, name!);
  return { directory, path, log: await readFile(path) };
}

test("a log as LevelDB writes it passes; one flipped bit before its last block does not", async () => {
  const { directory, path, log } = await withLog();
  await checkLog(directory);
  expect(log.length).toBeGreaterThan(800_000);
  const next = seededNumbers(6);
  const lastBlock = Math.floor(log.length / 32_768) * 32_768;
  let padding = 0;
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(log);
    const at = next() % lastBlock;
    bytes[at]! ^= 1 << (next() % 8);
    if (isSoundLog(bytes))
      padding++; // Fewer than seven bytes at the end of a block hold nothing.
    else if (round % 50 === 0) {
      await writeFile(path, bytes);
      await expect(checkLog(directory)).rejects.toEqual(expect.objectContaining({ code: "database-damaged" }));
    }
  }
  expect(padding).toBeLessThan(3);
  await rm(directory, { recursive: true });
});

test("a torn end is no damage, wherever it tears: the serial number tells whether something confirmed was in it", async () => {
  const { directory, log } = await withLog();
  for (let cut = 0; cut < 70_000; cut += 997) expect(isSoundLog(log.subarray(0, log.length - cut))).toBe(true);
  const zeros = Buffer.from(log);
  zeros.fill(0, log.length - 20_000);
  expect(isSoundLog(zeros)).toBe(true);
  await rm(directory, { recursive: true });
});
