import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const root = process.env["CHAINCORE_TEST_DATA"] ?? join(import.meta.dirname, "../../../shared");

/** Whether the published vectors and chains are here; `test.skipIf(!hasTestData)` prints the one line below. CI refuses to start without them. */
export const hasTestData = existsSync(join(root, "vectors")) && existsSync(join(root, "chains"));
if (!hasTestData)
  console.warn(`skipped: no test data in ${root}; set CHAINCORE_TEST_DATA to the folder with vectors/ and chains/`);

/** The path of a file in the test data. */
export function testDataPath(path: string): string {
  return join(root, path);
}

/** Its bytes, unpacked where the name ends in .gz. */
export function testData(path: string): Buffer {
  const bytes = readFileSync(testDataPath(path));
  return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

export function testJson<T>(path: string): T {
  return JSON.parse(testData(path).toString("utf8")) as T;
}

/** One object a line. */
export function testLines<T>(path: string): T[] {
  const lines = testData(path).toString("utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}
